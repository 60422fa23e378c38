"""`lacuna evaluate`: every request of a problem, one after the other, and the scorecard of all of it."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.domain.errors import InvalidInput
from core.domain.faults import FaultCode
from core.domain.intake.density import measure_density
from core.domain.intake.report import Brought
from core.domain.pools import PoolKind
from core.domain.submission import VERDICT_OF_FAULT, Verdict
from core.problems import ProblemSpec, check_pairs, cut_evaluation
from core.scorecard import ScorecardRecord
from core.settings import Settings
from evaluator import METRIC_VERSION
from worker.local import Bench, Progress, calibrate, make_local_request, open_benches, run_orders
from worker.replicas.calibration import with_recipe
from worker.replicas.execution import Batch, make_orders
from worker.replicas.inspection import InspectedReplica, Inspector
from worker.replicas.outputs import ModelOutputs, concat_outputs
from worker.replicas.seconds import collect_seconds
from worker.replicas.swapping import run_swapped
from worker.replicas.yardstick import plan_shard
from worker.report.drawing import draw_score
from worker.report.examples import ExampleDetail
from worker.runner.base import ReplicaOrder, Sandbox
from worker.scorecard.card import FinishedScore, RunFacts
from worker.scorecard.cost import RetrainCost, describe_excess
from worker.scorecard.flags import FlagFacts
from worker.scorecard.pairs import RequestRuns, compute_score
from worker.training.pools import pool_sizes
from worker.training.spare import ensure_spare, load_spare


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
class _Run:
    """One evaluation at home."""

    id: str
    files: Mapping[str, bytes]
    count: int
    limit: float | None  # seconds of a retraining, where the gate is held
    on_progress: Progress


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
    files, count = with_recipe(files, spec), replicas or spec.evaluation.replicas
    try:
        check_pairs(spec, count)
    except ValueError as error:
        raise InvalidInput(str(error)) from None
    benches = open_benches(spec, settings, sandbox, pool_sizes(spec), on_progress)
    retrain = calibrate(benches, on_progress, count=spec.evaluation.calibration_replicas)
    run = _Run(uuid.uuid4().hex, files, count, retrain.wall_seconds if gate else None, on_progress)
    batches: list[Batch] = []
    for bench, orders in zip(benches, _share_orders(spec, run), strict=True):
        batch = _run_request(bench, run, orders, before=sum(len(each.replicas) for each in batches))
        if batch.fault is not None and batch.code is not None:
            return _failed(VERDICT_OF_FAULT[batch.code], batch.code, batch.fault)
        if batch.platform_fault:
            return _failed(Verdict.PLATFORM_ERROR, None, None, reason=batch.platform_fault)
        batches.append(batch)
    swapped = _run_swapped(benches[0], run)
    on_progress("scoring", 0, 1)
    score = _score(benches, batches, run, retrain, swapped)
    drawings = draw_score(benches[0].problem, score)
    on_progress("scoring", 1, 1)
    return _conclude(score.record, batches, drawings.detail, gate=gate)


def _share_orders(spec: ProblemSpec, run: _Run) -> list[list[ReplicaOrder]]:
    """The replicas of each request, as a server cuts them."""
    orders = make_orders(run.id, first=0, count=run.count, originals=spec.pools.originals)
    found: list[list[ReplicaOrder]] = [[] for _ in spec.requests]
    for cut in cut_evaluation(spec, run.count):
        found[cut.request] += orders[cut.first : cut.first + cut.count]
    return found


def _run_request(bench: Bench, run: _Run, orders: Sequence[ReplicaOrder], *, before: int) -> Batch:
    """before: replicas that ran on other requests; the first is the one that is run again."""
    run.on_progress("replicas", before, run.count)
    return run_orders(
        bench,
        run.files,
        orders,
        retrain_seconds=run.limit,
        on_replica=lambda done: run.on_progress("replicas", before + done, run.count),
        rerun_replicas=0 if bench.problem.request else bench.problem.spec.evaluation.rerun_replicas,
        make_plan=lambda part: plan_shard(part, is_canary=False),
    )


def _run_swapped(bench: Bench, run: _Run) -> tuple[InspectedReplica, ...]:
    if bench.problem.spec.evaluation.rerun_replicas == 0:
        return ()
    inspector = Inspector(bench.problem, device=bench.settings.device)
    request = make_local_request(bench, run.files, (), run.limit)
    spare = ensure_spare(bench.problem, bench.store, device=bench.settings.device).weights
    return run_swapped(bench.sandbox, request, bench.problem, inspector, run.id, spare=spare, go_on=lambda: True)


def _score(
    benches: Sequence[Bench],
    batches: Sequence[Batch],
    run: _Run,
    retrain: RetrainCost,
    swapped: Sequence[InspectedReplica],
) -> FinishedScore:
    brought = measure_density(run.files)
    tests = (swapped, *[()] * (len(benches) - 1))  # told to forget other examples: on the first request alone
    runs = [_collect(*each, run.id, brought) for each in zip(benches, batches, tests, strict=True)]
    facts = RunFacts(
        evaluation_id=run.id,
        spec_digest="",
        source_digest="",
        sandbox=batches[0].sandbox,
        node_class=benches[0].settings.node_class,
        run=collect_seconds([replica for batch in batches for replica in batch.replicas]),
        retrain=retrain,
        measured=tuple(shard for batch in batches for shard in batch.measured),
    )
    return compute_score(runs, facts, benches[0].store, metric=METRIC_VERSION)


def _collect(
    bench: Bench, batch: Batch, swapped: Sequence[InspectedReplica], run_id: str, brought: Brought | None
) -> RequestRuns:
    spare = load_spare(bench.problem, bench.store)
    checks = FlagFacts(
        digests=tuple(replica.weights_sha256 for replica in batch.replicas),
        reruns=_join(batch.reruns),
        swapped=_join(swapped),
        spare=spare.outputs if spare else None,
        evaluation_id=run_id,
        brought=brought,
    )
    return RequestRuns(
        problem=bench.problem,
        outputs=concat_outputs([replica.outputs for replica in batch.replicas if replica.outputs is not None]),
        originals=np.array([replica.index for replica in batch.replicas]) % bench.pools[PoolKind.ORIGINAL].size,
        pools=bench.pools,
        checks=checks,
    )


def _join(replicas: Sequence[InspectedReplica]) -> ModelOutputs | None:
    outputs = [replica.outputs for replica in replicas if replica.outputs is not None]
    return concat_outputs(outputs) if outputs else None


def _conclude(
    record: ScorecardRecord, batches: Sequence[Batch], detail: ExampleDetail | None, *, gate: bool
) -> LocalEvaluation:
    runtime = record.relative_runtime
    measured = [shard for batch in batches for shard in batch.measured]
    over = gate and runtime.over_budget
    return LocalEvaluation(
        verdict=Verdict.OVER_BUDGET if over else Verdict.SCORED,
        code=FaultCode.COMPUTE_BUDGET if over else None,
        reason=describe_excess(runtime, measured, budget=runtime.budget) if over else "",
        log=batches[0].replicas[0].log,
        traceback="",
        scorecard=record,
        detail=detail,
        relative_runtime=runtime.estimate,
    )


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
