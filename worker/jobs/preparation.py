"""From a registered problem to an open competition: chunk rows, trained pools, one calibration run."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from itertools import product
from typing import Any

import structlog
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from core.db.base import utc_now
from core.db.models.contests import Competition
from core.db.models.lifecycle import Phase
from core.db.models.problems import EvaluationSpec, Pool, PoolChunk
from core.db.queries import competitions, data_sets, leases, nodes
from core.db.session import reading, transaction
from core.domain.errors import Conflict, ContestError, SealBroken, StoreUnavailable
from core.domain.phases import PhaseKind
from core.domain.pools import PoolKind, PoolState
from core.domain.work import WorkState
from core.jobs import BUILD_CHUNK, enqueue, put_off
from core.problems import ProblemSpec
from core.settings import Settings
from evaluator import METRIC_VERSION
from worker.described import count_classes, describe
from worker.jobs.breaker import MOST_TRIES, has_other_node, may_train_here, record_training_failure
from worker.jobs.calibration import fetch_waiting, load_cost, open_waiting, start_calibration
from worker.jobs.context import WorkerContext
from worker.jobs.heartbeat import Heartbeat, renew_piece, renew_preparation
from worker.problems import LoadedProblem, join_manifests
from worker.scorecard.card import find_ceiling
from worker.training.chunks import Chunk, pool_chunks
from worker.training.headroom import measure_headroom
from worker.training.learning import measure_learning
from worker.training.pools import build_chunk, load_pools, make_seal, pool_sizes, rebuild_chunk
from worker.training.spare import ensure_spare

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ChunkWork:
    chunk_id: str
    fence: int
    pool_id: str
    problem_id: str
    problem: ProblemSpec
    kind: PoolKind
    request: int
    size: int
    position: int
    sealed: Mapping[str, Any] | None  # what it was sealed with, if it is made again


def prepare_problem(context: WorkerContext, problem_id: str) -> None:
    """Load the data, write down the pools and chunks that are needed, and send the unfinished ones out.

    While one worker does it, a second message finds nothing to do.
    """
    now = utc_now()
    until = now + timedelta(seconds=context.settings.lease_seconds)
    with transaction(context.engine) as session:
        if not competitions.claim_preparation(session, problem_id, now=now, until=until):
            return
    try:
        with Heartbeat(context, renew_preparation(problem_id)):
            problems = load_stored(context, problem_id)
    except StoreUnavailable as error:  # the janitor reminds of it until the store is back
        log.warning("a problem waits for the store", problem_id=problem_id, fault=error.message)
        end_preparation(context.engine, problem_id)
        return
    except ContestError as error:
        report_fault(context.engine, problem_id, error.message)
        return
    except Exception as error:  # the task's edge: tried again it would fail as it did, and nobody would be told
        log.exception("a problem cannot be loaded", problem_id=problem_id)
        report_fault(context.engine, problem_id, f"it cannot be loaded: {type(error).__name__}: {error}")
        return
    if problems:
        _plan_pools(context, problem_id, problems)


def _plan_pools(context: WorkerContext, problem_id: str, problems: list[LoadedProblem]) -> None:
    description, class_counts = describe(problems[0]), count_classes(problems[0])
    with transaction(context.engine) as session:
        locked = competitions.lock_problem(session, problem_id)
        locked.preparing_until = None
        locked.manifest = asdict(join_manifests([problem.manifest for problem in problems]))
        locked.description, locked.class_counts = description, class_counts
        _send_chunks(session, problems, problem_id)
        session.flush()
        is_sealed = _calibrate_if_sealed(session, context, problem_id)
        is_measured = locked.headroom is not None
    if is_sealed and not is_measured:
        _finish_problem(context, problems, problem_id)


def load_stored(context: WorkerContext, problem_id: str) -> list[LoadedProblem]:
    """Of every request; none if there is no such problem.

    Raises ContestError for one that cannot be loaded, or must not be any more.
    """
    with reading(context.engine) as session:
        row = competitions.fetch_problem_by_id(session, problem_id)
        if row is None:
            return []
        if data_sets.is_revoked(session, row.parsed):
            raise Conflict(data_sets.REVOKED)
    return context.load_all(row.parsed)


def build_pool_chunk(context: WorkerContext, chunk_id: str) -> None:
    """Train one chunk; safe to deliver twice."""
    work = _load(context, chunk_id)
    if work is None:
        return
    try:
        with Heartbeat(context, renew_piece(PoolChunk, chunk_id, work.fence)):
            problem = context.load(work.problem, work.request)
            chunk = pool_chunks(problem, work.kind, work.size)[work.position]
            _make_chunk(context, work, problem, chunk)
    except Exception as error:  # the task's edge: training is ours alone
        log.exception("pool chunk failed", chunk_id=chunk_id)
        _give_back(context, work, error)
        return
    with transaction(context.engine) as session:
        pool = competitions.lock_pool(session, work.pool_id)
        if not leases.settle(session, PoolChunk, chunk_id, work.fence, state=WorkState.DONE, fault=""):
            return
        if pool.seal is not None:
            log.info("a lost pool chunk is there again", chunk_id=chunk_id)
            return
        if competitions.count_unfinished_chunks(session, pool.id) > 0:
            return
        # read within the transaction: only now is every chunk known to be there, and chunks are small
        pool.seal = make_seal(pool_chunks(problem, work.kind, work.size), context.store)
        pool.state, pool.sealed_at = PoolState.SEALED, utc_now()
        session.flush()
        _calibrate_if_sealed(session, context, work.problem_id)


def _make_chunk(context: WorkerContext, work: ChunkWork, problem: LoadedProblem, chunk: Chunk) -> None:
    device = context.settings.device
    if work.sealed is None:
        build_chunk(problem, chunk, context.store, device=device)
    else:
        rebuild_chunk(problem, chunk, work.sealed, context.store, device=device)


def _finish_problem(context: WorkerContext, problems: list[LoadedProblem], problem_id: str) -> None:
    """What nobody waits for before a competition opens, and the first score would pay for otherwise."""
    for each in problems:
        find_ceiling(each, load_pools(each, context.store), context.store, metric=METRIC_VERSION)
    problem = problems[0]
    ensure_spare(problem, context.store, device=context.settings.device)
    headroom = measure_headroom(problem, device=context.settings.device)
    learning = measure_learning(problem, context.store, seconds={}, device=context.settings.device)
    with transaction(context.engine) as session:
        locked = competitions.lock_problem(session, problem_id)
        locked.headroom = asdict(headroom)
        locked.learning = asdict(learning) if learning else None


def _send_chunks(session: Session, problems: list[LoadedProblem], problem_id: str) -> None:
    pools = {(pool.kind, pool.request): pool for pool in competitions.fetch_pools(session, problem_id)}
    for (kind, size), problem in product(pool_sizes(problems[0].spec).items(), problems):
        pool = pools.get((kind, problem.request)) or _add_pool(session, problem, problem_id, kind, size)
        if pool.state == PoolState.RETIRED:
            pool.state = PoolState.SEALED
        for chunk in pool.chunks:
            if chunk.state == WorkState.ABANDONED:  # perhaps a backup brought it back
                chunk.state, chunk.attempts, chunk.failures, chunk.failed_on = WorkState.PENDING, 0, 0, []
            if chunk.state == WorkState.PENDING:
                enqueue(session, BUILD_CHUNK, chunk.id)


def _add_pool(session: Session, problem: LoadedProblem, problem_id: str, kind: PoolKind, size: int) -> Pool:
    plan = pool_chunks(problem, kind, size)
    pool = Pool(problem_id=problem_id, kind=kind, request=problem.request, size=size)
    pool.chunks = [
        PoolChunk(position=position, first=chunk.start, count=len(chunk.seeds)) for position, chunk in enumerate(plan)
    ]
    session.add(pool)
    session.flush()
    for part in pool.chunks:
        part.state = WorkState.PENDING
    return pool


def _load(context: WorkerContext, chunk_id: str) -> ChunkWork | None:
    now = utc_now()
    until = now + timedelta(seconds=context.settings.lease_seconds)
    with transaction(context.engine) as session:
        if nodes.is_draining(session, context.settings.node_name):
            put_off(session, BUILD_CHUNK, chunk_id)
            return None
        if data_sets.is_chunk_revoked(session, chunk_id):
            return None
        name, free = context.settings.node_name, competitions.lock_free_chunk(session, chunk_id)
        if free is not None and not may_train_here(session, free, node=name, now=now):
            put_off(session, BUILD_CHUNK, chunk_id)
            return None
        fence = leases.claim(session, PoolChunk, chunk_id, worker=name, now=now, until=until)
        row = competitions.fetch_chunk(session, chunk_id) if fence else None
        if row is None:
            return None
        pool = row.pool
        return ChunkWork(
            chunk_id=chunk_id,
            fence=fence,
            pool_id=pool.id,
            problem_id=pool.problem_id,
            problem=pool.problem.parsed,
            kind=pool.kind,
            request=pool.request,
            size=pool.size,
            position=row.position,
            sealed=pool.seal["chunks"][row.position] if pool.seal else None,
        )


def _give_back(context: WorkerContext, work: ChunkWork, error: Exception) -> None:
    """The janitor's next sweep sends it out again, unless everybody failed at it, and too often."""
    fault, name = error.message if isinstance(error, ContestError) else repr(error), context.settings.node_name
    with transaction(context.engine) as session:
        if not leases.settle(session, PoolChunk, work.chunk_id, work.fence, state=WorkState.PENDING, fault=fault):
            return
        chunk = competitions.lock_free_chunk(session, work.chunk_id)
        if chunk is None:
            return
        if not isinstance(error, StoreUnavailable):
            record_training_failure(session, chunk, node=name, now=utc_now())
        if not isinstance(error, SealBroken) and chunk.failures < context.settings.max_attempts:
            put_off(session, BUILD_CHUNK, work.chunk_id)
        else:
            _give_up(session, chunk, work.problem_id, work.kind)


def return_lost_chunk(session: Session, chunk_id: str) -> None:
    """Send out again a chunk whose worker was lost, unless it takes every worker with it."""
    chunk = competitions.fetch_chunk(session, chunk_id)
    if chunk is None:
        return
    if chunk.attempts < MOST_TRIES:
        enqueue(session, BUILD_CHUNK, chunk_id)
        return
    chunk.fault = f"{chunk.fault}, after {chunk.attempts} tries"
    _give_up(session, chunk, chunk.pool.problem_id, chunk.pool.kind)


def _give_up(session: Session, chunk: PoolChunk, problem_id: str, kind: PoolKind) -> None:
    chunk.state = WorkState.ABANDONED  # what is pending is reminded of for ever
    for competition in _waiting(session, problem_id):
        competition.fault = f"training the {kind} pool failed: {chunk.fault}"


def _calibrate_if_sealed(session: Session, context: WorkerContext, problem_id: str) -> bool:
    """When every pool is whole, measure what retraining costs here; the result opens the competitions."""
    problem = competitions.lock_problem(session, problem_id)
    pools = competitions.fetch_pools(session, problem_id)
    if data_sets.is_revoked(session, problem.parsed):
        return False
    if not pools or any(pool.state == PoolState.BUILDING for pool in pools):
        return False
    for spec in competitions.fetch_specs_of_problem(session, problem_id):
        waiting = fetch_waiting(session, spec.id)
        if waiting:
            _open_or_calibrate(session, context, waiting, spec)
    return True


def _open_or_calibrate(
    session: Session, context: WorkerContext, waiting: list[Competition | Phase], spec: EvaluationSpec
) -> None:
    node_class = context.settings.node_class
    if load_cost(session, spec.id, node_class) is not None:
        for row in waiting:
            open_waiting(session, row)
    elif all(run.verdict for run in competitions.fetch_calibration_runs(session, spec.id, node_class)):
        first = waiting[0]
        competition_id = first.competition_id if isinstance(first, Phase) else first.id
        phase = first.kind if isinstance(first, Phase) else PhaseKind.PUBLIC
        start_calibration(session, context, spec, competition_id, phase)


def end_preparation(engine: Engine, problem_id: str) -> None:
    """Somebody else may begin it."""
    with transaction(engine) as session:
        competitions.end_preparation(session, problem_id)


def report_obstacle(engine: Engine, settings: Settings, problem_id: str, error: ContestError) -> None:
    """What keeps this node from work is said where people wait, unless another node, or the store's return, helps."""
    with reading(engine) as session:
        can_wait = isinstance(error, StoreUnavailable) or has_other_node(session, [settings.node_name], utc_now())
    if not can_wait:
        report_fault(engine, problem_id, error.message)


def report_fault(engine: Engine, problem_id: str, fault: str) -> None:
    """Tell everybody who waits for this problem why it cannot go on."""
    with transaction(engine) as session:
        competitions.end_preparation(session, problem_id)
        for competition in _waiting(session, problem_id):
            competition.fault = fault


def _waiting(session: Session, problem_id: str) -> list[Competition | Phase]:
    specs = competitions.fetch_specs_of_problem(session, problem_id)
    return [row for spec in specs for row in fetch_waiting(session, spec.id)]
