"""Super-level sets of the likelihood ratio of two Gaussians fitted to the training folds.

The log ratio is a parabola of the confidence, so such a set is a half-line, an interval or the complement of one:
walking the sorted values from both ends inward, or from the vertex outward, meets the models in order of their ratio.
"""

import numpy as np

from evaluator.arrays import Floats, Ints
from evaluator.choices import SHRINKAGE, Arrays, Choices, Found, Models
from evaluator.compiled import compiled
from evaluator.ranking import Ranked
from evaluator.spec import Attack
from evaluator.splits import Codes, Folds

# Training mass of the cost pool, in units of alpha; larger sets never tell more of two Gaussians.
RATIO_LEVELS = (1.0, 1.5, 2.0)
LARGER = 1 + 1e-12  # equal fractions may differ in their last digit
LEAST_VARIANCE = 1e-8  # of a pool, as a share of the variance of both together

Rule = tuple[Ints, Ints, float, float]  # training sizes, levels, shrinkage, alpha
Moments = tuple[float, float, float]  # count, sum, sum of squares
Inside = tuple[int, int, int, int]  # training gain and cost, held-out gain and cost


def choose_ratio_regions(ranked: Ranked, folds: Folds, alpha: float) -> Choices:
    """Best level of the fitted ratio, either way round: choices are (E, S, K), examples by split seeds by folds."""
    choices = Choices.nothing(1, (len(ranked.order), folds.split_seeds, folds.count))
    rule = (folds.training_sizes(), count_levels(folds, alpha), SHRINKAGE[Attack.likelihood_ratio], alpha)
    _choose((ranked.order, ranked.ascending, folds.codes()), rule, choices.arrays())
    return choices


def count_levels(folds: Folds, alpha: float) -> Ints:
    """Training models that a region holds at each level, at least one: (P, S, K, L), the P = 2 pools first."""
    sizes = folds.training_sizes()[..., None]
    return np.clip(np.round(alpha * np.array(RATIO_LEVELS) * sizes), 1, sizes).astype(np.int64)


@compiled
def _choose(models: Models, rule: Rule, out: Arrays) -> None:
    order, ascending, codes = models
    sizes, levels, extra, alpha = rule
    values, code = np.empty(order.shape[1]), np.empty(order.shape[1], np.int8)
    for example in range(len(order)):
        # Any fixed point near the values keeps the sums of squares exact enough; the fit does not depend on it.
        centre = ascending[example, code.size // 2]
        for split in range(len(codes)):
            for position in range(code.size):
                values[position] = ascending[example, position] - centre
                code[position] = codes[split, order[example, position]]
            sums = _sum_folds(values, code, sizes.shape[2])
            for way, fold in np.ndindex(2, sizes.shape[2]):
                found = _walk(
                    (values, code),
                    _fit(sums, way, fold),
                    (way, fold, sizes.shape[2]),
                    levels[1 - way, split, fold],
                    (float(sizes[way, split, fold]), float(sizes[1 - way, split, fold])),
                    (extra, alpha),
                )
                if found[0] > out[0][0, example, split, fold]:
                    out[0][0, example, split, fold] = found[0]
                    out[1][0, example, split, fold] = found[1]
                    out[2][0, example, split, fold] = found[2]
                    out[3][0, example, split, fold] = way


@compiled
def _sum_folds(values: Floats, code: Codes, folds: int) -> Floats:
    """Count, sum and sum of squares of every fold of both pools."""
    sums = np.zeros((2 * folds, 3))
    for position in range(code.size):
        at = sums[code[position]]
        at[0] += 1.0
        at[1] += values[position]
        at[2] += values[position] ** 2
    return sums


@compiled
def _fit(sums: Floats, way: int, fold: int) -> tuple[float, float]:
    """Square and linear coefficient of ln(gain / cost) of the Gaussians fitted without the fold."""
    gain, cost = _sum_others(sums, way, fold), _sum_others(sums, 1 - way, fold)
    least = LEAST_VARIANCE * _find_variance((gain[0] + cost[0], gain[1] + cost[1], gain[2] + cost[2]))
    if least <= 0.0:
        return 0.0, 0.0
    of_gain, of_cost = max(_find_variance(gain), least), max(_find_variance(cost), least)
    return 0.5 / of_cost - 0.5 / of_gain, gain[1] / gain[0] / of_gain - cost[1] / cost[0] / of_cost


@compiled
def _sum_others(sums: Floats, pool: int, fold: int) -> Moments:
    """Count, sum and sum of squares of the pool's other folds."""
    count, total, squares, folds = 0.0, 0.0, 0.0, len(sums) // 2
    for other in range(folds):
        if other != fold:
            of_fold = sums[pool * folds + other]
            count, total, squares = count + of_fold[0], total + of_fold[1], squares + of_fold[2]
    return count, total, squares


@compiled
def _find_variance(moments: Moments) -> float:
    return moments[2] / moments[0] - (moments[1] / moments[0]) ** 2


@compiled
def _walk(
    models: tuple[Floats, Codes],
    parabola: tuple[float, float],
    left_out: tuple[int, int, int],
    levels: Ints,
    sides: tuple[float, float],
    shrink: tuple[float, float],
) -> Found:
    """Merit and held-out counts of the best level of the parabola, its models met in descending order of it."""
    values, code = models
    square, linear = parabola
    way, fold, folds = left_out
    of_gain, of_cost = way * folds + fold, (1 - way) * folds + fold
    cost, gain_held, cost_held = 0, 0, 0  # of the models met: in the cost pool, and of either pool in the fold
    step, left, right = 1, 0, code.size - 1
    if square < 0.0:
        step, right = -1, int(np.searchsorted(values, -0.5 * linear / square))
        left = right - 1
    best, level, last = (0.0, 0, 0), 0, np.inf
    from_left, from_right = _score(values, left, parabola), _score(values, right, parabola)
    for met in range(code.size):
        score = max(from_left, from_right)
        if cost - cost_held >= levels[level] and score < last:
            inside = (met - cost - gain_held, cost - cost_held, gain_held, cost_held)
            best = _improve(best, inside, sides, shrink)
            while level < levels.size and levels[level] <= cost - cost_held:
                level += 1
            if level == levels.size:
                return best
        last = score
        if from_left >= from_right:
            taken = code[left]
            left += step
            from_left = _score(values, left, parabola)
        else:
            taken = code[right]
            right -= step
            from_right = _score(values, right, parabola)
        cost += (taken >= folds) == (way == 0)
        gain_held += taken == of_gain
        cost_held += taken == of_cost
    return _improve(best, (code.size - cost - gain_held, cost - cost_held, gain_held, cost_held), sides, shrink)


@compiled
def _score(values: Floats, at: int, parabola: tuple[float, float]) -> float:
    """Height of the parabola over a value; none beyond the last."""
    if at < 0 or at >= values.size:
        return -np.inf
    return float((parabola[0] * values[at] + parabola[1]) * values[at])


@compiled
def _improve(best: Found, inside: Inside, sides: tuple[float, float], shrink: tuple[float, float]) -> Found:
    extra, alpha = shrink
    gain = (inside[0] + extra) / (sides[0] + 2 * extra)
    merit = gain / max((inside[1] + extra) / (sides[1] + 2 * extra), alpha)
    return (merit, inside[2], inside[3]) if merit > best[0] * LARGER else best
