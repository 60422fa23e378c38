"""The life of an evaluation: it is opened and cut into shards, sent out again, cancelled. Workers move it on."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from core.db.base import utc_now
from core.db.models.problems import EvaluationSpec
from core.db.models.submissions import Evaluation, EvaluationEvent, Shard, Submission
from core.db.queries import data_sets, evaluations, leases, pools
from core.domain.cuts import Cut, cut_replicas
from core.domain.errors import Conflict, NotFound, PhaseClosed, PlatformFault
from core.domain.leaderboard import Purpose
from core.domain.phases import PhaseKind
from core.domain.submission import Status, Verdict
from core.domain.work import WorkState
from core.jobs import BACKGROUND, ORDINARY, RUN_SHARD, SCORE, enqueue, put_off
from core.problems import cut_evaluation

CANCELLED = "cancelled by request"


def open_evaluation(
    session: Session,
    submission: Submission,
    spec: EvaluationSpec,
    *,
    phase: PhaseKind = PhaseKind.PUBLIC,
    rejudge_id: str | None = None,
    node_class: str = "",
) -> Evaluation:
    """Queue one attempt at a submission: its row, its first event, its canary shard and the message, together.

    An attempt of a rejudge counts nowhere until the rejudge is promoted. node_class: "" for whichever begins it.
    """
    _check_basis(session, spec)
    if phase is PhaseKind.PRACTICE and not spec.terms.is_open:
        raise PlatformFault("a problem for practice must be open: practice shows everything")
    rules = spec.terms.evaluation
    total = rules.replicas if submission.purpose != Purpose.CALIBRATION else rules.calibration_replicas
    evaluation = Evaluation(
        submission_id=submission.id,
        spec_id=spec.id,
        status=Status.QUEUED,
        phase=phase,
        node_class=node_class,
        replicas_total=total,
        rejudge_id=rejudge_id,
        counts=rejudge_id is None,
    )
    session.add(evaluation)
    session.flush()
    session.add(EvaluationEvent(evaluation_id=evaluation.id, status=Status.QUEUED))
    if submission.purpose == Purpose.CALIBRATION:
        # two at once, because entries run beside each other too and are slowed by that
        size, requests = max(total // 2, 1), len(spec.terms.problem.requests)
        add_shards(session, evaluation, cut_replicas(total, requests=requests, canary=0, size=size))
    else:
        canary = cut_evaluation(spec.terms.problem, total)[:1]
        # a rejudge opens thousands at once: the janitor sends them, the request does not wait for the broker
        add_shards(session, evaluation, canary, at_once=rejudge_id is None)
    return evaluation


def add_shards(
    session: Session, evaluation: Evaluation, cuts: Sequence[Cut], *, position: int = 0, at_once: bool = True
) -> None:
    """Make a shard of each cut and send them out; position: of the first."""
    shards = [
        Shard(evaluation_id=evaluation.id, position=place, first=cut.first, count=cut.count, request=cut.request)
        for place, cut in enumerate(cuts, start=position)
    ]
    session.add_all(shards)
    session.flush()
    send = enqueue if at_once else put_off
    for shard in shards:
        send(session, RUN_SHARD, shard.id, priority=get_priority(evaluation))


def request_cancel(
    session: Session, evaluation_id: str, *, reason: str = CANCELLED, refunded: bool = False
) -> Evaluation:
    """Withdraw at once what no worker has begun; otherwise tell the worker, who stops within a heartbeat.

    refunded: no quota counts it, as it ends through no doing of its author.
    """
    evaluation = evaluations.lock_evaluation(session, evaluation_id)
    if evaluation is None:
        raise NotFound("no such evaluation")
    if evaluation.status == Status.FINISHED:
        raise Conflict("the evaluation already ended")
    if evaluation.status == Status.CANCELLING:
        return evaluation
    evaluations.move(session, evaluation, Status.CANCELLING, reason=reason)
    evaluation.reason, evaluation.refunded = reason, refunded
    if all(shard.state != WorkState.LEASED for shard in evaluation.shards):
        finish_cancelled(session, evaluation)
    return evaluation


def finish_cancelled(session: Session, evaluation: Evaluation) -> None:
    """End a cancelled evaluation that no worker holds any more."""
    for shard in evaluation.shards:
        if shard.state == WorkState.PENDING:
            shard.state = WorkState.ABANDONED
    evaluations.move(
        session, evaluation, Status.FINISHED, verdict=Verdict.WITHDRAWN, reason=evaluation.reason or CANCELLED
    )


def requeue(session: Session, evaluation: Evaluation) -> int:
    """Send out again whatever of a locked, live evaluation nobody holds; return how many messages that took.

    Whoever asks for it has looked: what was held for staff runs.
    """
    evaluation.held = None
    if evaluation.status == Status.SCORING:
        if evaluation.score_fault:  # nobody computes it: the pause ends now
            evaluation.scoring_until, evaluation.score_fault = None, ""
        evaluation.score_attempts, evaluation.score_failed_on = 0, []
        enqueue_for(session, SCORE, evaluation.id, evaluation)
        return 1
    now = utc_now()
    for shard in evaluation.shards:
        if shard.state == WorkState.LEASED and shard.lease_until is not None and shard.lease_until < now:
            shard.state, shard.lease_until = WorkState.PENDING, None
    free = [shard for shard in evaluation.shards if shard.state == WorkState.PENDING]
    for shard in free:
        shard.attempts, shard.failures, shard.losses, shard.failed_on = 0, 0, 0, []
        enqueue_for(session, RUN_SHARD, shard.id, evaluation)
    return len(free)


def enqueue_for(session: Session, task: str, object_id: str, evaluation: Evaluation) -> None:
    """A task of one evaluation: those of a rejudge wait until nobody else's are left."""
    enqueue(session, task, object_id, priority=get_priority(evaluation))


def get_priority(evaluation: Evaluation) -> int:
    return BACKGROUND if evaluation.rejudge_id is not None else ORDINARY


def _check_basis(session: Session, spec: EvaluationSpec) -> None:
    """Nothing new begins on revoked data or against retired pools; participants are not told which data that is."""
    if data_sets.is_revoked(session, spec.terms.problem):
        raise PhaseClosed("the data of this competition was revoked: it takes no submissions and no rejudges")
    if pools.has_retired(session, spec.id):
        raise Conflict("the pools of this problem are retired: nothing can be scored against them")


def renew_shard(
    session: Session, shard_id: str, fence: int, evaluation_id: str, *, until: datetime, finished: int
) -> bool:
    """Extend the lease of whoever runs a shard; False if its fence is outdated, or nobody wants what comes of it."""
    held = leases.renew(session, Shard, shard_id, fence, until=until, finished_replicas=finished)
    status = evaluations.fetch_status(session, evaluation_id)
    return held and status not in (Status.CANCELLING, Status.FINISHED)
