"""SQL about what janitors did last, and when."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db.models.operations import JanitorTurn
from core.domain.duties import Duty, Turns


def fetch_turns(session: Session) -> list[Turns]:
    """Of every duty, whether anybody ever did it or not."""
    rows = {row.duty: row for row in session.scalars(select(JanitorTurn))}
    return [_make_turns(duty, rows.get(duty)) for duty in Duty]


def record_turn(session: Session, duty: Duty, now: datetime, *, node: str, every_seconds: float, fault: str) -> None:
    row = session.get(JanitorTurn, duty, with_for_update=True) or JanitorTurn(duty=duty, turned_at=None)
    row.tried_at, row.node, row.every_seconds, row.fault = now, node, every_seconds, fault
    row.turned_at = row.turned_at if fault else now
    session.add(row)


def _make_turns(duty: Duty, row: JanitorTurn | None) -> Turns:
    if row is None:
        return Turns(duty)
    return Turns(duty, row.tried_at, row.turned_at, row.every_seconds, row.node, row.fault)
