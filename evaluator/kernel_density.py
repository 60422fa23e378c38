"""Super-level sets of the ratio of two kernel densities fitted to the training folds.

Densities live on a grid of cells over the middle of the training values. Each training model is judged by the
densities without itself, so that a narrow kernel does not win by remembering where the models lie.
"""

import numpy as np
from numpy.typing import NDArray

from evaluator.arrays import Floats, Ints
from evaluator.choices import SHRINKAGE, Arrays, Choices, Found, Models
from evaluator.compiled import compiled
from evaluator.likelihood_ratio import count_levels
from evaluator.ranking import Ranked
from evaluator.spec import Attack
from evaluator.splits import Codes, Folds

CELLS = 256
REACH = 6.0  # the grid's half-width in robust standard deviations; what lies beyond counts as in the outermost cell
CUTOFF = 4.0  # bandwidths after which a kernel is 0
SLACK = 1e-9  # of a log ratio: equal but for the last digits
QUARTILES_TO_SD = 1.349

Cells = NDArray[np.int16]
Rule = tuple[Ints, float, float]  # levels, shrinkage, alpha


def choose_density_regions(ranked: Ranked, folds: Folds, alpha: float) -> Choices:
    """Best level of the density ratio, per (example, split seed, fold), either way round.

    Source: bandwidth by Silverman's rule of thumb (1986); docs/metric.md §6.
    """
    choices = Choices.nothing(1, (len(ranked.order), folds.split_seeds, folds.count))
    rule = (count_levels(folds, alpha), SHRINKAGE[Attack.kernel_density], alpha)
    _choose((ranked.order, ranked.ascending, folds.codes()), rule, choices.arrays())
    return choices


@compiled
def _choose(models: Models, rule: Rule, out: Arrays) -> None:
    order, ascending, codes = models
    levels, extra, alpha = rule
    folds = levels.shape[2]
    code, cells = np.empty(order.shape[1], np.int8), np.empty(order.shape[1], np.int16)
    for example in range(len(order)):
        for split in range(len(codes)):
            for position in range(code.size):
                code[position] = codes[split, order[example, position]]
            for fold in range(folds):
                spread = _place(ascending[example], code, (fold, folds), cells)
                if spread == 0.0:
                    continue
                counts = _count_cells(cells, code, (fold, folds))
                densities = _smooth(counts[0], spread)
                for way in range(2):
                    target = levels[1 - way, split, fold]
                    found = _search(
                        counts[:, way], counts[:, 1 - way], densities[way], densities[1 - way], target, (extra, alpha)
                    )
                    if found[0] > out[0][0, example, split, fold]:
                        out[0][0, example, split, fold] = found[0]
                        out[1][0, example, split, fold] = found[1]
                        out[2][0, example, split, fold] = found[2]
                        out[3][0, example, split, fold] = way


@compiled
def _place(values: Floats, code: Codes, left_out: tuple[int, int], cells: Cells) -> float:
    """Cell of every value, and the training values' spread, 0 if they are all equal."""
    fold, folds = left_out
    train, size = np.empty(values.size), 0
    for position in range(values.size):
        train[size] = values[position]
        size += code[position] != fold and code[position] != fold + folds
    low, middle, high = train[size // 4], train[size // 2], train[(3 * size) // 4]
    spread = (high - low) / QUARTILES_TO_SD
    if spread <= 0.0:
        spread = np.std(train[:size] - middle)
    if spread > 0.0:
        for position in range(values.size):
            place = ((values[position] - middle) / (spread * 2 * REACH) + 0.5) * CELLS
            cells[position] = int(min(max(place, 0.0), CELLS - 1.0))
    return float(spread)


@compiled
def _count_cells(cells: Cells, code: Codes, left_out: tuple[int, int]) -> Floats:
    """(training or held out, pool, cell) models."""
    fold, folds = left_out
    counts = np.zeros((2, 2, CELLS))
    for position in range(code.size):
        pool = 1 if code[position] >= folds else 0
        held = 1 if code[position] - pool * folds == fold else 0
        counts[held, pool, cells[position]] += 1.0
    return counts


@compiled
def _smooth(counts: Floats, spread: float) -> Floats:
    """(pool, all or all but one of the cell's own, cell) log densities per cell width."""
    densities = np.empty((2, 2, CELLS))
    for pool in range(2):
        size = counts[pool].sum()
        width = _find_bandwidth(counts[pool], size)
        weights = np.exp(-0.5 * (np.arange(int(CUTOFF * width) + 1) / width) ** 2) / (width * np.sqrt(2 * np.pi))
        total = np.zeros(CELLS)
        for cell in np.nonzero(counts[pool])[0]:
            for other in range(max(cell - weights.size + 1, 0), min(cell + weights.size, CELLS)):
                total[other] += counts[pool, cell] * weights[abs(other - cell)]
        # One more model, spread evenly over the grid, keeps the ratio defined where neither pool has any.
        densities[pool, 0] = (total + 1.0 / CELLS) / (size + 1.0)
        densities[pool, 1] = (np.maximum(total - weights[0], 0.0) + 1.0 / CELLS) / size
    return np.log(densities)


@compiled
def _find_bandwidth(counts: Floats, size: float) -> float:
    """0.9 min(standard deviation, quartile range / 1.349) n^(-1/5), in cells, at least one."""
    places = np.arange(CELLS)
    mean = (counts * places).sum() / size
    deviation = np.sqrt((counts * (places - mean) ** 2).sum() / size)
    below = np.cumsum(counts)
    quartiles = np.searchsorted(below, 0.75 * size) - np.searchsorted(below, 0.25 * size)
    if quartiles > 0:
        deviation = min(deviation, quartiles / QUARTILES_TO_SD)
    return float(max(0.9 * deviation * size**-0.2, 1.0))


@compiled
def _search(
    gain: Floats, cost: Floats, over: Floats, under: Floats, levels: Ints, shrink: tuple[float, float]
) -> Found:
    """Best level of the log ratio over - under of the gain and the cost pool; gain, cost: (training or held, cell).

    over, under: (all, or all but one of the cell's own, cell) log densities. Cells join in descending order of the
    ratio that their own cost models see, until they hold the level's mass.
    """
    extra, alpha = shrink
    seen = np.where(cost[0] > 0, over[0] - under[1], -np.inf)
    best, reached, threshold = (0.0, 0, 0), 0.0, 0.0
    for level in levels:
        while reached < level:
            cell = int(np.argmax(seen))
            threshold = seen[cell] - SLACK
            reached += cost[0, cell]
            seen[cell] = -np.inf
        inside, lost, inside_held, lost_held = 0.0, 0.0, 0.0, 0.0
        for cell in range(CELLS):
            inside += gain[0, cell] * (over[1, cell] - under[0, cell] >= threshold)
            lost += cost[0, cell] * (over[0, cell] - under[1, cell] >= threshold)
            chosen = over[0, cell] - under[0, cell] >= threshold
            inside_held += gain[1, cell] * chosen
            lost_held += cost[1, cell] * chosen
        share = (inside + extra) / (gain[0].sum() + 2 * extra)
        merit = share / max((lost + extra) / (cost[0].sum() + 2 * extra), alpha)
        if merit > best[0]:
            best = (merit, int(inside_held), int(lost_held))
    return best
