"""The rule of 2023 written as it is described, twice: every window materialised, and counts by binary search.

Slow on purpose. `compare_example` is what the published code does on a CPU: 160,000 windows per example as arrays of
comparisons, rates and logarithms in float32. `count_example` is the plain numpy count, in float64: the twin that
`evaluator.neurips2023` equals bit for bit. docs/metric.md §3 to §5 is the rule; samples are vectors in any order.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Counts = NDArray[np.int64]
CAP = 50.0
WINDOWS_AT_ONCE = 4_000


@dataclass(frozen=True)
class GridAnswer:
    """Epsilon of the best half-line and window, -inf where nothing survives; the guard says 50 for both."""

    half_line: float
    interval: float
    guarded: bool = False

    @property
    def epsilon(self) -> float:
        return min(max(self.half_line, self.interval), CAP)


def compare_example(unlearned: Array, retrained: Array, delta: float = 1e-5) -> GridAnswer:
    """Every threshold and window by comparing it with every value."""
    positive, negative, guarded = orient(unlearned, retrained)
    if guarded:
        return GridAnswer(CAP, CAP, guarded=True)
    edges = make_thresholds(positive, negative)[:, None]
    half_line = judge_rates((negative >= edges).mean(1, np.float32), (positive < edges).mean(1, np.float32), delta)
    inside, outside = (negative, positive) if np.ptp(positive) >= np.ptp(negative) else (positive, negative)
    best = -math.inf
    left, right = (side.ravel() for side in make_windows(inside, outside))
    for start in range(0, right.size, WINDOWS_AT_ONCE):
        low, high = (side[start : start + WINDOWS_AT_ONCE, None] for side in (left, right))
        wrong = ((outside >= low) & (outside <= high)).mean(1, np.float32)
        missed = ((inside < low) | (inside > high)).mean(1, np.float32)
        best = max(best, judge_rates(wrong, missed, delta))
    return GridAnswer(half_line, best)


def count_example(unlearned: Array, retrained: Array, delta: float = 1e-5) -> GridAnswer:
    """The same thresholds and windows, by binary search in the sorted samples."""
    positive, negative, guarded = orient(np.sort(unlearned), np.sort(retrained))
    if guarded:
        return GridAnswer(CAP, CAP, guarded=True)
    edges = make_thresholds(positive, negative)
    wrong = negative.size - np.searchsorted(negative, edges, side="left")
    half_line = judge_counts(wrong, np.searchsorted(positive, edges, side="left"), (positive, negative), delta)
    inside, outside = (negative, positive) if np.ptp(positive) >= np.ptp(negative) else (positive, negative)
    left, right = make_windows(inside, outside)
    wrong, enclosed = count_enclosed(outside, left, right), count_enclosed(inside, left, right)
    return GridAnswer(half_line, judge_counts(wrong, inside.size - enclosed, (inside, outside), delta))


def orient(unlearned: Array, retrained: Array) -> tuple[Array, Array, bool]:
    """(positive, negative, does the range guard answer)."""
    swap = np.median(retrained) > np.median(unlearned)
    narrow, wide = sorted([np.ptp(unlearned), np.ptp(retrained)])
    guarded = bool(wide > 0 and narrow / wide < 0.01)
    return (retrained, unlearned, guarded) if swap else (unlearned, retrained, guarded)


def make_thresholds(positive: Array, negative: Array) -> Array:
    low, high = min(positive.min(), negative.min()), max(positive.max(), negative.max())
    return np.linspace(low, high, math.ceil(100 * (high - low)))


def make_windows(inside: Array, outside: Array) -> tuple[Array, Array]:
    """Left and right ends of every window, (400, 400 or 401) each."""
    width = min(np.ptp(inside), np.ptp(outside))
    low, high = inside.min() + width - 2.0, inside.max() + 2.0
    right = np.linspace(low, high, math.ceil(100 * (high - low)))
    left = np.linspace(right - width - 2.0, right - width + 2.0, 400)
    return left, np.broadcast_to(right, left.shape)


def count_enclosed(values: Array, left: Array, right: Array) -> Counts:
    enclosed: Counts = np.searchsorted(values, right, side="right") - np.searchsorted(values, left, side="left")
    return np.maximum(enclosed, 0, out=enclosed)


def judge_rates(false_positive: Array, false_negative: Array, delta: float) -> float:
    """Largest epsilon over pairs of rates; -inf if none survives."""
    if np.any((false_positive == 0) & (false_negative == 0)):
        return math.inf
    kept = (false_positive > 0) & (false_negative > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        first = np.log(1 - delta - false_positive[kept]) - np.log(false_negative[kept])
        second = np.log(1 - delta - false_negative[kept]) - np.log(false_positive[kept])
    values = np.fmax(first, second)
    values = values[~np.isnan(values)]
    return max(float(values.max()), 0.0) if values.size else -math.inf


def judge_counts(wrong: Counts, missed: Counts, samples: tuple[Array, Array], delta: float) -> float:
    """`judge_rates` on the distinct pairs of errors; samples: the predicted one and the other."""
    predicted, other = samples[0].size, samples[1].size
    occurs = np.zeros((other + 1, predicted + 1), bool)
    occurs[wrong, missed] = True
    pairs = np.nonzero(occurs)
    return judge_rates(pairs[0] / other, pairs[1] / predicted, delta)
