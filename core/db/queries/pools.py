"""SQL about pools as things that are sealed, used and retired."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from core.db.models.problems import EvaluationSpec, Pool, Problem
from core.domain.pools import PoolState


def fetch_seals(session: Session, problem_id: str) -> list[dict[str, Any]]:
    query = select(Pool.seal).where(Pool.problem_id == problem_id, Pool.seal.is_not(None))
    return [seal for seal in session.scalars(query) if seal]


def activate(session: Session, spec_id: str) -> None:
    """From now on submissions are scored against the pools of this spec."""
    for pool in _fetch_of_spec(session, spec_id):
        if pool.state == PoolState.SEALED:
            pool.state = PoolState.ACTIVE.value
    session.flush()


def fetch_pools_named(session: Session, slug: str) -> list[Pool]:
    """All pools that were ever made for a competition of this name, the newest problem first."""
    query = select(Pool).join(Problem).where(Problem.slug == slug)
    query = query.options(selectinload(Pool.chunks), joinedload(Pool.problem))
    return list(session.scalars(query.order_by(Problem.created_at.desc(), Pool.id)))


def has_retired(session: Session, spec_id: str) -> bool:
    """Whether nothing can be scored under this spec any more."""
    return any(pool.state == PoolState.RETIRED for pool in _fetch_of_spec(session, spec_id))


def _fetch_of_spec(session: Session, spec_id: str) -> list[Pool]:
    query = select(Pool).join(EvaluationSpec, EvaluationSpec.problem_id == Pool.problem_id)
    return list(session.scalars(query.where(EvaluationSpec.id == spec_id)))
