"""SQL about evaluations that do not move: since when, and what could move them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.db.models.contests import Competition
from core.db.models.operations import Node
from core.db.models.submissions import Evaluation, EvaluationEvent, Submission
from core.db.queries import evaluations, nodes, operations, pools, rejudges
from core.domain.operations import SILENT_AFTER
from core.domain.submission import Status
from core.domain.waiting import UNSENT_AFTER, UNTOLD_AFTER, Fleet, Situation, Wait, explain_wait
from core.domain.work import WorkState


@dataclass(frozen=True, slots=True)
class _Around:
    """What is the same for all of them."""

    now: datetime
    nodes: list[Node]  # that reported lately
    messages_stuck: bool


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
    return _Around(now, nodes.fetch_nodes(session, now - SILENT_AFTER), is_stuck)


def _find_situation(session: Session, evaluation: Evaluation, around: _Around) -> Situation:
    own = [node for node in around.nodes if evaluation.node_class in (None, "", node.node_class)]
    others = [node.name for node in around.nodes if node not in own and nodes.takes_work(node, around.now)]
    faults = (shard.fault for shard in evaluation.shards if shard.fault and shard.state == WorkState.PENDING)
    slug = select(Competition.slug).join(Submission).where(Submission.id == evaluation.submission_id)
    is_queued = evaluation.status == Status.QUEUED
    return Situation(
        evaluation_id=evaluation.id,
        rejudge_id=evaluation.rejudge_id or "",
        is_paused=rejudges.is_paused(session, evaluation.rejudge_id),
        node_class=evaluation.node_class or "",
        fleet=_make_fleet(own, around.now),
        others=tuple(others),
        messages_stuck=around.messages_stuck,
        competition=session.scalars(slug).one(),
        pools_fault=pools.find_gap(session, evaluation.spec_id),
        fault=next(faults, evaluation.score_fault),
        ahead=evaluations.count_queued_before(session, evaluation) if is_queued else 0,
    )


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
