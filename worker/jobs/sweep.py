"""The janitor: returns lost work, relays unsent messages, ends what was cancelled, kills sandboxes nobody owns."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from core.db.base import utc_now
from core.db.models.data_sets import DataSetVersion
from core.db.models.problems import PoolChunk
from core.db.models.submissions import Shard
from core.db.queries import deliveries, evaluations, leases
from core.db.session import reading, transaction
from core.domain.submission import Status
from core.domain.work import WorkState
from core.jobs import VALIDATE, enqueue, relay_unsent
from core.lifecycle import finish_cancelled
from worker.jobs.context import WorkerContext
from worker.jobs.preparation import return_lost_chunk
from worker.jobs.reminders import remind
from worker.jobs.shards import retry_or_fail

log = structlog.get_logger()


def sweep(context: WorkerContext) -> None:
    """Idempotent and short: any number of workers may sweep at once. What fails is raised once all had their turn."""
    faults: list[Exception] = []
    _return_shards(context, faults)
    _return_work(context, PoolChunk, return_lost_chunk, faults)
    _return_work(context, DataSetVersion, lambda session, row_id: enqueue(session, VALIDATE, row_id), faults)
    _finish_cancelled(context, faults)
    with _aside(faults):
        remind(context)
    with _aside(faults):
        _tell_deadlines(context)
    with _aside(faults):
        relay_unsent(context.settings)
    with _aside(faults):
        context.sandbox.kill_orphans(lambda: _find_live_labels(context))
    if faults:
        raise faults[0]


@contextmanager
def _aside(faults: list[Exception]) -> Iterator[None]:
    """What fails at one thing keeps no other from being done; without a database nothing can be."""
    try:
        yield
    except OperationalError:
        raise
    except Exception as error:
        log.exception("a part of a sweep failed")
        faults.append(error)


def _return_shards(context: WorkerContext, faults: list[Exception]) -> None:
    with reading(context.engine) as session:
        expired = leases.fetch_expired(session, Shard, utc_now())
    for shard_id in expired:
        with _aside(faults), transaction(context.engine) as session:
            shard = evaluations.fetch_shard(session, shard_id)
            evaluation = evaluations.lock_evaluation(session, shard.evaluation_id) if shard else None
            if evaluation is None or not leases.release_expired(session, Shard, shard_id, utc_now()):
                continue
            session.refresh(evaluation, ["shards"])
            for row in evaluation.shards:
                session.refresh(row)
            log.warning("a shard was lost and goes out again", shard_id=shard_id)
            node = shard.worker if shard and shard.worker else ""
            most = context.settings.max_attempts
            retry_or_fail(session, evaluation, shard_id, node=node, max_attempts=most, is_loss=True)


def _return_work(
    context: WorkerContext,
    kind: type[PoolChunk | DataSetVersion],
    send: Callable[[Session, str], None],
    faults: list[Exception],
) -> None:
    with reading(context.engine) as session:
        expired = leases.fetch_expired(session, kind, utc_now())
    for row_id in expired:
        with _aside(faults), transaction(context.engine) as session:
            if leases.release_expired(session, kind, row_id, utc_now()):
                send(session, row_id)


def _finish_cancelled(context: WorkerContext, faults: list[Exception]) -> None:
    with reading(context.engine) as session:
        waiting = evaluations.fetch_cancelling_ids(session)
    for evaluation_id in waiting:
        with _aside(faults), transaction(context.engine) as session:
            evaluation = evaluations.lock_evaluation(session, evaluation_id)
            if evaluation is None or evaluation.status != Status.CANCELLING:
                continue
            if all(shard.state != WorkState.LEASED for shard in evaluation.shards):
                finish_cancelled(session, evaluation)


def _tell_deadlines(context: WorkerContext) -> None:
    with reading(context.engine) as session:
        if not deliveries.has_near_deadlines(session, utc_now()):
            return
    with transaction(context.engine) as session:
        deliveries.announce_deadlines(session, utc_now())


def _find_live_labels(context: WorkerContext) -> set[str]:
    """Name the sandboxes that may be running: those of shards under a live lease."""
    with reading(context.engine) as session:
        return {f"lacuna-{shard_id}-{fence}" for shard_id, fence in leases.fetch_live(session, Shard, utc_now())}
