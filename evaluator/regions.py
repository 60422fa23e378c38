"""Half-lines, intervals and complements of intervals, chosen on training folds and counted on the fold left out.

Every choice is made per (example, split seed, fold), both ways round: the gain pool should have much mass inside the
region, the cost pool little. All regions lie between cuts at multiples of alpha / 2 of the cost pool's training mass.
"""

import numpy as np
from numpy.typing import NDArray

from evaluator.arrays import Floats, Ints
from evaluator.choices import SHRINKAGE, Arrays, Choices, Found, Models
from evaluator.compiled import compiled
from evaluator.ranking import Ranked
from evaluator.spec import Attack
from evaluator.splits import Codes, Folds

CUT_FAMILIES = (Attack.half_line, Attack.interval, Attack.complement)
HALF_LINE, COMPLEMENT = 0, 2
LEVELS_PER_FLOOR = 2
# Mass of intervals and complements in levels. A larger one always holds one of these that tells at least as much.
MASSES = (0, 1, 2, 3, 4, 6, 8)
LANES = 16  # counts are padded to whole vectors

Counts = NDArray[np.int32]
Rule = tuple[Ints, Floats, Ints, Floats, float]  # targets by level, training sizes, masses, shrinkage, alpha


def choose_cut_regions(ranked: Ranked, folds: Folds, alpha: float) -> Choices:
    """Best half-line, interval and complement, each alone: three families in the order of CUT_FAMILIES."""
    sizes = folds.training_sizes()
    levels = np.linspace(0.0, 1.0, round(LEVELS_PER_FLOOR / alpha) + 1)
    targets = np.round(levels * sizes[..., None]).astype(np.int64)
    masses = np.array([mass for mass in MASSES if mass < levels.size])
    shrinkage = np.array([SHRINKAGE[attack] for attack in CUT_FAMILIES])
    choices = Choices.nothing(len(CUT_FAMILIES), (len(ranked.order), folds.split_seeds, folds.count))
    rule = (targets, sizes.astype(np.float64), masses, shrinkage, alpha)
    _choose((ranked.order, ranked.ascending, folds.codes()), rule, choices.arrays())
    return choices


@compiled
def _choose(models: Models, rule: Rule, out: Arrays) -> None:
    order, ascending, codes = models
    targets, sizes, masses, shrinkage, alpha = rule
    folds, size = targets.shape[2], order.shape[1]
    steps = _make_steps(folds)
    places, below = np.empty((2, size + 1), np.int32), np.empty((size + 1, steps.shape[1]), np.int32)
    trained, cuts = np.empty((2, folds, size), np.int32), np.empty((2, 4, targets.shape[3]))
    code = np.empty(size, np.int8)
    for example in range(len(order)):
        _find_cuts(ascending[example], places)
        for split in range(len(codes)):
            for position in range(size):
                code[position] = codes[split, order[example, position]]
            _count_below(code, steps, below)
            _find_trained(code, trained)
            for way, fold in np.ndindex(2, folds):
                cost = 1 - way
                _read_levels(below, places, trained[cost, fold], targets[cost, split, fold], (cost, fold, folds), cuts)
                sides = (sizes[way, split, fold], sizes[cost, split, fold])
                for family in range(shrinkage.size):
                    found = _search(cuts, family, masses, sides, (shrinkage[family], alpha))
                    if found[0] > out[0][family, example, split, fold]:
                        out[0][family, example, split, fold] = found[0]
                        out[1][family, example, split, fold] = found[1]
                        out[2][family, example, split, fold] = found[2]
                        out[3][family, example, split, fold] = way


@compiled
def _find_cuts(values: Floats, cuts: Counts) -> None:
    """Position p stands for the p smallest values; the nearest before and after each where the value changes."""
    size = values.size
    cuts[0, 0], cuts[1, size] = 0, size
    for position in range(1, size + 1):
        tied = position < size and values[position] == values[position - 1]
        cuts[0, position] = cuts[0, position - 1] if tied else position
    for position in range(size - 1, -1, -1):
        cuts[1, position] = position if cuts[0, position] == position else cuts[1, position + 1]


@compiled
def _make_steps(folds: int) -> Counts:
    """What one model of each code adds to the counts of every fold of either pool, and to those of each pool."""
    steps = np.zeros((2 * folds, -(-(2 * folds + 2) // LANES) * LANES), np.int32)
    for code in range(2 * folds):
        steps[code, code] = steps[code, 2 * folds + code // folds] = 1
    return steps


@compiled
def _count_below(code: Codes, steps: Counts, below: Counts) -> None:
    """Models below every position, (position, count): one vector sum from each to the next."""
    below[0] = 0
    counts = below.shape[1]
    for position in range(code.size):
        before, after, step = below[position], below[position + 1], steps[code[position]]
        for count in range(counts):
            after[count] = before[count] + step[count]


@compiled
def _find_trained(code: Codes, trained: Counts) -> None:
    """Positions of the models of each pool outside each fold, in ascending order."""
    folds = trained.shape[1]
    members, fold_of = np.empty(code.size, np.int32), np.empty(code.size, np.int8)
    for pool in range(2):
        size = 0
        for position in range(code.size):
            members[size], fold_of[size] = position, code[position] - pool * folds
            size += (code[position] >= folds) == (pool == 1)
        for fold in range(folds):
            row, found = trained[pool, fold], 0
            for member in range(size):
                row[found] = members[member]
                found += fold_of[member] != fold


@compiled
def _read_levels(
    below: Counts, places: Counts, trained: Counts, targets: Ints, left_out: tuple[int, int, int], cuts: Floats
) -> None:
    """Counts at the early and the late cut of every level: training gain and cost, held-out gain and cost.

    The early cut is the first with at least the level below it, the late one the last with at most the level: a
    region between an early and a late cut holds as much of the gain pool as its cost allows.
    """
    pool, fold, folds = left_out  # the cost pool comes first
    columns = (2 * folds + 1 - pool, 2 * folds + pool, (1 - pool) * folds + fold, pool * folds + fold)
    for level in range(targets.size):
        target = targets[level]
        early = places[1, trained[target - 1] + 1] if target > 0 else 0
        late = places[0, trained[target]] if target < targets[-1] else places.shape[1] - 1
        _read_counts(below[early], columns, cuts[0], level)
        _read_counts(below[late], columns, cuts[1], level)


@compiled
def _read_counts(row: Counts, columns: tuple[int, int, int, int], counts: Floats, level: int) -> None:
    gain_pool, cost_pool, gain_fold, cost_fold = columns
    counts[0, level] = row[gain_pool] - row[gain_fold]
    counts[1, level] = row[cost_pool] - row[cost_fold]
    counts[2, level] = row[gain_fold]
    counts[3, level] = row[cost_fold]


@compiled
def _search(cuts: Floats, family: int, masses: Ints, sides: tuple[float, float], shrink: tuple[float, float]) -> Found:
    """Merit and held-out counts of the best region of one family; cuts: (early or late, count, level).

    Fractions are compared by cross-multiplying; the first of equal regions is kept.
    """
    extra, alpha = shrink
    outside = family == COMPLEMENT
    low, high = (cuts[1], cuts[0]) if outside else (cuts[0], cuts[1])
    last = cuts.shape[2] - 1
    least = alpha * (sides[1] + 2 * extra)
    best_gain, best_cost, best_start, best_stop = -1.0, 1.0, 0, 0
    for index in range(last + 1 if family == HALF_LINE else masses.size):
        width = index if family == HALF_LINE else last - masses[index] if outside else masses[index]
        # A half-line reaches one end: its window starts at the first cut or stops at the last.
        for start in range(0, last + 1 - width, max(last - width, 1) if family == HALF_LINE else 1):
            gain, cost = high[0, start + width] - low[0, start], high[1, start + width] - low[1, start]
            gain, cost = max(gain, 0.0), max(cost, 0.0)
            if outside:
                gain, cost = sides[0] - gain, sides[1] - cost
            gain, cost = gain + extra, max(cost + extra, least)
            if gain * best_cost > best_gain * cost:
                best_gain, best_cost, best_start, best_stop = gain, cost, start, start + width
    merit = best_gain / (sides[0] + 2 * extra) * (sides[1] + 2 * extra) / best_cost
    gain_held = max(high[2, best_stop] - low[2, best_start], 0.0)
    cost_held = max(high[3, best_stop] - low[3, best_start], 0.0)
    if outside:
        gain_held, cost_held = cuts[1, 2, last] - gain_held, cuts[1, 3, last] - cost_held
    return merit, int(gain_held), int(cost_held)
