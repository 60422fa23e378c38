"""The platform's own steps without database, queue or account: pools, calibration and boxes on this machine."""

import itertools
import json
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import torch

from core.domain.calibration import CALIBRATION_TRIES, RETRAIN_FILE
from core.domain.cuts import Cut, cut_replicas
from core.domain.errors import PlatformFault
from core.domain.exposure import Exposure
from core.domain.pools import PoolKind
from core.domain.runtime import CpuClock
from core.problems import ProblemSpec
from core.settings import Settings
from core.storage import BlobStore
from core.stores import open_store
from evaluator.runtime import RelativeRuntime
from sandbox.contract import ENTRY_FILE
from worker.problems import LoadedProblem, load_problem, load_requests
from worker.replicas.calibration import make_calibration_source
from worker.replicas.execution import Batch, make_orders, make_request, run_batch, time_batch
from worker.replicas.inspection import InspectedReplica, Inspector
from worker.replicas.seconds import MeasuredShard, dump_shard
from worker.replicas.yardstick import NOTHING, Plan, plan_calibration
from worker.runner.base import LOCAL_LABEL, ReplicaOrder, RunRequest, Sandbox
from worker.scorecard.cost import RetrainCost, make_cost
from worker.scorecard.kept_cost import load_cost, name_cost
from worker.training.pools import Pool, TrainingPlan, ensure_pools

Progress = Callable[[str, int, int], None]  # stage, done, total
ROUGH_ALPHA = 0.05  # on either side of what few runs tell


@dataclass(frozen=True, slots=True)
class LocalCost:
    """What a run costs here, roughly; no runtime where no yardstick told."""

    runtime: RelativeRuntime | None
    clock: CpuClock
    retrain_seconds: float


@dataclass(frozen=True, slots=True)
class Bench:
    """What runs on one forget request of a problem."""

    problem: LoadedProblem
    store: BlobStore
    sandbox: Sandbox
    settings: Settings
    pools: Mapping[PoolKind, Pool]

    def originals(self) -> list[bytes]:
        pool = self.pools[PoolKind.ORIGINAL]
        return [pool.load_original(self.store, member) for member in range(pool.size)]


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
    benches = open_benches(spec, settings, sandbox, {PoolKind.ORIGINAL: spec.pools.originals}, report)
    bench, retraining = benches[0], calibrate(benches, report, count=runs, tries=1)
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
    """The first request of a problem with the pools that are needed, training what is missing."""
    report, store = on_progress or _ignore, open_store(settings)
    problem = load_problem(spec, settings.dataset_folder, store)
    return _open(problem, store, settings, sandbox, sizes, on_pools=lambda done, total: report("pools", done, total))


def open_benches(
    spec: ProblemSpec,
    settings: Settings,
    sandbox: Sandbox,
    sizes: Mapping[PoolKind, int],
    on_progress: Progress | None = None,
) -> tuple[Bench, ...]:
    """Every request of a problem with pools of its own; all are cut before any model is trained."""
    report, store = on_progress or _ignore, open_store(settings)
    problems = load_requests(spec, settings.dataset_folder, store)
    found: list[Bench] = []
    for problem in problems:

        def tell(done: int, total: int, before: int = len(found)) -> None:
            report("pools", before * total + done, len(problems) * total)

        found.append(_open(problem, store, settings, sandbox, sizes, on_pools=tell))
    return tuple(found)


def _open(
    problem: LoadedProblem,
    store: BlobStore,
    settings: Settings,
    sandbox: Sandbox,
    sizes: Mapping[PoolKind, int],
    *,
    on_pools: Callable[[int, int], None],
) -> Bench:
    torch.set_num_threads(1)  # as on a server: whatever the environment says, boxes and this process share the cores
    plan = TrainingPlan(workers=settings.workers, device=settings.device)
    pools = ensure_pools(problem, sizes, store, on_progress=on_pools, plan=plan)
    return Bench(problem=problem, store=store, sandbox=sandbox, settings=settings, pools=pools)


def calibrate(
    benches: Sequence[Bench], on_progress: Progress, *, count: int, tries: int = CALIBRATION_TRIES
) -> RetrainCost:
    """Measure retraining once per machine, sandbox and problem; a changed file is measured again.

    One in doubt is measured once more, and counts too; what doubt is left widens every interval. Of several requests
    it is the mean: each has its share of the runs.
    """
    bench = benches[0]
    source = make_calibration_source(RETRAIN_FILE, bench.problem.spec)
    settings, spec = bench.settings, bench.problem.spec
    name = name_cost(bench.problem, settings, bench.sandbox.name, count)
    if (kept := load_cost(bench.store, name)) is not None:
        return kept
    shards: list[MeasuredShard] = []
    for _ in range(tries):
        shards += _measure_all(benches, source, count, on_progress)
        cost = make_cost(shards)
        if not cost.find_doubt(for_practice=spec.exposure is Exposure.PRACTICE):
            break
    bench.store.set_ref(name, bench.store.put(json.dumps([dump_shard(shard) for shard in shards]).encode()))
    return cost


def _measure_all(benches: Sequence[Bench], source: bytes, count: int, on_progress: Progress) -> Iterator[MeasuredShard]:
    cuts = cut_replicas(count, requests=len(benches), canary=0, size=count)
    on_progress("calibration", 0, count)
    for cut in cuts:

        def tell(done: int, first: int = cut.first) -> None:
            on_progress("calibration", first + done, count)

        yield from _measure(benches[cut.request], source, cut, tell)


def _measure(bench: Bench, source: bytes, cut: Cut, on_replica: Callable[[int], None]) -> Sequence[MeasuredShard]:
    orders = make_orders("calibration", first=cut.first, count=cut.count, originals=1)
    batch = run_orders(bench, {ENTRY_FILE: source}, orders, on_replica=on_replica, make_plan=plan_calibration)
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


def make_local_request(
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
    request = make_local_request(bench, files, orders, retrain_seconds)

    def go_on(_finished: int) -> bool:
        count()
        return not stop.is_set()

    inspector = Inspector(bench.problem, device=bench.settings.device, relearns=relearns)
    batch = run_batch(bench.sandbox, request, inspector, on_progress=go_on, rerun_replicas=reruns, plan=plan)
    if batch.fault is not None or batch.platform_fault:
        stop.set()
    return batch


def _ignore(_stage: str, _done: int, _total: int) -> None:
    return
