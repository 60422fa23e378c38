"""The best half-line or window over two sorted samples: machine code, one example after the other.

Of windows that predict one pool, the best starts where a gap between values of the other pool starts, and stops
where a gap stops: within a gap, moving an end outwards costs no error. Gaps are three vectors (low, high, below):
predicted values below the start of each gap, predicted values below its stop, other values below it. Over all pairs
of gaps the largest ratio is found by Dinkelbach's method (1967): for a trial ratio, the window of largest
`gain - ratio * cost` takes one running minimum, and the ratio of that window is the next trial. It ends, exactly,
when no window has a larger ratio: a few passes.

A lower bound is no ratio of counts, so all pairs of gaps are looked at, in blocks: a block is passed over where its
most predicted values and fewest others would be worth no more than the best.
"""

import math

import numpy as np

from evaluator.arrays import Floats, Ints
from evaluator.compiled import compiled

Gaps = tuple[Floats, Floats, Floats]
Pair = tuple[float, float]  # of the predicted pool, of the other
Region = tuple[float, float, float, int]  # ratio, errors on the predicted pool and on the other, attack

# By half-line or window, what is added to a bound for so many models inside: of the predicted pool, ln(lower mass -
# delta) and -ln(1 - lower mass); of the other, -ln(upper mass) and ln(1 - upper mass - delta). (2, 4, R + 1).
Worth = Floats

NONE, HALF_LINE, INTERVAL = range(3)
BLOCK = 16
TINY = 1e-12


@compiled
def answer_examples(
    unlearned: Floats, retrained: Floats, delta: float, worths: tuple[Worth, Worth], wants_bound: bool
) -> tuple[Ints, Ints, Floats]:
    """Errors of the best region, its attack and the bound's ratio, from ascending samples as rows, (N, R) and (N, R').

    Errors are (2, N), on unlearned and on retrained models; none: separable. NONE: no region is worth more than 0.
    The bound, (N,), is the largest over windows of what both counts are worth, at least 0.
    """
    examples = unlearned.shape[0]
    errors, attacks, bounds = np.zeros((2, examples), np.int64), np.zeros(examples, np.int64), np.zeros(examples)
    for j in range(examples):
        ranks = _merge(unlearned[j], retrained[j])
        gaps = _find_gaps(unlearned[j], retrained[j], ranks[1]), _find_gaps(retrained[j], unlearned[j], ranks[0])
        region = _find_region(unlearned[j], retrained[j], gaps, delta)
        errors[0, j], errors[1, j], attacks[j] = int(region[1]), int(region[2]), region[3]
        if wants_bound:
            best = _raise_bound(gaps[0], (unlearned.shape[1], retrained.shape[1]), worths, 0.0)
            bounds[j] = _raise_bound(gaps[1], (retrained.shape[1], unlearned.shape[1]), (worths[1], worths[0]), best)
    return errors, attacks, bounds


@compiled
def _find_region(left: Floats, right: Floats, gaps: tuple[Gaps, Gaps], delta: float) -> Region:
    attack = max(_find_separation(gaps[0], left.size), _find_separation(gaps[1], right.size))
    if attack != NONE:
        return math.inf, 0.0, 0.0, attack
    sizes, swapped = (float(left.size), float(right.size)), (float(right.size), float(left.size))
    without_first, without_last = _leave_one_out(gaps[0], left)
    best = _find_half_line(without_first, without_last, sizes, delta)
    for family in (without_first, without_last):
        best = _improve(family, sizes, delta, best)
    best = (best[0], best[2], best[1], best[3])
    for family in _leave_one_out(gaps[1], right):
        best = _improve(family, swapped, delta, best)
    return best[0], best[2], best[1], best[3]


@compiled
def _raise_bound(gaps: Gaps, sizes: tuple[int, int], worths: tuple[Worth, Worth], best: float) -> float:
    """`best`, or what the best half-line or window over these gaps is worth."""
    low, high, below = gaps
    half_lines, windows = (worths[0][0], worths[1][0]), (worths[0][1], worths[1][1])
    for k in range(low.size):
        best = max(best, _weigh(half_lines, int(high[k]), int(below[k])))
        best = max(best, _weigh(half_lines, sizes[0] - int(low[k]), sizes[1] - int(below[k])))
    for first in range(0, low.size, BLOCK):
        end = min(first + BLOCK, low.size)
        for later in range(first, low.size, BLOCK):
            stop = min(later + BLOCK, low.size)
            most, fewest = high[stop - 1] - low[first], max(below[later] - below[end - 1], 0.0)
            if _weigh(windows, int(most), int(fewest)) > best:
                best = _search_block(gaps, (first, end, later, stop), windows, best)
    return best


@compiled
def _search_block(gaps: Gaps, block: tuple[int, int, int, int], windows: tuple[Floats, Floats], best: float) -> float:
    low, high, below = gaps
    first, end, later, stop = block
    for start in range(first, end):
        for k in range(max(start, later), stop):
            best = max(best, _weigh(windows, int(high[k] - low[start]), int(below[k] - below[start])))
    return best


@compiled
def _weigh(worths: tuple[Floats, Floats], inside: int, wrong: int) -> float:
    """A bound of ln(mass of the predicted pool inside / of the other), or of the other outside / of the predicted."""
    of_inside = worths[0][0, inside] + worths[1][2, wrong]
    return float(max(of_inside, worths[0][1, inside] + worths[1][3, wrong]))


@compiled
def _merge(left: Floats, right: Floats) -> tuple[Ints, Ints]:
    """Each value's rank in the other ascending sample; which of equal values comes first does not matter."""
    left_ranks, right_ranks = np.empty(left.size, np.int64), np.empty(right.size, np.int64)
    i, j = 0, 0
    while i < left.size and j < right.size:
        is_left = left[i] < right[j]  # counted, not branched on: no processor foresees which sample is next
        left_ranks[i], right_ranks[j] = j, i
        i += is_left
        j += 1 - is_left
    left_ranks[i:], right_ranks[j:] = j, i
    return left_ranks, right_ranks


@compiled
def _find_gaps(values: Floats, others: Floats, ranks: Ints) -> Gaps:
    """The gaps before, between and after the distinct `others`, whose ranks in the ascending values are given."""
    low, high, below = np.empty(others.size + 1), np.empty(others.size + 1), np.empty(others.size + 1)
    low[0], count, passed = 0.0, 0, 0
    while passed < others.size:
        other, start, stop = others[passed], ranks[passed], ranks[passed]
        while start > 0 and values[start - 1] == other:
            start -= 1
        while stop < values.size and values[stop] == other:
            stop += 1
        high[count], below[count], low[count + 1] = start, passed, stop
        count += 1
        while passed < others.size and others[passed] == other:
            passed += 1
    high[count], below[count] = values.size, others.size
    return low[: count + 1], high[: count + 1], below[: count + 1]


@compiled
def _find_separation(gaps: Gaps, size: int) -> int:
    """The attack that separates the pools, if one gap holds all predicted values."""
    low, high = gaps[0], gaps[1]
    for k in range(low.size):
        if high[k] - low[k] == size:
            return HALF_LINE if k in (0, low.size - 1) else INTERVAL
    return NONE


@compiled
def _leave_one_out(gaps: Gaps, values: Floats) -> tuple[Gaps, Gaps]:
    """A window without an error on `values` is discarded: any other leaves out the first value, or the last."""
    low, high, below = gaps
    least = np.searchsorted(values, values[0], side="right")
    most = np.searchsorted(values, values[-1], side="left")
    start = np.searchsorted(high, 0.0, side="right")
    stop = np.searchsorted(low, float(values.size), side="left")
    raised, lowered = low[start:].copy(), high[:stop].copy()
    raised[0], lowered[-1] = max(raised[0], least), min(lowered[-1], most)
    return (raised, high[start:], below[start:]), (low[:stop], lowered, below[:stop])


@compiled
def _ratio(left_rate: float, right_rate: float, delta: float) -> float:
    return max((1 - delta - left_rate) / right_rate, (1 - delta - right_rate) / left_rate)


@compiled
def _find_half_line(without_first: Gaps, without_last: Gaps, sizes: Pair, delta: float) -> Region:
    """The best half-line with an error on each pool: below the stop of a gap, or above the start of one."""
    low, high, below = without_first[0], without_last[1], without_last[2]
    best = _find_best_pair(sizes[0] - high, below, sizes, delta, (1.0, 0.0, 0.0, NONE))
    return _find_best_pair(low, sizes[1] - without_first[2], sizes, delta, best)


@compiled
def _find_best_pair(missed: Floats, wrong: Floats, sizes: Pair, delta: float, best: Region) -> Region:
    units = 1 / sizes[0], 1 / sizes[1]
    for k in range(missed.size):
        left, right = missed[k] * units[0], wrong[k] * units[1]
        gain = max(1 - delta - left - best[0] * right, 1 - delta - right - best[0] * left)
        if gain > -TINY and left > 0 and right > 0:  # only then divide
            ratio = _ratio(missed[k] / sizes[0], wrong[k] / sizes[1], delta)
            if ratio > best[0]:
                best = (ratio, missed[k], wrong[k], HALF_LINE)
    return best


@compiled
def _improve(gaps: Gaps, sizes: Pair, delta: float, best: Region) -> Region:
    """`best`, or a window over the gaps of larger ratio; it spans at least one value of the other pool."""
    low, high, below = gaps
    if low.size <= 1:
        return best
    for is_inside in (True, False):
        while True:
            weights = (1 / sizes[0], best[0] / sizes[1]) if is_inside else (best[0] / sizes[0], 1 / sizes[1])
            start, stop = _find_heaviest(gaps, weights)
            missed, wrong = sizes[0] - (high[stop] - low[start]), below[stop] - below[start]
            ratio = _ratio(missed / sizes[0], wrong / sizes[1], delta)
            if ratio <= best[0]:
                break
            best = (ratio, missed, wrong, INTERVAL)
    return best


@compiled
def _find_heaviest(gaps: Gaps, weights: Pair) -> tuple[int, int]:
    """The window of largest gain minus cost, by one running minimum over its starts."""
    low, high, below = gaps
    floor, at, top, start, stop = math.inf, 0, -math.inf, 0, 0
    for k in range(1, low.size):
        height = weights[0] * low[k - 1] - weights[1] * below[k - 1]
        if height < floor:
            floor, at = height, k - 1
        weight = weights[0] * high[k] - weights[1] * below[k] - floor
        if weight > top:
            top, start, stop = weight, at, k
    return start, stop
