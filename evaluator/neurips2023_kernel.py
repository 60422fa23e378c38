"""The grids of 2023, searched instead of compared: machine code over one pair of sorted samples after the other.

A sample travels as (values, log_rate, log_rest): its ascending values and, by number of errors k, ln(k / R) and
ln(1 - delta - k / R); at k = 0 these are inf and -inf, so that a pair with one count of 0 is worth -inf: discarded.
Every threshold is computed by the operations of numpy.linspace, in their order, so that none moves by a rounding.
"""

import math

import numpy as np

from evaluator.arrays import Floats, Ints
from evaluator.compiled import compiled

Sample = tuple[Floats, Floats, Floats]
Rows = tuple[Floats, Floats, Floats, Floats]  # of each right end: itself, its first and last left end, their step

GRID_PER_UNIT = 100
BUFFER = 2.0
LEFT_ENDS = 400
RANGE_RATIO = 0.01
BLOCK = 8  # right ends by left ends that are dismissed together

NONE, RANGE_GUARD, HALF_LINE, INTERVAL, BELOW_GRID = range(5)


@compiled
def answer_examples(
    unlearned: Floats, retrained: Floats, unlearned_logs: Floats, retrained_logs: Floats
) -> tuple[Floats, Ints]:
    """Epsilon (inf: separable, -inf: nothing survives) and attack, (N,) each, of N examples.

    unlearned, retrained: (N, R) and (N, R') ascending samples as rows; logs: (2, R + 1), as the module says.
    """
    examples = unlearned.shape[0]
    epsilons, attacks = np.empty(examples), np.empty(examples, np.int64)
    for j in range(examples):
        left = (unlearned[j], unlearned_logs[0], unlearned_logs[1])
        right = (retrained[j], retrained_logs[0], retrained_logs[1])
        epsilons[j], attacks[j] = _answer(left, right)
    return epsilons, attacks


@compiled
def _answer(unlearned: Sample, retrained: Sample) -> tuple[float, int]:
    left, right = unlearned[0], retrained[0]
    if _are_equal(left, right):
        return 0.0, NONE
    narrow, wide = min(_range(left), _range(right)), max(_range(left), _range(right))
    if wide > 0 and narrow / wide < RANGE_RATIO:
        return math.inf, RANGE_GUARD
    positive, negative = (retrained, unlearned) if _median(right) > _median(left) else (unlearned, retrained)
    half_line = _best_half_line(positive, negative)
    if _range(positive[0]) >= _range(negative[0]):
        best = _best_interval(negative, positive, half_line)
    else:
        best = _best_interval(positive, negative, half_line)
    if best == -math.inf:
        return best, BELOW_GRID
    return max(best, 0.0), HALF_LINE if best == half_line else INTERVAL


@compiled
def _are_equal(left: Floats, right: Floats) -> bool:
    """Equal multisets, or constants of one value in pools of different size."""
    if left[0] == left[-1] and right[0] == right[-1]:
        return bool(left[0] == right[0])
    return left.size == right.size and bool(np.all(left == right))


@compiled
def _range(values: Floats) -> float:
    return float(values[-1] - values[0])


@compiled
def _median(values: Floats) -> float:
    half = values.size // 2
    return float(values[half] if values.size % 2 else (values[half - 1] + values[half]) / 2)


@compiled
def _score(left: Sample, left_errors: int, right: Sample, right_errors: int) -> float:
    """Epsilon of a pair of error counts, before it is clipped: docs/metric.md §4."""
    if left_errors + right_errors == 0:
        return math.inf
    first, second = right[2][right_errors] - left[1][left_errors], left[2][left_errors] - right[1][right_errors]
    return float(max(first, second))


@compiled
def _best_half_line(positive: Sample, negative: Sample) -> float:
    """Largest epsilon over thresholds; the ones between two neighbouring values are the same attack, and skipped."""
    values, others = positive[0], negative[0]
    low, high = min(values[0], others[0]), max(values[-1], others[-1])
    count = math.ceil(GRID_PER_UNIT * (high - low))
    step = (high - low) / (count - 1) if count > 1 else 0.0
    best, k, missed, below = -math.inf, 0, 0, 0
    while k < count:
        threshold = high if 0 < k == count - 1 else k * step + low
        while missed < values.size and values[missed] < threshold:
            missed += 1
        while below < others.size and others[below] < threshold:
            below += 1
        best = max(best, _score(positive, missed, negative, others.size - below))
        following = min(
            values[missed] if missed < values.size else math.inf, others[below] if below < others.size else math.inf
        )
        k = max(k + 1, int((min(following, high) - low) / step) - 1) if count > 1 else count
    return best if best == -math.inf else max(best, 0.0)


@compiled
def _best_interval(inside: Sample, outside: Sample, best: float) -> float:
    """Largest epsilon over windows that predict `inside`, or `best` if none is larger."""
    rows = _make_rows(inside[0], min(_range(inside[0]), _range(outside[0])))
    upper = _count_up_to(inside[0], rows[0]), _count_up_to(outside[0], rows[0])
    lower = _count_by_cell(inside[0], rows), _count_by_cell(outside[0], rows)
    for row in range(0, rows[0].size, BLOCK):
        row_stop = min(row + BLOCK, rows[0].size)
        for column in range(0, LEFT_ENDS, BLOCK):
            column_stop = min(column + BLOCK, LEFT_ENDS)
            first, last = _cell(rows, row, column), _cell(rows, row_stop - 1, column_stop - 1) + 3
            missed = inside[0].size - max(upper[0][row_stop - 1] - lower[0][first], 0)
            wrong = max(upper[1][row] - lower[1][last], 0)
            if missed + wrong == 0 or _score(inside, max(missed, 1), outside, max(wrong, 1)) > best:
                block = (row, row_stop, column, column_stop)
                best = _search_block(inside, outside, rows, upper, lower, block, best)
    return best


@compiled
def _make_rows(values: Floats, width: float) -> Rows:
    low, high = values[0] + width - BUFFER, values[-1] + BUFFER
    count = math.ceil(GRID_PER_UNIT * (high - low))
    right = np.arange(count) * ((high - low) / (count - 1)) + low
    right[-1] = high
    first, last = right - width - BUFFER, right - width + BUFFER
    return right, first, last, (last - first) / (LEFT_ENDS - 1)


@compiled
def _left_end(rows: Rows, row: int, column: int) -> float:
    return float(rows[2][row] if column == LEFT_ENDS - 1 else column * rows[3][row] + rows[1][row])


@compiled
def _count_up_to(values: Floats, edges: Floats) -> Ints:
    """Values at or below each of the ascending edges."""
    counts, count = np.empty(edges.size, np.int64), 0
    for k in range(edges.size):
        while count < values.size and values[count] <= edges[k]:
            count += 1
        counts[k] = count
    return counts


@compiled
def _cell(rows: Rows, row: int, column: int) -> int:
    """A cell of width 1 / GRID_PER_UNIT that starts surely below a left end; three further, one starts above it."""
    return int((_left_end(rows, row, column) - rows[1][0]) * GRID_PER_UNIT) + 1


@compiled
def _count_by_cell(values: Floats, rows: Rows) -> Ints:
    """Values below the start of each cell; the first two start below every left end."""
    cells = _cell(rows, rows[0].size - 1, LEFT_ENDS - 1) + 4
    counts, count = np.empty(cells, np.int64), 0
    for k in range(cells):
        start = rows[1][0] + (k - 2) / GRID_PER_UNIT
        while count < values.size and values[count] < start:
            count += 1
        counts[k] = count
    return counts


@compiled
def _search_block(
    inside: Sample,
    outside: Sample,
    rows: Rows,
    upper: tuple[Ints, Ints],
    lower: tuple[Ints, Ints],
    block: tuple[int, int, int, int],
    best: float,
) -> float:
    """Every window of a block; along a row of it left ends ascend, so the pointers only move forward."""
    values, others = inside[0], outside[0]
    for row in range(block[0], block[1]):
        cell = _cell(rows, row, block[2])
        below, others_below = lower[0][cell], lower[1][cell]
        for column in range(block[2], block[3]):
            left = _left_end(rows, row, column)
            while below < values.size and values[below] < left:
                below += 1
            while others_below < others.size and others[others_below] < left:
                others_below += 1
            missed = values.size - max(upper[0][row] - below, 0)
            best = max(best, _score(inside, missed, outside, max(upper[1][row] - others_below, 0)))
    return best
