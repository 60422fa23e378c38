"""The platform's own steps without database, queue or account: what `lacuna evaluate` and `lacuna doctor` run."""

import itertools
import json
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import torch

from core.domain.calibration import CALIBRATION_TRIES, RETRAIN_FILE
from core.domain.errors import PlatformFault
from core.domain.exposure import Exposure
from core.domain.faults import FaultCode
from core.domain.intake.density import measure_density
from core.domain.pools import PoolKind
from core.domain.runtime import CpuClock
from core.domain.submission import VERDICT_OF_FAULT, Verdict
from core.problems import ProblemSpec
from core.scorecard import ScorecardRecord
from core.settings import Settings
from core.storage import BlobStore
from core.stores import open_store
from evaluator import METRIC_VERSION
from evaluator.runtime import RelativeRuntime
from sandbox.contract import ENTRY_FILE
from worker.problems import LoadedProblem, load_problem
from worker.replicas.calibration import make_calibration_source, with_recipe
from worker.replicas.execution import Batch, make_orders, make_request, run_batch, time_batch
from worker.replicas.inspection import InspectedReplica, Inspector
from worker.replicas.outputs import ModelOutputs, concat_outputs
from worker.replicas.seconds import MeasuredShard, collect_seconds, dump_shard
from worker.replicas.swapping import run_swapped
from worker.replicas.yardstick import NOTHING, Plan, plan_calibration, plan_shard
from worker.report.drawing import draw_score
from worker.report.examples import ExampleDetail
from worker.runner.base import LOCAL_LABEL, ReplicaOrder, RunRequest, Sandbox
from worker.scorecard.card import RunFacts, compute_scorecard
from worker.scorecard.cost import RetrainCost, describe_excess, make_cost
from worker.scorecard.flags import FlagFacts
from worker.scorecard.kept_cost import load_cost, name_cost
from worker.training.pools import Pool, TrainingPlan, ensure_pools, pool_sizes
from worker.training.spare import ensure_spare, load_spare

Progress = Callable[[str, int, int], None]  # stage, done, total
ROUGH_ALPHA = 0.05  # on either side of what few runs tell


@dataclass(frozen=True, slots=True)
class LocalEvaluation:
    """What a participant sees at home: the same verdict and scorecard, and everything their code printed."""

    verdict: Verdict
    code: FaultCode | None
    reason: str
    log: str
    traceback: str
    scorecard: ScorecardRecord | None
    detail: ExampleDetail | None  # of single forget examples, for the report
    relative_runtime: float | None


@dataclass(frozen=True, slots=True)
class LocalCost:
    """What a run costs here, roughly; no runtime where no yardstick told."""

    runtime: RelativeRuntime | None
    clock: CpuClock
    retrain_seconds: float


@dataclass(frozen=True, slots=True)
class Bench:
    problem: LoadedProblem
    store: BlobStore
    sandbox: Sandbox
    settings: Settings
    pools: Mapping[PoolKind, Pool]

    def originals(self) -> list[bytes]:
        pool = self.pools[PoolKind.ORIGINAL]
        return [pool.load_original(self.store, member) for member in range(pool.size)]


def evaluate_submission(
    spec: ProblemSpec,
    files: Mapping[str, bytes],
    *,
    settings: Settings,
    sandbox: Sandbox,
    replicas: int | None,
    gate: bool,
    on_progress: Progress,
) -> LocalEvaluation:
    """Score a submission here, with the platform's sandbox, pools and evaluator."""
    files = with_recipe(files, spec)
    bench = open_bench(spec, settings, sandbox, pool_sizes(spec), on_progress)
    retrain = calibrate(bench, on_progress, count=spec.evaluation.calibration_replicas)
    count = replicas or spec.evaluation.replicas
    run_id = uuid.uuid4().hex
    orders = make_orders(run_id, first=0, count=count, originals=bench.pools[PoolKind.ORIGINAL].size)
    limit = retrain.wall_seconds if gate else None
    on_progress("replicas", 0, count)
    batch = run_orders(
        bench,
        files,
        orders,
        retrain_seconds=limit,
        on_replica=lambda done: on_progress("replicas", done, count),
        rerun_replicas=spec.evaluation.rerun_replicas,
        make_plan=lambda part: plan_shard(part, is_canary=False),
    )
    if batch.fault is not None and batch.code is not None:
        return _failed(VERDICT_OF_FAULT[batch.code], batch.code, batch.fault)
    if batch.platform_fault:
        return _failed(Verdict.PLATFORM_ERROR, None, None, reason=batch.platform_fault)
    swapped = _run_swapped(bench, files, run_id, limit)
    on_progress("scoring", 0, 1)
    facts = RunFacts(
        evaluation_id=run_id,
        spec_digest="",
        source_digest="",
        sandbox=batch.sandbox,
        node_class=settings.node_class,
        run=collect_seconds(batch.replicas),
        retrain=retrain,
        measured=batch.measured,
        checks=replace(_collect_facts(bench, batch, swapped, run_id), brought=measure_density(files)),
    )
    outputs = concat_outputs([replica.outputs for replica in batch.replicas if replica.outputs is not None])
    score = compute_scorecard(bench.problem, outputs, bench.pools, facts, bench.store, metric=METRIC_VERSION)
    drawings, runtime = draw_score(bench.problem, score), score.record.relative_runtime
    on_progress("scoring", 1, 1)
    over = gate and runtime.over_budget
    return LocalEvaluation(
        verdict=Verdict.OVER_BUDGET if over else Verdict.SCORED,
        code=FaultCode.COMPUTE_BUDGET if over else None,
        reason=describe_excess(runtime, batch.measured, budget=runtime.budget) if over else "",
        log=batch.replicas[0].log,
        traceback="",
        scorecard=score.record,
        detail=drawings.detail,
        relative_runtime=runtime.estimate,
    )


def run_replicas_locally(
    spec: ProblemSpec, files: Mapping[str, bytes], *, settings: Settings, sandbox: Sandbox, seeds: Sequence[int]
) -> list[InspectedReplica]:
    """Run one replica for each seed, in order, without a gate; stops at the first fault."""
    bench = open_bench(spec, settings, sandbox, {PoolKind.ORIGINAL: spec.pools.originals})
    originals = bench.pools[PoolKind.ORIGINAL].size
    orders = [ReplicaOrder(index, seed, index % originals) for index, seed in enumerate(seeds)]
    return list(run_orders(bench, files, orders, workers=1, relearns=False).replicas)


def measure_cost(
    spec: ProblemSpec,
    files: Mapping[str, bytes],
    *,
    settings: Settings,
    sandbox: Sandbox,
    runs: int,
    on_progress: Progress | None = None,
) -> LocalCost:
    """Time a few runs among as many yardsticks, as the server does with all of them; nothing of it is scored.

    runs: at most; a problem whose server calibrates with fewer is timed with as few.
    """
    report, runs = on_progress or _ignore, min(runs, spec.evaluation.calibration_replicas)
    bench = open_bench(spec, settings, sandbox, {PoolKind.ORIGINAL: spec.pools.originals}, report)
    retraining = calibrate(bench, report, count=runs, tries=1)
    timed = itertools.count(1)
    request = make_request(
        bench.problem,
        files,
        label=f"{LOCAL_LABEL}{uuid.uuid4().hex[:12]}",
        originals=bench.originals(),
        orders=make_orders(uuid.uuid4().hex, first=0, count=runs, originals=bench.pools[PoolKind.ORIGINAL].size),
        retrain_seconds=None,
        device=settings.device,
    )
    report("timing", 0, runs)

    def tell(_: int) -> bool:
        report("timing", min(next(timed), runs), runs)
        return True

    batch = time_batch(sandbox, request, plan=Plan(runs, 1), on_progress=tell)
    if batch.platform_fault:
        raise PlatformFault(f"the cost could not be measured: {batch.platform_fault}")
    return LocalCost(
        runtime=retraining.pair(batch.measured, spec.evaluation.gate, alpha=ROUGH_ALPHA),
        clock=batch.measured[0].runs.clock,
        retrain_seconds=retraining.wall_seconds,
    )


def open_bench(
    spec: ProblemSpec,
    settings: Settings,
    sandbox: Sandbox,
    sizes: Mapping[PoolKind, int],
    on_progress: Progress | None = None,
) -> Bench:
    """Load a problem and the pools that are needed, training what is missing."""
    report = on_progress or _ignore
    torch.set_num_threads(1)  # as on a server: whatever the environment says, boxes and this process share the cores
    store = open_store(settings)
    problem = load_problem(spec, settings.dataset_folder, store)
    plan = TrainingPlan(workers=settings.workers, device=settings.device)
    pools = ensure_pools(problem, sizes, store, on_progress=lambda done, total: report("pools", done, total), plan=plan)
    return Bench(problem=problem, store=store, sandbox=sandbox, settings=settings, pools=pools)


def calibrate(bench: Bench, on_progress: Progress, *, count: int, tries: int = CALIBRATION_TRIES) -> RetrainCost:
    """Measure retraining once per machine, sandbox and problem; a changed file is measured again.

    One in doubt is measured once more, and counts too; what doubt is left widens every interval.
    """
    source = make_calibration_source(RETRAIN_FILE, bench.problem.spec)
    settings, spec = bench.settings, bench.problem.spec
    name = name_cost(bench.problem, settings, bench.sandbox.name, count)
    if (kept := load_cost(bench.store, name)) is not None:
        return kept
    shards: list[MeasuredShard] = []
    for _ in range(tries):
        shards += _measure(bench, source, count, on_progress)
        cost = make_cost(shards)
        if not cost.find_doubt(for_practice=spec.exposure is Exposure.PRACTICE):
            break
    bench.store.set_ref(name, bench.store.put(json.dumps([dump_shard(shard) for shard in shards]).encode()))
    return cost


def _measure(bench: Bench, source: bytes, count: int, on_progress: Progress) -> Sequence[MeasuredShard]:
    orders = make_orders("calibration", first=0, count=count, originals=1)
    on_progress("calibration", 0, count)
    batch = run_orders(
        bench,
        {ENTRY_FILE: source},
        orders,
        on_replica=lambda done: on_progress("calibration", done, count),
        make_plan=plan_calibration,
    )
    if len(batch.replicas) < len(orders) or batch.fault is not None:
        reason = batch.platform_fault or (batch.fault.reason if batch.fault else "stopped")
        raise PlatformFault(f"{RETRAIN_FILE} failed in the sandbox: {reason}")
    return batch.measured


def run_orders(
    bench: Bench,
    files: Mapping[str, bytes],
    orders: Sequence[ReplicaOrder],
    *,
    workers: int | None = None,
    retrain_seconds: float | None = None,
    on_replica: Callable[[int], None] | None = None,
    rerun_replicas: int = 0,
    make_plan: Callable[[int], Plan] = lambda _: NOTHING,
    relearns: bool = True,
) -> Batch:
    """Share the orders among as many sandboxes as there are workers; the first fault stops them all."""
    count = min(workers or bench.settings.workers, len(orders))
    stop, lock = threading.Event(), threading.Lock()
    done = 0

    def report() -> None:
        nonlocal done
        with lock:
            done += 1
            if on_replica is not None:
                on_replica(done)

    with ThreadPoolExecutor(count) as pool:
        parts = [orders[place::count] for place in range(count)]
        again = [min(rerun_replicas, 1), *[0] * (count - 1)]  # the parts interleave: only the first begins the pool
        runs = [
            pool.submit(
                _run_here,
                bench,
                files,
                part,
                retrain_seconds,
                stop,
                report,
                reruns=reruns,
                plan=make_plan(len(part)),
                relearns=relearns,
            )
            for part, reruns in zip(parts, again, strict=True)
        ]
        batches = [run.result() for run in runs]
    replicas = sorted((replica for batch in batches for replica in batch.replicas), key=lambda replica: replica.index)
    ours = next((batch.platform_fault for batch in batches if batch.platform_fault), "")
    stopped = any(batch.stopped for batch in batches)
    return Batch(
        tuple(replicas),
        stopped=stopped,
        sandbox=batches[0].sandbox,
        platform_fault=ours,
        reruns=batches[0].reruns,
        measured=tuple(shard for batch in batches for shard in batch.measured),
    )


def _collect_facts(bench: Bench, batch: Batch, swapped: Sequence[InspectedReplica], run_id: str) -> FlagFacts:
    spare = load_spare(bench.problem, bench.store)
    return FlagFacts(
        digests=tuple(replica.weights_sha256 for replica in batch.replicas),
        reruns=_join(batch.reruns),
        swapped=_join(swapped),
        spare=spare.outputs if spare else None,
        evaluation_id=run_id,
    )


def _join(replicas: Sequence[InspectedReplica]) -> ModelOutputs | None:
    outputs = [replica.outputs for replica in replicas if replica.outputs is not None]
    return concat_outputs(outputs) if outputs else None


def _run_swapped(
    bench: Bench, files: Mapping[str, bytes], run_id: str, retrain_seconds: float | None
) -> tuple[InspectedReplica, ...]:
    if bench.problem.spec.evaluation.rerun_replicas == 0:
        return ()
    inspector = Inspector(bench.problem, device=bench.settings.device)
    request = _make_request(bench, files, (), retrain_seconds)
    spare = ensure_spare(bench.problem, bench.store, device=bench.settings.device).weights
    return run_swapped(bench.sandbox, request, bench.problem, inspector, run_id, spare=spare, go_on=lambda: True)


def _make_request(
    bench: Bench, files: Mapping[str, bytes], orders: Sequence[ReplicaOrder], retrain_seconds: float | None
) -> RunRequest:
    return make_request(
        bench.problem,
        files,
        label=f"lacuna-local-{uuid.uuid4().hex[:12]}",
        originals=bench.originals(),
        orders=orders,
        retrain_seconds=retrain_seconds,
        device=bench.settings.device,
    )


def _run_here(
    bench: Bench,
    files: Mapping[str, bytes],
    orders: Sequence[ReplicaOrder],
    retrain_seconds: float | None,
    stop: threading.Event,
    count: Callable[[], None],
    *,
    reruns: int,
    plan: Plan,
    relearns: bool,
) -> Batch:
    request = _make_request(bench, files, orders, retrain_seconds)

    def go_on(_finished: int) -> bool:
        count()
        return not stop.is_set()

    inspector = Inspector(bench.problem, device=bench.settings.device, relearns=relearns)
    batch = run_batch(bench.sandbox, request, inspector, on_progress=go_on, rerun_replicas=reruns, plan=plan)
    if batch.fault is not None or batch.platform_fault:
        stop.set()
    return batch


def _failed(
    verdict: Verdict, code: FaultCode | None, fault: InspectedReplica | None, *, reason: str = ""
) -> LocalEvaluation:
    return LocalEvaluation(
        verdict=verdict,
        code=code,
        reason=fault.reason if fault else reason,
        log=fault.log if fault else "",
        traceback=fault.traceback if fault else "",
        scorecard=None,
        detail=None,
        relative_runtime=None,
    )


def _ignore(_stage: str, _done: int, _total: int) -> None:
    return
