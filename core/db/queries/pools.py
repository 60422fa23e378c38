"""SQL about pools as things that are sealed, used and retired."""

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from core.db.models.contests import Competition
from core.db.models.lifecycle import Phase
from core.db.models.problems import EvaluationSpec, Pool, PoolChunk, Problem
from core.domain.competition import CompetitionState
from core.domain.errors import Conflict
from core.domain.phases import PhaseKind, PhaseState
from core.domain.pools import PoolKind, PoolState
from core.domain.work import WorkState


def fetch_seals(session: Session, problem_id: str) -> list[dict[str, Any]]:
    query = select(Pool.seal).where(Pool.problem_id == problem_id, Pool.seal.is_not(None))
    return [seal for seal in session.scalars(query) if seal]


def activate(session: Session, spec_id: str) -> None:
    """From now on submissions are scored against the pools of this spec."""
    for pool in _fetch_of_spec(session, spec_id):
        if pool.state == PoolState.RETIRED:
            raise Conflict("its pools are retired: nothing is scored against them until its problem is prepared again")
        if pool.state == PoolState.SEALED:
            pool.state = PoolState.ACTIVE
    session.flush()


def fetch_pools_of(session: Session, slug: str, problem_ids: Collection[str]) -> list[Pool]:
    """All pools that were ever made for a competition of this name or of its problems, the newest problem first."""
    query = select(Pool).join(Problem).where((Problem.slug == slug) | Problem.id.in_(problem_ids))
    query = query.options(selectinload(Pool.chunks), joinedload(Pool.problem))
    return list(session.scalars(query.order_by(Problem.created_at.desc(), Pool.id)))


def find_needed(session: Session, *, besides: str) -> set[str]:
    """Problems that competitions other than this one are scored against, or practise on, until they end.

    And those of every private phase, whose competition has ended, until it is published.
    """
    ended = (CompetitionState.CLOSED, CompetitionState.ARCHIVED)
    goes_on = and_(Competition.id != besides, Competition.state.not_in(ended))
    to_come = (Phase.kind == PhaseKind.PRIVATE) & (Phase.state != PhaseState.PUBLISHED)
    own = select(EvaluationSpec.problem_id).join(Competition, Competition.spec_id == EvaluationSpec.id).where(goes_on)
    beside = (
        select(EvaluationSpec.problem_id)
        .join(Phase, Phase.spec_id == EvaluationSpec.id)
        .join(Competition, Competition.id == Phase.competition_id)
        .where(goes_on | to_come)
    )
    return set(session.scalars(own.union(beside)))


def has_retired(session: Session, spec_id: str) -> bool:
    """Whether nothing can be scored under this spec any more."""
    return any(pool.state == PoolState.RETIRED for pool in _fetch_of_spec(session, spec_id))


def find_gap(session: Session, spec_id: str, kinds: Iterable[PoolKind] = PoolKind) -> str:
    """What is being made again of sealed pools, and what keeps it; empty if they are whole."""
    query = (
        select(Pool.kind, PoolChunk.position, PoolChunk.fault)
        .join(Pool, PoolChunk.pool_id == Pool.id)
        .join(EvaluationSpec, EvaluationSpec.problem_id == Pool.problem_id)
        .where(EvaluationSpec.id == spec_id, PoolChunk.state != WorkState.DONE, Pool.kind.in_(list(kinds)))
        .where(Pool.state.in_((PoolState.SEALED, PoolState.ACTIVE)))
        .order_by(PoolChunk.state, PoolChunk.id)  # one that was given up first
    )
    row = session.execute(query.limit(1)).one_or_none()
    return f"waits for chunk {row.position} of the {row.kind} pool: {row.fault}" if row is not None else ""


def _fetch_of_spec(session: Session, spec_id: str) -> list[Pool]:
    query = select(Pool).join(EvaluationSpec, EvaluationSpec.problem_id == Pool.problem_id)
    return list(session.scalars(query.where(EvaluationSpec.id == spec_id)))
