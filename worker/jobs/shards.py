"""A shard of replicas, from claim to consequence: load → work → apply.

Load claims the shard with a fence, reads what is needed and closes the session. Work takes minutes and holds no
session; a heartbeat renews the lease. Apply is one transaction guarded by the fence: a worker that lost its lease
changes nothing. What follows from a shard is decided in `_follow_up`, and nowhere else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from core.db.base import utc_now
from core.db.models.submissions import Evaluation, Shard
from core.db.queries import evaluations, leases, nodes, pools, rejudges
from core.db.session import reading, transaction
from core.domain.errors import BlobMissing, ContestError, ParticipantFault, PlatformFault, StoreUnavailable
from core.domain.faults import FaultCode
from core.domain.leaderboard import GATED, Purpose
from core.domain.pools import PoolKind
from core.domain.submission import VERDICT_OF_FAULT, Status, Verdict
from core.domain.waiting import HOLDS
from core.domain.work import WorkState
from core.jobs import DECIDE, RUN_SHARD, enqueue, put_off
from core.lifecycle import add_shards, enqueue_for, finish_cancelled, get_priority
from core.problems import cut_evaluation
from core.storage import BlobStore
from worker.jobs.breaker import find_end, may_try_here, record_failure
from worker.jobs.calibration import fetch_waiting, load_cost, store_calibration
from worker.jobs.context import WorkerContext
from worker.jobs.gate import go_on, judge_cost
from worker.jobs.heartbeat import Heartbeat, renew_shard
from worker.jobs.looks import is_look_due
from worker.jobs.placing import may_run_here
from worker.jobs.repair import compare_rerun, resume_scoring, send_lost_chunks
from worker.jobs.rows import make_rows
from worker.replicas.execution import Batch
from worker.replicas.outputs import concat_outputs, save_npz
from worker.replicas.seconds import collect_seconds, dump_shard
from worker.scorecard.cost import RetrainCost
from worker.scorecard.flags import store_reruns, store_swapped
from worker.shards.order import ShardOrder
from worker.shards.running import prepare, run_prepared

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardWork(ShardOrder):
    """All that is needed of a shard under a lease, read once."""

    shard_id: str
    fence: int
    spec_id: str
    problem_id: str
    retrain: RetrainCost | None  # as `retrain_seconds`


def run_shard(context: WorkerContext, shard_id: str) -> bool:
    """Run one shard; safe to deliver twice, at any time, by any number of workers. False if it was not to be had."""
    work = begin(context, shard_id)
    if work is None:
        return False
    conclude(context, work, lambda: _work(context, work))
    return True


def begin(context: WorkerContext, shard_id: str) -> ShardWork | None:
    """Take a lease on a shard for the node of this context; None if it is not to be had, or waits for something."""
    try:
        return _load(context, shard_id)
    except ContestError as error:  # nothing of it was written: without its message the shard would wait for ever
        log.exception("shard cannot be begun", shard_id=shard_id)
        _wait(context, shard_id, error.message)
        return None


def recall(context: WorkerContext, shard_id: str, fence: int) -> ShardWork | None:
    """What `begin` gave, for whoever answers for another machine; None if that lease is no longer held."""
    with reading(context.engine) as session:
        shard = evaluations.fetch_shard(session, shard_id)
        if shard is None or shard.state != WorkState.LEASED or shard.fence != fence:
            return None
        whole = evaluations.fetch_evaluation(session, shard.evaluation_id)
        return _describe(session, whole, shard, fence, context.settings.node_class) if whole else None


def conclude(context: WorkerContext, work: ShardWork, run: Callable[[], Batch]) -> None:
    """Apply what came of a shard, whatever that is: results, its author's fault, or ours."""
    try:
        batch = run()
        digest = _keep_outputs(context.store, work, batch)
    except ParticipantFault as fault:
        _end(context, work, code=fault.code, reason=fault.message)
    except Exception as error:  # the task's edge: whatever is left is ours
        log.exception("shard failed", shard_id=work.shard_id)
        if isinstance(error, BlobMissing) and error.digest == work.source_digest:
            _fail(context, work, "the uploaded file is gone from the platform's store: it has to be submitted again")
            return
        is_ours = isinstance(error, BlobMissing) and send_lost_chunks(context, work.problem_id)
        is_ours |= isinstance(error, StoreUnavailable)
        fault_text = error.message if isinstance(error, ContestError) else repr(error)
        give_back(context, work, fault_text, is_charged=not is_ours)
    else:
        _apply(context, work, batch, digest)


def _load(context: WorkerContext, shard_id: str) -> ShardWork | None:
    settings = context.settings
    with transaction(context.engine) as session:
        shard = evaluations.fetch_shard(session, shard_id)
        evaluation = evaluations.lock_evaluation(session, shard.evaluation_id) if shard else None
        if shard is None or evaluation is None or evaluation.status in (Status.FINISHED, Status.CANCELLING):
            return None
        if evaluation.status == Status.QUEUED and rejudges.is_paused(session, evaluation.rejudge_id):
            return None  # sent out again when it is resumed
        whole = evaluations.fetch_evaluation(session, evaluation.id)
        if whole is None:
            raise PlatformFault(f"evaluation {evaluation.id} vanished")
        if shard.state in (WorkState.DONE, WorkState.ABANDONED):
            return None
        now = utc_now()
        if not _is_welcome(session, context, whole, shard, now):
            put_off(session, RUN_SHARD, shard_id, priority=get_priority(evaluation))
            return None
        until = now + timedelta(seconds=settings.lease_seconds)
        fence = leases.claim(session, Shard, shard_id, worker=settings.node_name, now=now, until=until)
        if not fence:
            return None
        evaluation.node_class = settings.node_class
        if evaluation.status == Status.QUEUED:
            evaluations.move(session, evaluation, Status.CANARY)
        return _describe(session, whole, shard, fence, settings.node_class)


def _describe(session: Session, evaluation: Evaluation, shard: Shard, fence: int, node_class: str) -> ShardWork:
    is_gated = evaluation.submission.purpose in GATED
    retrain = load_cost(session, evaluation.spec_id, node_class) if is_gated else None
    return ShardWork(
        shard_id=shard.id,
        fence=fence,
        evaluation_id=evaluation.id,
        position=shard.position,
        first=shard.first,
        count=shard.count,
        request=shard.request,
        purpose=evaluation.submission.purpose,
        filename=evaluation.submission.filename,
        source_digest=evaluation.submission.source_digest,
        spec_id=evaluation.spec_id,
        problem_id=evaluation.spec.problem_id,
        terms=evaluation.spec.terms,
        retrain=retrain,
        retrain_seconds=retrain.wall_seconds if retrain else None,
        runs_again=bool(shard.outputs_digest),
    )


def _is_welcome(session: Session, context: WorkerContext, evaluation: Evaluation, shard: Shard, now: datetime) -> bool:
    """Whether this node takes the shard; what it waits for otherwise is written beside it."""
    name = context.settings.node_name
    if evaluation.held is not None:
        shard.fault = f"waits for staff: {HOLDS[evaluation.held][1]}"
        return False
    if fault := nodes.find_fault(session, name):
        shard.fault = f"waits for another node, or until {name} works again: {fault}"
        return False
    if gap := pools.find_gap(session, evaluation.spec_id, [PoolKind.ORIGINAL]):
        shard.fault = gap
        return False
    return (
        not nodes.is_draining(session, name)
        and may_try_here(session, evaluation, shard, node=name, now=now)
        and may_run_here(session, context, evaluation, shard)
    )


def _wait(context: WorkerContext, shard_id: str, fault: str) -> None:
    with transaction(context.engine) as session:
        shard = evaluations.fetch_shard(session, shard_id)
        evaluation = evaluations.lock_evaluation(session, shard.evaluation_id) if shard else None
        if shard is not None and evaluation is not None:
            shard.fault = fault
            put_off(session, RUN_SHARD, shard_id, priority=get_priority(evaluation))


def _work(context: WorkerContext, work: ShardWork) -> Batch:
    prepared = prepare(context, work, label=f"lacuna-{work.shard_id}-{work.fence}")
    with Heartbeat(context, renew_shard(work.shard_id, work.fence, work.evaluation_id)) as heartbeat:
        return run_prepared(context, work, prepared, heartbeat)


def _keep_outputs(store: BlobStore, work: ShardWork, batch: Batch) -> str:
    """The digest of what the shard is scored by; empty unless it is whole."""
    if not batch.is_whole or work.count == 0:
        return ""
    outputs = concat_outputs([replica.outputs for replica in batch.replicas if replica.outputs is not None])
    store_reruns(store, work.evaluation_id, [run.outputs for run in batch.reruns if run.outputs is not None])
    store_swapped(store, work.evaluation_id, [run.outputs for run in batch.swapped if run.outputs is not None])
    return store.put(save_npz(outputs))


def _apply(context: WorkerContext, work: ShardWork, batch: Batch, digest: str) -> None:
    if batch.platform_fault:
        give_back(context, work, batch.platform_fault)
    elif batch.fault is not None and batch.code is not None:
        is_open = work.terms.is_open
        text = batch.fault.log + batch.fault.traceback if is_open else ""
        _end(context, work, code=batch.code, reason=batch.fault.reason if is_open else "", text=text)
    elif batch.stopped:
        _abandon(context, work)
    else:
        _complete(context, work, batch, digest)


def _complete(context: WorkerContext, work: ShardWork, batch: Batch, digest: str) -> None:
    with transaction(context.engine) as session:
        evaluation = evaluations.lock_evaluation(session, work.evaluation_id)
        values: dict[str, object] = {"finished_replicas": work.count, "outputs_digest": digest or None, "fault": ""}
        if batch.measured:
            values["measured"] = dump_shard(batch.measured[0])
        if evaluation is None or not leases.settle(
            session, Shard, work.shard_id, work.fence, state=WorkState.DONE, **values
        ):
            log.warning("outdated fence, result dropped", shard_id=work.shard_id, fence=work.fence)
            return
        clock = batch.measured[0].runs.clock if batch.measured else collect_seconds(batch.replicas).clock
        nodes.record_success(session, context.settings.node_name, utc_now(), clock=clock)
        session.refresh(evaluation, ["shards"])
        if evaluation.status == Status.CANCELLING:
            _finish_if_idle(session, evaluation)
        elif evaluation.status != Status.FINISHED:
            if work.runs_again:
                _complete_again(session, evaluation, work, batch)
                return
            session.add_all(make_rows(work.evaluation_id, work.shard_id, batch.replicas))
            if work.position == 0:
                evaluation.log = batch.replicas[0].log if work.terms.is_open else ""
            session.flush()
            _follow_up(context, session, evaluation, work)


def _complete_again(session: Session, evaluation: Evaluation, work: ShardWork, batch: Batch) -> None:
    shard = next(shard for shard in evaluation.shards if shard.id == work.shard_id)
    shard.fault = compare_rerun(session, work.shard_id, batch.replicas, work.evaluation_id)
    resume_scoring(session, evaluation)
    if is_look_due(evaluation, work.first, purpose=work.purpose, rules=work.terms.evaluation):
        enqueue(session, DECIDE, evaluation.id)


def _follow_up(context: WorkerContext, session: Session, evaluation: Evaluation, work: ShardWork) -> None:
    """Decide what a finished shard leads to: an end, the rest of the shards, a look at its place, or scoring."""
    if work.purpose is Purpose.CALIBRATION:
        if all(shard.state == WorkState.DONE for shard in evaluation.shards):
            store_calibration(session, context, evaluation)
        return
    cost = judge_cost(session, evaluation, work.retrain, work.terms.problem)
    if cost.end:
        _finish(session, evaluation, Verdict.OVER_BUDGET, FaultCode.COMPUTE_BUDGET, cost.end)
        return
    if work.position == 0 and work.count < evaluation.replicas_total:
        add_shards(session, evaluation, cut_evaluation(work.terms.problem, evaluation.replicas_total)[1:], position=1)
        evaluations.move(session, evaluation, Status.RUNNING)
    else:
        go_on(session, evaluation, measures_again=cost.measures_again)
    if is_look_due(evaluation, work.first, purpose=work.purpose, rules=work.terms.evaluation):
        enqueue(session, DECIDE, evaluation.id)


def _end(context: WorkerContext, work: ShardWork, *, code: FaultCode, reason: str, text: str = "") -> None:
    """End the whole evaluation by the participant's fault, once."""
    if work.runs_again:  # it ran well, and runs again for a fault of ours
        give_back(context, work, f"replicas that had run well ended with {code} when they ran again")
        return
    # a calibration is our own file: whatever it did is our fault
    verdict = Verdict.PLATFORM_ERROR if work.purpose is Purpose.CALIBRATION else VERDICT_OF_FAULT[code]
    with transaction(context.engine) as session:
        evaluation = _settle_last(session, work, state=WorkState.DONE)
        if evaluation is not None:
            evaluation.log = text
            _finish(session, evaluation, verdict, code, reason)


def _fail(context: WorkerContext, work: ShardWork, reason: str) -> None:
    """End the whole evaluation by a fault of ours that no other try mends."""
    with transaction(context.engine) as session:
        evaluation = _settle_last(session, work, state=WorkState.ABANDONED, fault=reason)
        if evaluation is not None:
            _finish(session, evaluation, Verdict.PLATFORM_ERROR, None, reason)


def _settle_last(session: Session, work: ShardWork, *, state: WorkState, **values: str) -> Evaluation | None:
    """Settle a shard that ends its evaluation, locked here; None if that has ended, is cancelled or not ours to end."""
    evaluation = evaluations.lock_evaluation(session, work.evaluation_id)
    settled = leases.settle(session, Shard, work.shard_id, work.fence, state=state, **values)
    if evaluation is None or not settled:
        return None
    session.refresh(evaluation, ["shards"])
    if evaluation.status == Status.CANCELLING:
        _finish_if_idle(session, evaluation)
        return None
    return None if evaluation.status == Status.FINISHED else evaluation


def give_back(context: WorkerContext, work: ShardWork, fault: str, *, is_charged: bool = True) -> None:
    """Return a shard that failed on our side; after too many attempts the evaluation ends as our error."""
    with transaction(context.engine) as session:
        evaluation = evaluations.lock_evaluation(session, work.evaluation_id)
        if evaluation is None or not leases.settle(
            session, Shard, work.shard_id, work.fence, state=WorkState.PENDING, fault=fault
        ):
            return
        session.refresh(evaluation, ["shards"])
        retry_or_fail(
            session,
            evaluation,
            work.shard_id,
            node=context.settings.node_name,
            max_attempts=context.settings.max_attempts,
            is_charged=is_charged,
        )


def retry_or_fail(
    session: Session,
    evaluation: Evaluation,
    shard_id: str,
    *,
    node: str,
    max_attempts: int,
    is_charged: bool = True,
    is_loss: bool = False,
) -> None:
    """Send out again a shard that a node gave back or lost, unless that happened too often or nobody wants it."""
    shard = next(shard for shard in evaluation.shards if shard.id == shard_id)
    if evaluation.status == Status.CANCELLING:
        _finish_if_idle(session, evaluation)
        return
    if evaluation.status == Status.FINISHED:
        shard.state = WorkState.ABANDONED
        return
    record_failure(session, shard, node=node, fault=shard.fault, now=utc_now(), is_charged=is_charged, is_loss=is_loss)
    reason = find_end(shard, max_attempts=max_attempts)
    if reason and shard.is_extra:
        shard.state = WorkState.ABANDONED  # it is scored as it is
        go_on(session, evaluation, measures_again=False)
    elif reason:
        _finish(session, evaluation, Verdict.PLATFORM_ERROR, None, reason)
    else:
        enqueue_for(session, RUN_SHARD, shard.id, evaluation)


def _abandon(context: WorkerContext, work: ShardWork) -> None:
    with transaction(context.engine) as session:
        evaluation = evaluations.lock_evaluation(session, work.evaluation_id)
        settled = leases.settle(session, Shard, work.shard_id, work.fence, state=WorkState.ABANDONED)
        if evaluation is not None and settled and evaluation.status == Status.CANCELLING:
            session.refresh(evaluation, ["shards"])
            _finish_if_idle(session, evaluation)


def _finish(session: Session, evaluation: Evaluation, verdict: Verdict, code: FaultCode | None, reason: str) -> None:
    for shard in evaluation.shards:
        if shard.state == WorkState.PENDING:
            shard.state = WorkState.ABANDONED
    evaluations.move(session, evaluation, Status.FINISHED, verdict=verdict, code=code, reason=reason)
    if verdict is Verdict.PLATFORM_ERROR:
        for waiting in fetch_waiting(session, evaluation.spec_id):
            waiting.fault = reason


def _finish_if_idle(session: Session, evaluation: Evaluation) -> None:
    if all(shard.state != WorkState.LEASED for shard in evaluation.shards):
        finish_cancelled(session, evaluation)
