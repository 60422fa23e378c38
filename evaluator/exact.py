"""Every distinct threshold and every closed interval between sample values, without a grid.

A window is the span between two cuts of the pooled order; a half-line is a window that reaches an end. The best
ratio of two counts over all windows is found by Dinkelbach's method (1967): for a trial ratio, the best window of
`gain - ratio * cost` is one running minimum, and the ratio of that window is the next trial. It ends, exactly,
when no window improves: a handful of passes over N values, after one sort.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluator.arrays import Floats, Ints
from evaluator.spec import EPSILON_CAP, Attack
from evaluator.splits import find_cuts

MAX_PASSES = 100


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows of E examples: `inner` must lose a value to them, `outer` must keep one out (if constrained)."""

    inner: Floats  # (E, M + 1) values of the inner pool below each position
    outer: Floats
    last_start: Ints  # (E, M + 1) last start of a window that ends at each position; -1: none
    is_cut: NDArray[np.bool_]
    must_keep_out: bool

    @property
    def sizes(self) -> tuple[float, float]:
        return float(self.inner[0, -1]), float(self.outer[0, -1])

    def take(self, examples: Ints) -> "Windows":
        return Windows(
            self.inner[examples],
            self.outer[examples],
            self.last_start[examples],
            self.is_cut[examples],
            self.must_keep_out,
        )


@dataclass(frozen=True, slots=True)
class BestWindow:
    """Counts inside the best window of each example; a merit of -inf means no window was allowed."""

    merit: Floats
    inner: Floats
    outer: Floats
    is_half_line: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ExactAnswer:
    epsilon: Floats
    lower: Floats
    attack: list[Attack]


Ratio = Callable[[Floats, Floats], Floats]


def compute_exact_epsilons(unlearned: Floats, retrained: Floats, *, delta: float, confidence: float) -> ExactAnswer:
    """Epsilon in [0, 50] and its lower confidence bound for each example of two checked (R, N) pools.

    O(R log R) time and O(R) memory per example. Source: docs/metric.md §7.
    """
    pools = np.ascontiguousarray(unlearned.T), np.ascontiguousarray(retrained.T)
    below = _count_below(*pools)
    estimate = np.zeros(pools[0].shape[0])
    half_line = np.zeros(estimate.size, bool)
    for inner, outer in (below[:2], below[1::-1]):
        windows = _constrain(inner, outer, below[2])
        for answer in (_inner_rate(windows, delta), _outer_rate(windows, delta)):
            half_line = np.where(answer.merit > estimate, answer.is_half_line, half_line)
            estimate = np.maximum(estimate, answer.merit)
    estimate = np.where(_are_separable(*pools), EPSILON_CAP, estimate)
    lower = _bound(below, delta, confidence)
    attacks = [
        Attack.none if value <= 0 else Attack.half_line if line else Attack.interval
        for value, line in zip(estimate, half_line, strict=True)
    ]
    return ExactAnswer(np.minimum(estimate, EPSILON_CAP), np.minimum(lower, estimate), attacks)


def _count_below(unlearned: Floats, retrained: Floats) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    pooled = np.concatenate([unlearned, retrained], axis=1)
    order = np.argsort(pooled, axis=1, kind="stable")
    is_unlearned = order < unlearned.shape[1]
    start = np.zeros((order.shape[0], 1))
    left = np.concatenate([start, np.cumsum(is_unlearned, axis=1)], axis=1)
    right = np.concatenate([start, np.cumsum(~is_unlearned, axis=1)], axis=1)
    previous_cut, _ = find_cuts(np.take_along_axis(pooled, order, axis=1))
    return left, right, previous_cut == np.arange(order.shape[1] + 1)


def _constrain(inner: Floats, outer: Floats, is_cut: NDArray[np.bool_]) -> Windows:
    """Windows with at least one inner value inside and at least one outer value outside."""
    positions = np.arange(inner.shape[1])
    changes = np.concatenate([np.diff(inner, axis=1) > 0, np.zeros((inner.shape[0], 1), bool)], axis=1)
    # Position just before the latest inner value below the end: any start at or before it encloses that value.
    before = np.maximum.accumulate(np.where(changes, positions, -1), axis=1)
    before = np.concatenate([np.full((inner.shape[0], 1), -1), before[:, :-1]], axis=1)
    last_cut = np.maximum.accumulate(np.where(is_cut, positions, 0), axis=1)
    last_start = np.where(before >= 0, np.take_along_axis(last_cut, np.maximum(before, 0), axis=1), -1)
    return Windows(inner, outer, np.where(is_cut, last_start, -1), is_cut, must_keep_out=True)


def _inner_rate(windows: Windows, delta: float) -> BestWindow:
    """Largest ln((1 - delta - FNR) / FPR): outer values inside against inner values inside."""
    inner_size, outer_size = windows.sizes

    def ratio(inner: Floats, outer: Floats) -> Floats:
        return (outer / outer_size - delta) / (inner / inner_size)

    best = _maximise(windows, ratio, lambda trial: (-trial / inner_size, np.full_like(trial, 1 / outer_size)))
    return _as_epsilon(best)


def _outer_rate(windows: Windows, delta: float) -> BestWindow:
    """Largest ln((1 - delta - FPR) / FNR): inner values outside against outer values outside."""
    inner_size, outer_size = windows.sizes

    def ratio(inner: Floats, outer: Floats) -> Floats:
        return (1 - delta - inner / inner_size) / ((outer_size - outer) / outer_size)

    best = _maximise(windows, ratio, lambda trial: (np.full_like(trial, -1 / inner_size), trial / outer_size))
    return _as_epsilon(best)


def _as_epsilon(best: BestWindow) -> BestWindow:
    merit = np.log(np.maximum(best.merit, 1.0))
    return BestWindow(merit, best.inner, best.outer, best.is_half_line)


def _maximise(windows: Windows, ratio: Ratio, weigh: Callable[[Floats], tuple[Floats, Floats]]) -> BestWindow:
    """Dinkelbach on ratio(inner, outer); weigh(trial) are the weights of an inner and of an outer value inside."""
    examples = windows.inner.shape[0]
    merit, inner, outer = np.zeros(examples), np.zeros(examples), np.zeros(examples)
    half_line = np.zeros(examples, bool)
    active = np.arange(examples)
    for _ in range(MAX_PASSES):
        part = windows.take(active)
        found = _find_window(part, *weigh(merit[active]))
        allowed = np.isfinite(found.merit)
        reached = np.full(active.size, -np.inf)
        reached[allowed] = ratio(found.inner[allowed], found.outer[allowed])
        better = reached > merit[active]
        active, kept = active[better], better
        if not active.size:
            break
        merit[active], inner[active], outer[active] = reached[kept], found.inner[kept], found.outer[kept]
        half_line[active] = found.is_half_line[kept]
    return BestWindow(merit, inner, outer, half_line)


def _find_window(windows: Windows, inner_weight: Floats, outer_weight: Floats) -> BestWindow:
    """The window of largest weight, by one running minimum over its starts."""
    height = inner_weight[:, None] * windows.inner + outer_weight[:, None] * windows.outer
    starts = np.where(windows.is_cut, height, np.inf)
    kept_out = np.where(windows.outer >= 1, starts, np.inf)
    at = np.maximum(windows.last_start, 0)
    floor = np.take_along_axis(np.minimum.accumulate(starts, axis=1), at, axis=1)
    if windows.must_keep_out:
        # A window that ends after the last outer value must start after the first one.
        guarded = np.take_along_axis(np.minimum.accumulate(kept_out, axis=1), at, axis=1)
        floor = np.where(windows.outer < windows.outer[:, -1:], floor, guarded)
    weight = np.where(windows.last_start >= 0, height - floor, -np.inf)
    row = np.arange(weight.shape[0])
    stop = weight.argmax(axis=1)
    guard = windows.must_keep_out & (windows.outer[row, stop] >= windows.outer[:, -1])
    reachable = np.arange(weight.shape[1]) <= windows.last_start[row, stop][:, None]
    start = np.where(reachable, np.where(guard[:, None], kept_out, starts), np.inf).argmin(axis=1)
    inner = windows.inner[row, stop] - windows.inner[row, start]
    outer = windows.outer[row, stop] - windows.outer[row, start]
    ends = (start == 0) | (stop == weight.shape[1] - 1)
    return BestWindow(weight[row, stop], inner, outer, ends)


def _are_separable(unlearned: Floats, retrained: Floats) -> NDArray[np.bool_]:
    """Is one pool wholly inside a gap of the other?"""
    left, right = _is_clear_of(unlearned, retrained), _is_clear_of(retrained, unlearned)
    return left | right


def _is_clear_of(values: Floats, others: Floats) -> NDArray[np.bool_]:
    low, high = others.min(axis=1, keepdims=True), others.max(axis=1, keepdims=True)
    clear: NDArray[np.bool_] = ((values < low) | (values > high)).all(axis=1)
    return clear


def _bound(below: tuple[Floats, Floats, NDArray[np.bool_]], delta: float, confidence: float) -> Floats:
    """Lower bound over all windows at once: every mass moves by at most twice the DKW distance (Massart 1990)."""
    error = (1 - confidence) / 2
    bound = np.zeros(below[0].shape[0])
    for inner, outer in (below[:2], below[1::-1]):
        ends = np.where(below[2], np.arange(inner.shape[1]), -1)
        windows = Windows(inner, outer, ends, below[2], must_keep_out=False)
        slack = [2 * np.sqrt(np.log(2 / error) / (2 * size)) for size in windows.sizes]
        for outside in (False, True):
            bound = np.maximum(bound, _bounded_rate(windows, (slack[0], slack[1] + delta), outside).merit)
    return bound


def _bounded_rate(windows: Windows, slack: tuple[float, float], outside: bool) -> BestWindow:
    inner_size, outer_size = windows.sizes
    sign, base = (-1.0, 1.0) if outside else (1.0, 0.0)

    def ratio(inner: Floats, outer: Floats) -> Floats:
        gain = base + sign * outer / outer_size - slack[1]
        return gain / (base + sign * inner / inner_size + slack[0])

    best = _maximise(windows, ratio, lambda trial: (-sign * trial / inner_size, np.full_like(trial, sign / outer_size)))
    return _as_epsilon(best)
