"""The literature's metrics of two published pools, as far as their files allow; docs/metrics.md defines each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluator import InvalidPool
from evaluator.metrics import divergences, membership
from evaluator.metrics.accuracies import estimate_mean
from evaluator.metrics.aggregates import Percents, compute_avg_d, compute_avg_gap, compute_sum
from worker.published.reading import PublishedPool
from worker.published.record import LiteratureLine
from worker.scorecard.metric_list import METRICS

MIA_MODELS = 16  # as on a server: a support vector machine each
NAMES = {metric.id: metric for metric in METRICS}
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sets:
    """One side's outputs on each set of examples; accuracies, as fractions, stand in where outputs are not given."""

    forget: PublishedPool
    retain: PublishedPool | None = None
    test: PublishedPool | None = None
    retain_accuracy: float | None = None
    test_accuracy: float | None = None


def describe_literature(unlearned: Sets, retrained: Sets) -> tuple[LiteratureLine, ...]:
    """One line for every metric that both sides have; Avg. Gap and its like where all their parts are there."""
    ours, theirs = _measure(unlearned), _measure(retrained)
    lines = [_make_line(name, ours[name], theirs[name]) for name in NAMES if name in ours and name in theirs]
    lines += _compare(unlearned.forget, retrained.forget)
    left, right = ({name: float(values.mean()) for name, values in side.items()} for side in (ours, theirs))
    return (*lines, *_aggregate(left, right))


def _measure(sets: Sets) -> dict[str, Values]:
    """(R,) values by metric; a single mean where that is all that was given."""
    forget, retain, test = sets.forget, sets.retain, sets.test
    found: dict[str, Values] = {}
    if (accuracy := _find_accuracy(forget)) is not None:
        found |= {"fa": 100 * accuracy, "ua": 100 - 100 * accuracy}
    for name, pool, given in (("ra", retain, sets.retain_accuracy), ("ta", test, sets.test_accuracy)):
        accuracy = _find_accuracy(pool)
        if accuracy is not None:
            found[name] = 100 * accuracy
        elif given is not None:
            found[name] = np.array([100 * given])
    if test is not None:
        pair = forget.confidences, test.confidences
        _add(found, "mia_add", lambda: membership.compute_mia_add(*pair))
        _add(found, "mia_kit", lambda: membership.compute_mia_kit(*pair))
    if retain is not None and test is not None:
        sides = tuple(pool.confidences[:MIA_MODELS] for pool in (retain, test, forget))
        _add(found, "mia_eff", lambda: membership.compute_mia_eff(*sides))
        entropies = [_find_entropy(pool) for pool in (retain, test, forget)]
        known = [entropy for entropy in entropies if entropy is not None]
        if len(known) == len(entropies):
            _add(found, "mia_sfr", lambda: membership.compute_mia_sfr(*known))
    return found


def _add(found: dict[str, Values], name: str, compute: Callable[[], Values]) -> None:
    """Sets that are too small, or of different models, have no such value."""
    try:
        found[name] = compute()
    except InvalidPool:
        return


def _find_accuracy(pool: PublishedPool | None) -> Values | None:
    if pool is None or pool.logits is None or pool.labels is None:
        return None
    right: Values = (np.asarray(pool.logits).argmax(axis=2) == np.asarray(pool.labels)).mean(axis=1)
    return right


def _find_entropy(pool: PublishedPool) -> Values | None:
    if pool.logits is None:
        return None
    return np.stack([divergences.compute_entropy(np.asarray(logits, np.float64)) for logits in pool.logits])


def _compare(unlearned: PublishedPool, retrained: PublishedPool) -> list[LiteratureLine]:
    if unlearned.logits is None or retrained.logits is None:
        return []
    models = min(len(unlearned.logits), len(retrained.logits))
    pair = [np.asarray(pool.logits[:models]) for pool in (unlearned, retrained) if pool.logits is not None]
    return [
        _make_line("d_kl", divergences.compute_kl(*pair), None),
        _make_line("js", divergences.compute_js(*pair), None),
    ]


def _aggregate(ours: Mapping[str, float], theirs: Mapping[str, float]) -> list[LiteratureLine]:
    lines = []
    for name, attack in (("avg_gap", "mia_eff"), ("avg_d", "mia_sfr")):
        if not {"ua", "ra", "ta", attack} <= ours.keys() & theirs.keys():
            continue
        left, right = (_make_percents(side) for side in (ours, theirs))
        value = compute_avg_gap(left, right) if name == "avg_gap" else compute_avg_d(left, right)
        lines.append(_make_line(name, np.array([value]), None))
        if name == "avg_gap":
            lines.append(_make_line("sum", np.array([compute_sum(left)]), np.array([compute_sum(right)])))
    return lines


def _make_percents(side: Mapping[str, float]) -> Percents:
    """What an aggregate does not read may be missing."""
    return Percents(side["ua"], side["ra"], side["ta"], side.get("mia_eff", 0.0), side.get("mia_sfr", 0.0))


def _make_line(name: str, ours: Values, theirs: Values | None) -> LiteratureLine:
    metric, value = NAMES[name], estimate_mean(ours)
    goal = None if theirs is None else float(theirs.mean())
    return LiteratureLine(
        id=name,
        name=metric.name,
        unit=metric.unit,
        value=value.value,
        standard_error=value.standard_error,
        models=value.models,
        retrained=goal,
        gap=None if goal is None else abs(value.value - goal),
    )
