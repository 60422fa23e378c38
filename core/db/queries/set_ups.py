"""SQL about competitions that are being set up."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db.base import utc_now
from core.db.models.contests import SetUp


def fetch_set_ups(session: Session, limit: int = 100) -> Sequence[SetUp]:
    """The last changed first."""
    return session.scalars(select(SetUp).order_by(SetUp.changed_at.desc(), SetUp.id).limit(limit)).all()


def fetch_set_up(session: Session, set_up_id: str) -> SetUp | None:
    return session.get(SetUp, set_up_id)


def store_set_up(session: Session, values: Mapping[str, Any], started_by: str) -> SetUp:
    row = SetUp(values=dict(values), started_by=started_by)
    session.add(row)
    session.flush()
    return row


def change_set_up(session: Session, row: SetUp, values: Mapping[str, Any]) -> None:
    """What is not named stays."""
    row.values = {**row.values, **values}
    row.changed_at = utc_now()


def remove_set_up(session: Session, row: SetUp) -> None:
    session.delete(row)
