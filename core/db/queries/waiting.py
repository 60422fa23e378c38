"""SQL about evaluations and other work that do not move: since when, and what could move them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from core.db.models.contests import Competition
from core.db.models.data_sets import DataSetVersion
from core.db.models.lifecycle import Phase
from core.db.models.operations import AuditEntry, Node
from core.db.models.problems import EvaluationSpec, Pool, PoolChunk, Problem
from core.db.models.submissions import Evaluation, EvaluationEvent, Shard, Submission
from core.db.queries import data_sets, evaluations, nodes, operations, pools, rejudges, reminders, turns
from core.domain.duties import Duty, find_idleness
from core.domain.operations import SILENT_AFTER
from core.domain.pools import PoolState
from core.domain.submission import Status
from core.domain.waiting import UNSENT_AFTER, UNTOLD_AFTER, Fleet, Piece, Situation, Wait, explain_piece, explain_wait
from core.domain.work import WorkState

MOST_PIECES = 100  # shown at once


class PieceKind(StrEnum):
    PROBLEM = "problem"
    CHUNK = "pool_chunk"
    DATA_SET = "data_set"


@dataclass(frozen=True, slots=True)
class WaitingPiece:
    """Work that no evaluation is: a problem to be prepared, part of a pool, or an upload to be read."""

    kind: PieceKind
    id: str
    subject: str  # the competition that waits for it, or the version of a data set
    name: str
    pool_id: str  # empty for what is part of none
    since: datetime
    node: str  # the last one that had it
    wait: Wait


@dataclass(frozen=True, slots=True)
class _Around:
    """What is the same for all of them."""

    now: datetime
    nodes: list[Node]  # that reported lately
    messages_stuck: bool
    busy: int  # workers that hold something
    idle: str  # why no janitor sweeps; empty while one does


def find_wait(session: Session, evaluation: Evaluation, now: datetime) -> Wait | None:
    """Why an evaluation has not moved for a while; None if it has, or somebody works at it. Its shards are loaded."""
    if evaluation.status == Status.FINISHED or _is_held(evaluation, now):
        return None
    moved_at = session.scalars(
        select(func.max(EvaluationEvent.at)).where(EvaluationEvent.evaluation_id == evaluation.id)
    ).one()
    if moved_at is None or now - moved_at < UNTOLD_AFTER:
        return None
    return explain_wait(_find_situation(session, evaluation, _look_around(session, now)))


def explain_all(session: Session, rows: Iterable[Evaluation], now: datetime) -> list[Wait]:
    """Of evaluations that are known not to move, in their order."""
    around = _look_around(session, now)
    return [explain_wait(_find_situation(session, row, around)) for row in rows]


def may_stand_still(session: Session, now: datetime) -> bool:
    """Whether the broker takes nothing, or nobody sends what it lost."""
    around = _look_around(session, now)
    return around.messages_stuck or around.idle != ""


def explain_problems(session: Session, now: datetime) -> list[WaitingPiece]:
    """Problems that somebody has waited for a while to be prepared, and for which nobody does anything."""
    specs = reminders.fetch_unprepared(session, now)
    if not specs:
        return []
    around = _look_around(session, now)
    found = {spec.problem_id: _explain_problem(session, spec.problem, around) for spec in specs}
    return [piece for piece in found.values() if piece.since < now - UNTOLD_AFTER]


def explain_chunks(session: Session, now: datetime, pool_ids: Collection[str] | None = None) -> list[WaitingPiece]:
    """Pool chunks that nobody works at and that were not touched for a while, or were given up; of some pools."""
    held = (PoolChunk.state == WorkState.LEASED) & (PoolChunk.lease_until >= now - UNTOLD_AFTER)
    waits = (
        PoolChunk.state.in_((WorkState.PENDING, WorkState.LEASED)) & ~held & (PoolChunk.moved_at < now - UNTOLD_AFTER)
    )
    query = (
        select(PoolChunk)
        .join(Pool)
        .where(Pool.state != PoolState.RETIRED, waits | (PoolChunk.state == WorkState.ABANDONED))
        .options(joinedload(PoolChunk.pool).joinedload(Pool.problem))
        .order_by(PoolChunk.moved_at, PoolChunk.id)
        .limit(MOST_PIECES)
    )
    if pool_ids is not None:
        query = query.where(PoolChunk.pool_id.in_(pool_ids))
    rows = list(session.scalars(query))
    if not rows:
        return []
    around = _look_around(session, now)
    return [_explain_chunk(session, row, around) for row in rows]


def explain_data_sets(session: Session, now: datetime, version_id: str | None = None) -> list[WaitingPiece]:
    """Uploads that nobody reads and that were not touched for a while; of one version, or of all."""
    row, since = DataSetVersion, now - UNTOLD_AFTER
    held = (row.state == WorkState.LEASED) & (row.lease_until >= since)
    waits = row.state.in_((WorkState.PENDING, WorkState.LEASED)) & ~held & (row.moved_at < since)
    query = select(row).where(waits, row.revoked_at.is_(None)).options(joinedload(row.data_set))
    if version_id is not None:
        query = query.where(row.id == version_id)
    rows = list(session.scalars(query.order_by(row.moved_at, row.id).limit(MOST_PIECES)))
    if not rows:
        return []
    around = _look_around(session, now)
    return [_explain_data_set(each, around) for each in rows]


def _explain_problem(session: Session, problem: Problem, around: _Around) -> WaitingPiece:
    slug = _find_competition(session, problem)
    fault = _find_fault(session, problem)
    piece = Piece(
        fleet=_make_fleet(around.nodes, around.now),
        messages_stuck=around.messages_stuck,
        fault=fault,
        node="",
        again=f"lacuna admin apply FILE (of {slug})",
        is_given_up=fault != "",
        is_revoked=data_sets.is_revoked(session, problem.parsed),
        busy=around.busy,
        workers=_count_workers(around),
        idle=around.idle,
    )
    name, since = f"the preparation of {problem.slug}", _find_release(session, problem, slug)
    return WaitingPiece(PieceKind.PROBLEM, problem.id, slug, name, "", since, "", explain_piece(piece))


def _find_fault(session: Session, problem: Problem) -> str:
    """At what preparing it failed; empty if it did not."""
    ids = select(EvaluationSpec.id).where(EvaluationSpec.problem_id == problem.id)
    own = select(Competition.fault).where(Competition.spec_id.in_(ids), Competition.fault != "")
    phase = select(Phase.fault).where(Phase.spec_id.in_(ids), Phase.fault != "")
    return next(iter(session.scalars(own.union(phase))), "")


def _find_release(session: Session, problem: Problem, slug: str) -> datetime:
    """When it was last begun, or let begin."""
    deed = select(func.max(AuditEntry.at)).where(
        AuditEntry.subject == f"competition/{slug}", AuditEntry.action == "competition.state"
    )
    moments = (problem.created_at, problem.preparing_until, session.scalars(deed).one())
    return max(moment for moment in moments if moment is not None)


def _explain_chunk(session: Session, chunk: PoolChunk, around: _Around) -> WaitingPiece:
    problem = chunk.pool.problem
    slug = _find_competition(session, problem)
    piece = Piece(
        fleet=_make_fleet(around.nodes, around.now),
        messages_stuck=around.messages_stuck,
        fault=chunk.fault,
        node=chunk.worker or "",
        again=f"lacuna admin apply FILE (of {slug})",
        is_given_up=chunk.state == WorkState.ABANDONED,
        is_revoked=data_sets.is_revoked(session, problem.parsed),
        is_overdue=chunk.state == WorkState.LEASED,
        busy=around.busy,
        workers=_count_workers(around),
        idle=around.idle,
    )
    name = f"chunk {chunk.position} of the {chunk.pool.kind} pool"
    return WaitingPiece(
        PieceKind.CHUNK, chunk.id, slug, name, chunk.pool_id, chunk.moved_at, piece.node, explain_piece(piece)
    )


def _explain_data_set(version: DataSetVersion, around: _Around) -> WaitingPiece:
    fleet = _make_fleet(around.nodes, around.now)
    name = f"{version.data_set.name}@{version.number}"
    piece = Piece(
        fleet=replace(fleet, taking=fleet.taking or fleet.resting),  # who rests reads uploads nevertheless
        messages_stuck=around.messages_stuck,
        fault=version.fault,
        node=version.worker or "",
        again=f"lacuna admin data-set show {name}",
        is_overdue=version.state == WorkState.LEASED,
        busy=around.busy,
        workers=_count_workers(around),
        idle=around.idle,
    )
    return WaitingPiece(
        PieceKind.DATA_SET,
        version.id,
        name,
        "an upload",
        "",
        version.moved_at,
        piece.node,
        explain_piece(piece),
    )


def _find_competition(session: Session, problem: Problem) -> str:
    """One that waits for the problem, on its own or in a phase."""
    own = select(Competition.slug).join(EvaluationSpec, EvaluationSpec.id == Competition.spec_id)
    phase = (
        select(Competition.slug)
        .join(Phase, Phase.competition_id == Competition.id)
        .join(EvaluationSpec, EvaluationSpec.id == Phase.spec_id)
    )
    both = own.where(EvaluationSpec.problem_id == problem.id).union(
        phase.where(EvaluationSpec.problem_id == problem.id)
    )
    return next(iter(sorted(session.scalars(both))), problem.slug)


def _count_workers(around: _Around) -> int:
    return sum(node.workers for node in around.nodes if nodes.takes_work(node, around.now))


def _is_held(evaluation: Evaluation, now: datetime) -> bool:
    if evaluation.scoring_until is not None and evaluation.scoring_until > now:
        return not evaluation.score_fault
    return any(
        shard.state == WorkState.LEASED and shard.lease_until is not None and shard.lease_until > now
        for shard in evaluation.shards
    )


def _look_around(session: Session, now: datetime) -> _Around:
    unsent, oldest = operations.fetch_unsent_state(session)
    is_stuck = unsent > 0 and oldest is not None and now - oldest > UNSENT_AFTER
    live, busy = nodes.fetch_nodes(session, now - SILENT_AFTER), nodes.count_held(session, now)
    return _Around(now, live, is_stuck, busy, _tell_idleness(session, now))


def _tell_idleness(session: Session, now: datetime) -> str:
    found = (find_idleness(each, now) for each in turns.fetch_turns(session) if each.duty is Duty.SWEEP)
    return next((idleness.staff for idleness in found if idleness is not None), "")


def _find_situation(session: Session, evaluation: Evaluation, around: _Around) -> Situation:
    own = [node for node in around.nodes if evaluation.node_class in (None, "", node.node_class)]
    others = [node.name for node in around.nodes if node not in own and nodes.takes_work(node, around.now)]
    pending = [shard for shard in evaluation.shards if shard.state == WorkState.PENDING]
    faults = (_tell_fault(shard) for shard in pending if shard.fault)
    slug = select(Competition.slug).join(Submission).where(Submission.id == evaluation.submission_id)
    is_queued = evaluation.status == Status.QUEUED
    return Situation(
        evaluation_id=evaluation.id,
        rejudge_id=evaluation.rejudge_id or "",
        hold=evaluation.held,
        is_paused=rejudges.is_paused(session, evaluation.rejudge_id),
        node_class=evaluation.node_class or "",
        fleet=_make_fleet(own, around.now),
        others=tuple(others),
        messages_stuck=around.messages_stuck,
        competition=session.scalars(slug).one(),
        pools_fault=pools.find_gap(session, evaluation.spec_id),
        fault=next(faults, evaluation.score_fault),
        ahead=evaluations.count_queued_before(session, evaluation) if is_queued else 0,
        message=f"the message of shard {pending[0].position}" if pending else "the message of its score",
        lost_with=_find_loser(evaluation, around.now - UNTOLD_AFTER),
        busy=around.busy,
        workers=_count_workers(around),
        idle=around.idle,
    )


def _tell_fault(shard: Shard) -> str:
    """What it waits for names its nodes itself; what it failed at does not."""
    is_whole = shard.fault.startswith(("waits", "failed on")) or not shard.worker
    return shard.fault if is_whole else f"{shard.fault} (on {shard.worker})"


def _find_loser(evaluation: Evaluation, before: datetime) -> str:
    """Who held some of it under a lease that ran out and that no sweep has ended since."""
    for shard in evaluation.shards:
        if shard.state == WorkState.LEASED and shard.lease_until is not None and shard.lease_until < before:
            return f"the node {shard.worker}"
    until = evaluation.scoring_until
    return "who scored it" if evaluation.status == Status.SCORING and until is not None and until < before else ""


def _make_fleet(live: list[Node], now: datetime) -> Fleet:
    resting = [node for node in live if nodes.is_resting(node, now)]
    faulty = [node for node in live if node.fault]
    return Fleet(
        alive=tuple(node.name for node in live),
        faulty=tuple(node.name for node in faulty),
        resting=tuple(node.name for node in resting),
        draining=tuple(node.name for node in live if node.draining_since is not None),
        taking=tuple(node.name for node in live if nodes.takes_work(node, now)),
        reason=next((node.rest_reason for node in resting), next((node.fault for node in faulty), "")),
    )
