"""The published rule of the NeurIPS 2023 contest: fixed grids of thresholds, judged on all models."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from evaluator.arrays import Floats, Ints
from evaluator.spec import EPSILON_CAP, Attack

GRID_PER_UNIT = 100
BUFFER = 2.0
WINDOWS_PER_END = 400
RANGE_RATIO = 0.01


@dataclass(frozen=True, slots=True)
class RuleAnswer:
    """Epsilon of one example and the attack that reached it."""

    epsilon: float
    attack: Attack


def compute_published_epsilons(unlearned: Floats, retrained: Floats, delta: float) -> tuple[Floats, list[Attack]]:
    """One epsilon in [0, 50] per example of two checked (R, N) pools, by docs/metric.md §3 to §5."""
    answers = [
        answer_example(np.sort(unlearned[:, j]), np.sort(retrained[:, j]), delta) for j in range(unlearned.shape[1])
    ]
    return np.array([a.epsilon for a in answers]), [a.attack for a in answers]


def answer_example(unlearned: Floats, retrained: Floats, delta: float) -> RuleAnswer:
    """The rule for one example, given both samples, (R,) and (R',), in ascending order."""
    if _are_equal(unlearned, retrained):
        return RuleAnswer(0.0, Attack.none)
    positive, negative = _orient(unlearned, retrained)
    ranges = sorted([float(np.ptp(positive)), float(np.ptp(negative))])
    if ranges[1] > 0 and ranges[0] / ranges[1] < RANGE_RATIO:
        return RuleAnswer(EPSILON_CAP, Attack.range_guard)
    half_line = _judge(_count_half_lines(positive, negative), (positive.size, negative.size), delta)
    inside, outside = (negative, positive) if np.ptp(positive) >= np.ptp(negative) else (positive, negative)
    interval = _judge(_count_intervals(inside, outside), (inside.size, outside.size), delta)
    best = max(half_line, interval)
    if best == -np.inf:  # the published code stops here: nothing survives on pools narrower than its grid
        return RuleAnswer(EPSILON_CAP, Attack.below_grid)
    return RuleAnswer(float(best), Attack.half_line if half_line >= interval else Attack.interval)


def _are_equal(unlearned: Floats, retrained: Floats) -> bool:
    """Equal multisets, or constants of one value in pools of different size."""
    is_constant = unlearned[0] == unlearned[-1] and retrained[0] == retrained[-1]
    return np.array_equal(unlearned, retrained) or bool(is_constant and unlearned[0] == retrained[0])


def _orient(unlearned: Floats, retrained: Floats) -> tuple[Floats, Floats]:
    """The pool of the strictly larger median is positive; a tie makes the unlearned pool positive."""
    return (retrained, unlearned) if np.median(retrained) > np.median(unlearned) else (unlearned, retrained)


def _count_half_lines(positive: Floats, negative: Floats) -> tuple[Ints, Ints]:
    low = min(positive[0], negative[0])
    high = max(positive[-1], negative[-1])
    thresholds = np.linspace(low, high, int(np.ceil(GRID_PER_UNIT * (high - low))))
    false_positive = negative.size - np.searchsorted(negative, thresholds, side="left")
    return false_positive, np.searchsorted(positive, thresholds, side="left")


def _count_intervals(inside: Floats, outside: Floats) -> tuple[Ints, Ints]:
    """Errors of every window of the 2023 grid; the operations and their order are the published ones."""
    width = min(np.ptp(inside), np.ptp(outside))
    low = inside[0] + width - BUFFER
    high = inside[-1] + BUFFER
    right = np.linspace(low, high, int(np.ceil(GRID_PER_UNIT * (high - low))))
    left = np.linspace(right - width - BUFFER, right - width + BUFFER, WINDOWS_PER_END)
    return _enclosed(outside, left, right), inside.size - _enclosed(inside, left, right)


def _enclosed(values: Floats, left: Floats, right: Floats) -> Ints:
    enclosed: Ints = np.searchsorted(values, right, side="right") - np.searchsorted(values, left, side="left")
    return np.maximum(enclosed, 0, out=enclosed)


def _judge(errors: tuple[Ints, Ints], sizes: tuple[int, int], delta: float) -> float:
    """Largest epsilon over (false positive, false negative) counts; sizes: of the predicted pool, of the other."""
    false_positive, false_negative = errors
    if false_positive.size == 0:
        return -np.inf
    table = make_epsilon_table(sizes[0], sizes[1], delta)
    return min(float(table[false_positive, false_negative].max()), EPSILON_CAP)


@lru_cache(maxsize=8)
def make_epsilon_table(predicted: int, other: int, delta: float) -> Floats:
    """Epsilon for every pair of counts: row false positives of `other`, column false negatives of `predicted`.

    Returns (other + 1, predicted + 1); -inf marks a discarded pair (exactly one count 0, or no defined value),
    +inf perfect separation.
    """
    positive_rate = np.arange(other + 1)[:, None] / other
    negative_rate = np.arange(predicted + 1)[None, :] / predicted
    with np.errstate(divide="ignore", invalid="ignore"):
        first = np.log(1 - delta - positive_rate) - np.log(negative_rate)
        second = np.log(1 - delta - negative_rate) - np.log(positive_rate)
    table: Floats = np.fmax(first, second)
    table = np.where(np.isnan(table), -np.inf, np.maximum(table, 0.0))
    table[0, :] = -np.inf
    table[:, 0] = -np.inf
    table[0, 0] = np.inf
    table.setflags(write=False)
    return table
