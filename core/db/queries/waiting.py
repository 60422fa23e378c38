"""SQL about evaluations that do not move: since when, and what could move them."""

from collections.abc import Iterable
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


def find_wait(session: Session, evaluation: Evaluation, now: datetime) -> Wait | None:
    """Why an evaluation has not moved for a while; None if it has, or somebody works at it. Its shards are loaded."""
    if evaluation.status == Status.FINISHED or _is_held(evaluation, now):
        return None
    moved_at = session.scalars(
        select(func.max(EvaluationEvent.at)).where(EvaluationEvent.evaluation_id == evaluation.id)
    ).one()
    if moved_at is None or now - moved_at < UNTOLD_AFTER:
        return None
    return explain_wait(_find_situation(session, evaluation, now))


def explain_all(session: Session, rows: Iterable[Evaluation], now: datetime) -> list[Wait]:
    """Of evaluations that are known not to move, in their order."""
    return [explain_wait(_find_situation(session, row, now)) for row in rows]


def _is_held(evaluation: Evaluation, now: datetime) -> bool:
    if evaluation.scoring_until is not None and evaluation.scoring_until > now:
        return not evaluation.score_fault
    return any(
        shard.state == WorkState.LEASED and shard.lease_until is not None and shard.lease_until > now
        for shard in evaluation.shards
    )


def _find_situation(session: Session, evaluation: Evaluation, now: datetime) -> Situation:
    live = nodes.fetch_nodes(session, now - SILENT_AFTER)
    own = [node for node in live if evaluation.node_class in (None, "", node.node_class)]
    others = [node.name for node in live if node not in own and nodes.takes_work(node, now)]
    unsent, oldest = operations.fetch_unsent_state(session)
    faults = (shard.fault for shard in evaluation.shards if shard.fault and shard.state == WorkState.PENDING)
    slug = select(Competition.slug).join(Submission).where(Submission.id == evaluation.submission_id)
    is_queued = evaluation.status == Status.QUEUED
    return Situation(
        evaluation_id=evaluation.id,
        rejudge_id=evaluation.rejudge_id or "",
        is_paused=rejudges.is_paused(session, evaluation.rejudge_id),
        node_class=evaluation.node_class or "",
        fleet=_make_fleet(own, now),
        others=tuple(others),
        messages_stuck=unsent > 0 and oldest is not None and now - oldest > UNSENT_AFTER,
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
