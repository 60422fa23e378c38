"""What the pools themselves get in a league's columns: retrained models, a second bank of them, the original."""

from core.domain.pools import PoolKind
from core.scorecard import MetricLine
from evaluator import METRIC_VERSION
from worker.league.table import Cell, TableRow, make_metric_cells
from worker.local import Bench
from worker.replicas.outputs import ModelOutputs
from worker.replicas.seconds import RunSeconds
from worker.scorecard.card import find_ceiling
from worker.scorecard.cost import RetrainCost
from worker.scorecard.metrics import describe_metrics

NOTHING = RunSeconds((0.0,), (0.0,))  # the original is there already


def make_references(bench: Bench, retrain: RetrainCost, replicas: int) -> tuple[TableRow, ...]:
    """Three rows; the noise floor is what a bank of retrained models as large as an entry's gets by itself."""
    control, original = (bench.pools[kind].outputs for kind in (PoolKind.CONTROL, PoolKind.ORIGINAL))
    floor = _describe(bench, control.select(slice(0, replicas)), retrain.retrain, retrain)
    ceiling = find_ceiling(bench.problem, bench.pools, bench.store, metric=METRIC_VERSION)
    score = {"score": Cell(ceiling.estimate, gap=0.0, low=ceiling.low, high=ceiling.high)}
    parts = {
        "neurips2023": ceiling.neurips2023,
        "f_forget": ceiling.forgetting_quality,
        "f_test": ceiling.test_quality,
        "f_retain": ceiling.retain_quality,
    }
    score |= {name: Cell(value) for name, value in parts.items() if value is not None}
    return (
        TableRow("retrained", _take_goal(floor), is_reference=True),
        TableRow("noise floor", {**score, **make_metric_cells(floor)}, is_reference=True),
        TableRow("original", make_metric_cells(_describe(bench, original, NOTHING, retrain)), is_reference=True),
    )


def _describe(bench: Bench, outputs: ModelOutputs, run: RunSeconds, retrain: RetrainCost) -> tuple[MetricLine, ...]:
    return describe_metrics(bench.problem, outputs, bench.pools, run=run, retrain=retrain, store=bench.store)


def _take_goal(lines: tuple[MetricLine, ...]) -> dict[str, Cell]:
    """What every gap is measured to."""
    return {
        line.id: Cell(line.retrained, gap=0.0, standard_error=line.retrained_standard_error)
        for line in lines
        if line.retrained is not None
    }
