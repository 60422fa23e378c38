"""The literature's metrics from stored outputs, in one pass; docs/metrics.md defines every entry."""

import hashlib
import io
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from core.domain.errors import PlatformFault
from core.domain.pools import PoolKind
from core.scorecard import MetricLine
from core.storage import BlobStore, find_computed
from evaluator import EpsilonOptions, InvalidPool
from evaluator.arrays import check_pools
from evaluator.inference import compute_logits
from evaluator.intervals import ScoreInterval
from evaluator.likeness import average_points, find_elsewhere
from evaluator.memory import compute_memory
from evaluator.metrics import divergences, membership
from evaluator.metrics.accuracies import compute_percentages, estimate_mean
from evaluator.metrics.aggregates import (
    AggregateInterval,
    ModelPercents,
    Percents,
    compute_avg_d,
    compute_avg_d_interval,
    compute_avg_gap,
    compute_avg_gap_interval,
    compute_sum,
    compute_sum_interval,
)
from evaluator.metrics.klom import (
    VARIANTS,
    compute_klom_excess_interval,
    compute_klom_interval,
    klom,
    klom_excess,
    summarise_klom,
)
from evaluator.metrics.neighbour import compute_neighbour_confidences
from evaluator.metrics.ulira import compute_ulira, compute_ulira_intervals
from evaluator.scored_pool import check_scored
from worker.problems import LoadedProblem
from worker.replicas.measurement import compute_forget_confidence
from worker.replicas.outputs import ModelOutputs
from worker.replicas.seconds import RunSeconds
from worker.scorecard.cost import RetrainCost
from worker.scorecard.metric_list import METRICS, OF_CLASSES, Metric
from worker.scorecard.scored import make_scored_pool, thin
from worker.training.members import initial_network
from worker.training.pools import Pool

VERSION = 3  # raise it when the same outputs give other values
MIA_MODELS = 16  # models that MIA-eff is taken over: one support vector machine each
UNTRAINED = 8  # randomly initialised networks that ZRF compares with
KLOM_RESAMPLES = 32
Floats32 = npt.NDArray[np.float32]
Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Found:
    """One metric of one pool, or of one pool against another; without a value the note says why."""

    value: float | None
    standard_error: float | None = None
    low: float | None = None  # of a 95 % interval
    high: float | None = None
    models: int = 0
    note: str = ""
    samples: tuple[float, ...] = ()  # of single models, where the value is their mean


Table = dict[str, Found]


@dataclass(frozen=True, slots=True)
class Reference:
    """What models that never saw the forget set get, and what Avg. Gap and Avg.D are measured from."""

    table: Table
    single: Table


def describe_metrics(
    problem: LoadedProblem,
    outputs: ModelOutputs,
    pools: Mapping[PoolKind, Pool],
    *,
    run: RunSeconds,
    retrain: RetrainCost | None,
    store: BlobStore,
) -> tuple[MetricLine, ...]:
    """Every metric of an unlearned pool beside what retrained models get; the latter is computed once and kept."""
    retrained = pools[PoolKind.RETRAINED].outputs
    reference = find_reference(problem, pools, store, models=min(len(outputs), len(retrained)))
    single = measure_pool(problem, outputs, load_untrained(problem, store))
    ours = single | compare_pools(problem, outputs, retrained) | _aggregate(single, reference.single)
    ours |= _measure_runtime(run)
    theirs = dict(reference.table)
    if retrain is not None:
        theirs |= _measure_runtime(retrain.retrain)
    ours |= compare_excess(problem, outputs, retrained, pools[PoolKind.CONTROL].outputs)
    theirs |= {
        f"klom_excess_{split}": Found(0.0, models=theirs[f"klom_mean_{split}"].models)
        for split in ("forget", "retain", "validation")
    }
    originals = pools[PoolKind.ORIGINAL].size
    return tuple(_describe_metric(metric, ours[metric.id], theirs.get(metric.id), originals) for metric in METRICS)


def find_reference(
    problem: LoadedProblem, pools: Mapping[PoolKind, Pool], store: BlobStore, *, models: int
) -> Reference:
    """The retrained pool's own metrics and, where a metric compares two pools, the control bank's against it."""
    banks = (pools[PoolKind.RETRAINED], pools[PoolKind.CONTROL])
    digests = "-".join(digest[:32] for digest in (problem.digest, *(bank.digest for bank in banks)))
    name = f"metrics/{digests}/{VERSION}-{models}"
    if (known := find_computed(store, name)) is not None:
        kept = json.loads(known)
        return Reference(*({key: Found(**found) for key, found in kept[part].items()} for part in ("table", "single")))
    untrained = load_untrained(problem, store)
    retrained, control = (bank.outputs for bank in banks)
    single = measure_pool(problem, retrained, untrained)
    again = measure_pool(problem, control, untrained)
    table = single | compare_pools(problem, control.select(slice(0, models)), retrained)
    table |= _aggregate(again, single) | {"sum": _aggregate(single, single)["sum"]}
    reference = Reference(table=table, single=single)
    store.set_ref(name, store.put(json.dumps(asdict(reference)).encode()))
    return reference


def load_untrained(problem: LoadedProblem, store: BlobStore) -> Floats32:
    """(8, N, K) logits on the forget set of networks that were initialised and never trained."""
    name = f"untrained/{problem.digest}/{UNTRAINED}"
    if (known := find_computed(store, name)) is not None:
        kept: Floats32 = np.load(io.BytesIO(known), allow_pickle=False)
        return kept
    logits = np.stack([_untrained_logits(problem, index) for index in range(UNTRAINED)])
    stream = io.BytesIO()
    np.save(stream, logits, allow_pickle=False)
    store.set_ref(name, store.put(stream.getvalue()))
    return logits


def measure_pool(problem: LoadedProblem, outputs: ModelOutputs, untrained: Floats32) -> Table:
    """The metrics that are of single models: accuracies, membership inference, ZRF."""
    percents = compute_percentages(
        forget=outputs.forget_accuracy, retain=outputs.retain_accuracy, test=outputs.test_accuracy
    )
    shares = {"fa": percents.forget, "ra": percents.retain, "ta": percents.test}
    table = {name: _average(share) for name, share in shares.items()} | {"relearn_retain": _measure_relearned(outputs)}
    if not problem.kind.targets.has_classes:
        return table | _leave_out(problem)
    return table | {"ua": _average(percents.unlearning)} | _measure_classes(problem, outputs, untrained)


def _measure_classes(problem: LoadedProblem, outputs: ModelOutputs, untrained: Floats32) -> Table:
    splits = problem.splits
    forget = _forget_confidence(problem, outputs)
    entropy = np.stack([divergences.compute_entropy(logits) for logits in outputs.forget_logits])
    few = slice(0, MIA_MODELS)
    retain, test = outputs.retain_confidence, outputs.test_confidence
    gone, unseen = splits.forget.y, splits.test.y[: test.shape[1]]
    scrub = partial(membership.compute_mia_kit_scrub, forget_labels=gone, test_labels=unseen)
    return {
        "mia_eff": _try(lambda: membership.compute_mia_eff(retain[few], test[few], forget[few])),
        "mia_sfr": _try(lambda: membership.compute_mia_sfr(outputs.retain_entropy, outputs.test_entropy, entropy)),
        "mia_add": _try(lambda: membership.compute_mia_add(forget, test)),
        "mia_kit": _try(lambda: membership.compute_mia_kit(forget, test)),
        "mia_kit_scrub": _try(lambda: scrub(forget, test)),
        "zrf": _try(lambda: divergences.compute_zrf(outputs.forget_logits, untrained)),
    }


def compare_pools(problem: LoadedProblem, outputs: ModelOutputs, retrained: ModelOutputs) -> Table:
    """The metrics that compare two pools, cut to the same number of models: divergences, KLOM, U-LiRA."""
    models = slice(0, min(len(outputs), len(retrained)))
    ours, theirs = outputs.select(models), retrained.select(models)
    left, right = _forget_confidence(problem, ours), _forget_confidence(problem, theirs)
    return {
        **_diverge(problem, ours, theirs),
        **_attack(left, right),
        "memory": _try_found(lambda: _measure_memory(problem, ours, theirs)),
        **_compare_margins("forget", left, right),
        **_compare_margins("retain", ours.retain_confidence, theirs.retain_confidence),
        **_compare_margins("validation", ours.test_confidence, theirs.test_confidence),
    }


def _diverge(problem: LoadedProblem, ours: ModelOutputs, theirs: ModelOutputs) -> Table:
    if not problem.kind.targets.has_classes:
        return {}  # `measure_pool` says so
    return {
        "d_kl": _try(lambda: divergences.compute_kl(ours.forget_logits, theirs.forget_logits)),
        "js": _try(lambda: divergences.compute_js(ours.forget_logits, theirs.forget_logits)),
        "f_neighbour": _try_found(lambda: _measure_neighbours(problem, ours, theirs)),
    }


def _leave_out(problem: LoadedProblem) -> Table:
    return {name: Found(None, note=f"defined for classes, not for {problem.spec.kind}") for name in OF_CLASSES}


def compare_excess(
    problem: LoadedProblem, outputs: ModelOutputs, retrained: ModelOutputs, control: ModelOutputs
) -> Table:
    """KLOM over its noise floor, on every set of examples."""
    banks = (outputs, retrained, control)
    return {
        **_compare_excess("forget", *(_forget_confidence(problem, bank) for bank in banks)),
        **_compare_excess("retain", *(bank.retain_confidence for bank in banks)),
        **_compare_excess("validation", *(bank.test_confidence for bank in banks)),
    }


def _compare_margins(split: str, left: Floats32, right: Floats32) -> Table:
    models = len(left)
    table: Table = {}
    try:
        for variant, function in VARIANTS.items():
            values = summarise_klom(function(left, right))
            table[f"{variant}_{split}"] = Found(values.p95, models=models)
        interval = compute_klom_interval(left, right, resamples=KLOM_RESAMPLES)
        mean = float(klom(left, right).mean())
        table[f"klom_mean_{split}"] = Found(mean, low=interval.low, high=_finite(interval.high), models=models)
    except InvalidPool as error:
        missing = Found(None, note=str(error))
        return {f"{variant}_{split}": missing for variant in (*VARIANTS, "klom_mean")}
    return table


def _attack(left: Floats32, right: Floats32) -> Table:
    try:
        attack = compute_ulira(left, right)
        found = compute_ulira_intervals(left, right)
    except InvalidPool as error:
        missing = Found(None, note=str(error))
        return {"ulira_accuracy": missing, "ulira_auc": missing, "ulira_tpr": missing}
    values = (
        ("ulira_accuracy", attack.mean_accuracy, found.accuracy),
        ("ulira_auc", attack.mean_auc, found.auc),
        ("ulira_tpr", attack.true_positive_rate, found.true_positive_rate),
    )
    return {name: Found(value, _finite(ends.standard_error), *_ends(ends), len(left)) for name, value, ends in values}


def _measure_memory(problem: LoadedProblem, ours: ModelOutputs, theirs: ModelOutputs) -> Found:
    pools = [check_scored(make_scored_pool(problem, part), "models") for part in (ours, theirs)]
    found = compute_memory((pools[0].confidences, pools[1].confidences), find_elsewhere(*pools)[0])
    return Found(found.auc, found.error, models=len(ours))


def _measure_neighbours(problem: LoadedProblem, ours: ModelOutputs, theirs: ModelOutputs) -> Found:
    rows = thin(np.arange(len(problem.splits.forget)))
    left, right = (part.forget_logits[:, rows] for part in (ours, theirs))
    pools = compute_neighbour_confidences(left, right, problem.splits.forget.y[rows])
    return Found(average_points(*check_pools(*pools), EpsilonOptions()), models=len(ours))


def _measure_relearned(outputs: ModelOutputs) -> Found:
    losses = outputs.relearn_retain_loss[:, -1]
    measured = losses[losses >= 0]
    return (
        _average(measured.astype(np.float64)) if len(measured) else Found(None, note="no model was trained on retain")
    )


def _aggregate(single: Table, retrained: Table) -> Table:
    try:
        ours, theirs = _percents(single), _percents(retrained)
    except InvalidPool as error:
        missing = Found(None, note=str(error))
        return {"avg_gap": missing, "avg_d": missing, "sum": missing}
    models = single["mia_eff"].models
    return {
        "avg_gap": _surround(compute_avg_gap(ours, theirs), models, compute_avg_gap_interval, single, retrained),
        "avg_d": _surround(
            compute_avg_d(ours, theirs), single["mia_sfr"].models, compute_avg_d_interval, single, retrained
        ),
        "sum": _surround(compute_sum(ours), models, compute_sum_interval, single),
    }


def _surround(value: float, models: int, compute: Callable[..., AggregateInterval], *tables: Table) -> Found:
    """The value and its interval; a single model has none."""
    try:
        found = compute(*map(_list_percents, tables))
    except InvalidPool:
        return Found(value, models=models)
    return Found(value, found.standard_error, found.low, found.high, models)


def _list_percents(table: Table) -> ModelPercents:
    return ModelPercents(*(table[name].samples for name in ("ua", "ra", "ta", "mia_eff", "mia_sfr")))


def _percents(table: Table) -> Percents:
    def value(name: str) -> float:
        found = table[name].value
        if found is None:
            raise InvalidPool(f"{name} has no value: {table[name].note}")
        return found

    return Percents(
        unlearning=value("ua"),
        retain=value("ra"),
        test=value("ta"),
        mia_eff=value("mia_eff"),
        mia_sfr=value("mia_sfr"),
    )


def _measure_runtime(run: RunSeconds) -> Table:
    seconds = np.array(run.wall, dtype=np.float64)
    return {"rte": _average(seconds), "rte_minutes": _average(seconds / 60)}


def _compare_excess(split: str, unlearned: Floats32, retrained: Floats32, control: Floats32) -> Table:
    """KLOM over the control bank's, all three cut to equally many models: floors of other sizes do not compare."""
    models = min(len(unlearned), len(retrained), len(control))
    pools = unlearned[:models], retrained[:models]
    try:
        mean = float(klom_excess(*pools, control=control[:models]).excess.mean())
        found = compute_klom_excess_interval(*pools, control=control[:models], resamples=KLOM_RESAMPLES)
    except InvalidPool as error:
        return {f"klom_excess_{split}": Found(None, note=str(error))}
    return {f"klom_excess_{split}": Found(mean, _finite(found.standard_error), *_ends(found), models)}


def _ends(found: ScoreInterval) -> tuple[float | None, float | None]:
    """Nothing rather than an end at infinity: too few models for parts of them."""
    return (found.low, found.high) if math.isfinite(found.high) else (None, None)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _describe_metric(metric: Metric, ours: Found, theirs: Found | None, originals: int) -> MetricLine:
    return MetricLine(
        **asdict(metric),
        value=ours.value,
        standard_error=ours.standard_error,
        interval=None if ours.low is None or ours.high is None else (ours.low, ours.high),
        models=ours.models,
        retrained=theirs.value if theirs else None,
        retrained_standard_error=theirs.standard_error if theirs else None,
        originals_per_run=originals,
        note=ours.note,
    )


def _try(compute: Callable[[], Values]) -> Found:
    try:
        return _average(compute())
    except InvalidPool as error:
        return Found(None, note=str(error))


def _try_found(compute: Callable[[], Found]) -> Found:
    try:
        return compute()
    except InvalidPool as error:
        return Found(None, note=str(error))


def _average(values: Values) -> Found:
    mean = estimate_mean(values)
    return Found(mean.value, mean.standard_error, models=mean.models, samples=tuple(map(float, values)))


def _forget_confidence(problem: LoadedProblem, outputs: ModelOutputs) -> Floats32:
    """In float32 like the stored confidences of the other splits."""
    return compute_forget_confidence(problem, outputs).astype(np.float32)


def _untrained_logits(problem: LoadedProblem, index: int) -> Floats32:
    seed = int.from_bytes(hashlib.sha256(f"untrained {index}".encode()).digest()[:8], "big") >> 1
    network = initial_network(problem, seed)
    logits = compute_logits(network, problem.splits.forget.x, device="cpu", batch_size=512)
    if logits.shape[1] != problem.num_classes:
        raise PlatformFault(f"problem {problem.spec.slug}: the network has {logits.shape[1]} outputs")
    return logits
