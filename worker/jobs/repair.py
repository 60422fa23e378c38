"""What was stored and is gone or damaged is made again.

A replica's seed follows from its evaluation's id and its place, so a shard that runs once more gives the same replicas.
Their rows stay: what they cost is known, and the digests of their weights tell whether they are the same.
"""

from collections.abc import Sequence

import structlog
from sqlalchemy.orm import Session

from core.db.models.submissions import Evaluation, Shard
from core.db.queries import competitions, evaluations
from core.db.session import reading, transaction
from core.domain.errors import BlobMissing
from core.domain.submission import Status
from core.domain.work import SCORE_TRIES, WorkState
from core.jobs import BUILD_CHUNK, RUN_SHARD, SCORE, enqueue
from core.lifecycle import enqueue_for
from core.storage import BlobStore
from worker.jobs.context import WorkerContext
from worker.replicas.inspection import InspectedReplica
from worker.scorecard.flags import load_reruns, load_swapped
from worker.training.pools import find_lost_chunks

log = structlog.get_logger()
ENDED = (WorkState.DONE, WorkState.ABANDONED)


def rerun_lost(context: WorkerContext, evaluation_id: str, *, scoring_fence: int | None = None) -> bool:
    """Send out again the shards of an evaluation whose outputs are lost; False if there are none, or too often some.

    scoring_fence: of a scorer that found it out; one that lost its lease changes nothing.
    """
    with reading(context.engine) as session:
        evaluation = evaluations.fetch_evaluation(session, evaluation_id)
        shards = evaluation.shards if evaluation is not None else []
    lost = {shard.id for shard in shards if _is_lost(context.store, shard)}
    if not lost:
        return False
    with transaction(context.engine) as session:
        evaluation = evaluations.lock_evaluation(session, evaluation_id)
        if evaluation is None or evaluation.status not in (Status.RUNNING, Status.SCORING):
            return False
        if scoring_fence is not None and not evaluations.holds_scoring(evaluation, scoring_fence):
            return False
        if evaluation.score_attempts + 1 >= SCORE_TRIES:
            return False
        evaluation.score_attempts += 1
        chosen = [shard for shard in evaluation.shards if shard.id in lost and shard.state == WorkState.DONE]
        for shard in chosen:
            _send_again(session, evaluation, shard)
        if evaluation.status == Status.SCORING:
            evaluation.scoring_until = None
            evaluations.move(
                session, evaluation, Status.RUNNING, reason=f"{_name(chosen)} run again: outputs were lost"
            )
    log.warning("outputs were lost and are made again", evaluation_id=evaluation_id, shards=sorted(lost))
    return True


def send_lost_chunks(context: WorkerContext, problem_id: str) -> bool:
    """Have the chunks of a problem's sealed pools that are lost made again from their seeds; False if there are none.

    The pools stay what they are; whatever needs the chunks waits (core.db.queries.pools.find_gap).
    """
    with reading(context.engine) as session:
        sealed = [pool for pool in competitions.fetch_pools(session, problem_id) if pool.seal is not None]
    lost = {pool.id: find_lost_chunks(pool.kind, pool.seal or {}, context.store) for pool in sealed}
    if not any(lost.values()):
        return False
    with transaction(context.engine) as session:
        competitions.lock_problem(session, problem_id)
        for pool in competitions.fetch_pools(session, problem_id):
            for chunk in pool.chunks:
                if chunk.state == WorkState.DONE and chunk.position in lost.get(pool.id, ()):
                    log.warning("a pool chunk was lost and is made again", kind=pool.kind, position=chunk.position)
                    chunk.state, chunk.fault = WorkState.PENDING, "it was lost and is made again"
                    chunk.attempts, chunk.failures, chunk.failed_on = 0, 0, []
                    enqueue(session, BUILD_CHUNK, chunk.id)
    return True


def compare_rerun(session: Session, shard_id: str, replicas: Sequence[InspectedReplica], evaluation_id: str) -> str:
    """Hold a shard that ran again against its rows; empty if it gave the same, or else what is to be said of it."""
    rows = {row.position: row for row in evaluations.fetch_replicas(session, evaluation_id) if row.shard_id == shard_id}
    others = [each for each in replicas if rows[each.index].weights_sha256 != each.weights_sha256]
    for replica in others:  # what is scored is what ran now, and its rows say so
        row = rows[replica.index]
        row.wall_seconds, row.cpu_seconds = replica.wall_seconds, replica.cpu_seconds
        row.clock, row.waited_seconds = replica.clock, replica.waited_seconds
        row.peak_memory_bytes, row.weights_sha256 = replica.peak_memory_bytes, replica.weights_sha256
    if not others:
        return ""
    log.error("replicas came out otherwise when they ran again", shard_id=shard_id, count=len(others))
    return (
        f"a fault of the platform: outputs were lost, and {len(others)} of {len(replicas)} replicas came out otherwise"
        " when they ran again; the new ones are scored"
    )


def resume_scoring(session: Session, evaluation: Evaluation) -> None:
    """Go on once every shard that was lost is there again."""
    if evaluation.status != Status.RUNNING or any(shard.state not in ENDED for shard in evaluation.shards):
        return
    reason = "; ".join(shard.fault for shard in evaluation.shards if shard.state == WorkState.DONE and shard.fault)
    evaluations.move(session, evaluation, Status.SCORING, reason=reason)
    enqueue_for(session, SCORE, evaluation.id, evaluation)


def _is_lost(store: BlobStore, shard: Shard) -> bool:
    if shard.state != WorkState.DONE or shard.outputs_digest is None:
        return False
    try:
        store.get(shard.outputs_digest)
        if shard.position == 0:
            load_reruns(store, shard.evaluation_id)
            load_swapped(store, shard.evaluation_id)
    except BlobMissing:
        return True
    return False


def _send_again(session: Session, evaluation: Evaluation, shard: Shard) -> None:
    shard.state, shard.finished_replicas, shard.fault = WorkState.PENDING, 0, "its outputs were lost"
    shard.attempts, shard.failures, shard.losses, shard.failed_on = 0, 0, 0, []
    enqueue_for(session, RUN_SHARD, shard.id, evaluation)


def _name(shards: Sequence[Shard]) -> str:
    spans = [f"{shard.first + 1}-{shard.first + shard.count}" for shard in shards]
    return f"replicas {', '.join(spans)}"
