"""Leases: a worker claims a piece of work with a fence, and a write with an old fence changes nothing."""

from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from core.db.models.data_sets import DataSetVersion
from core.db.models.problems import PoolChunk
from core.db.models.submissions import Shard
from core.domain.work import WorkState

LeasedModel = type[Shard] | type[PoolChunk] | type[DataSetVersion]


def claim(session: Session, model: LeasedModel, piece_id: str, *, worker: str, now: datetime, until: datetime) -> int:
    """Take the piece if it is free or its lease has run out; return the new fence, or 0 if it is not to be had."""
    found = session.get(model, piece_id, with_for_update=True, populate_existing=True)
    row = cast(Shard | PoolChunk | DataSetVersion | None, found)
    if row is None or row.state not in (WorkState.PENDING, WorkState.LEASED):
        return 0
    if row.state == WorkState.LEASED and row.lease_until is not None and row.lease_until > now:
        return 0
    row.state, row.worker, row.lease_until, row.claimed_at = WorkState.LEASED, worker, until, now
    row.fence += 1
    row.attempts += 1
    return row.fence


def renew(session: Session, model: LeasedModel, piece_id: str, fence: int, *, until: datetime, **progress: Any) -> bool:
    """Extend the lease and store progress; False when the fence is outdated."""
    return _update(session, model, piece_id, fence, lease_until=until, **progress)


def settle(session: Session, model: LeasedModel, piece_id: str, fence: int, *, state: WorkState, **values: Any) -> bool:
    """End the lease with a final or pending state; False when the fence is outdated."""
    return _update(session, model, piece_id, fence, state=state, lease_until=None, **values)


def fetch_expired(session: Session, model: LeasedModel, now: datetime) -> list[str]:
    return list(session.scalars(select(model.id).where(model.state == WorkState.LEASED, model.lease_until < now)))


def fetch_live(session: Session, model: LeasedModel, now: datetime) -> list[tuple[str, int]]:
    """Pieces under a live lease, with their fences."""
    rows = session.execute(
        select(model.id, model.fence).where(model.state == WorkState.LEASED, model.lease_until >= now)
    )
    return [(row.id, row.fence) for row in rows]


def release_expired(session: Session, model: LeasedModel, piece_id: str, now: datetime) -> bool:
    """Return one lost piece to the pending state; False when its holder renewed or ended it meanwhile."""
    query = (
        update(model)
        .where(model.id == piece_id, model.state == WorkState.LEASED, model.lease_until < now)
        .values(state=WorkState.PENDING, lease_until=None, fault="its worker was lost")
    )
    return _count(session.execute(query)) == 1


def _update(session: Session, model: LeasedModel, piece_id: str, fence: int, **values: Any) -> bool:
    query = (
        update(model)
        .where(model.id == piece_id, model.fence == fence, model.state == WorkState.LEASED)
        .values(**values)
    )
    return _count(session.execute(query)) == 1


def _count(result: Any) -> int:
    return result.rowcount if isinstance(result, CursorResult) else 0
