"""The three protocols written from docs/metric.md alone, one example at a time; it imports nothing of the evaluator."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

Array = np.ndarray
MASSES = (0, 1, 2, 3, 4, 6, 8)
EXTRA = {
    "half_line": 2,
    "interval": 8,
    "complement": 8,
    "likelihood_ratio": 2,
    "kernel_density": 2,
    "logistic_regression": 2,
}
DELTA = 1e-5


@dataclass(frozen=True)
class Task:
    """One example with one fold left out, one way round."""

    gain: Array  # training models of the pool that should lie inside
    cost: Array
    gain_held: Array
    cost_held: Array
    everything: Array  # all models of both pools, ascending
    folds: tuple[Array, ...]  # training folds in order: gain, cost, gain, cost, ...
    alpha: float


Found = tuple[float, int, int]  # merit, held-out models of the gain and of the cost pool


def held_out(unlearned: Array, retrained: Array, attacks: tuple[str, ...], features=None, **options) -> Array:
    """Epsilon of every example of two (R, N) pools: §6."""
    alpha, split_seeds = options.get("alpha", 0.05), options.get("split_seeds", 4)
    pools = unlearned, retrained
    count = min(options.get("folds", 5), *map(len, pools))
    drawn = draw_folds(pools, count, split_seeds, options.get("seed", 0))
    answers = []
    for example in range(unlearned.shape[1]):
        logs = []
        for split in range(split_seeds):
            sums = np.zeros(4)
            for fold in range(count):
                sums += choose(pools, features, example, (drawn[0][split], drawn[1][split]), fold, attacks, alpha)
            x, n, y, m = sums
            logs.append(math.log((x + 1) / (n + 2)) - math.log(max((y + 1) / (m + 2), alpha)))
        answers.append(max(np.mean(logs), 0.0))
    return np.array(answers)


def draw_folds(pools, count: int, split_seeds: int, seed: int) -> list[list[Array]]:
    key = sum(sum(int(bits) for bits in (pool + 0.0).view(np.uint64).ravel()) % 2**64 for pool in pools)
    streams = np.random.SeedSequence([seed, key], spawn_key=(0,)), np.random.SeedSequence(seed, spawn_key=(1,))
    generators = [np.random.default_rng(stream) for stream in streams]
    return [
        [generator.permutation(np.arange(len(pool)) % count) for _ in range(split_seeds)]
        for generator, pool in zip(generators, pools, strict=True)
    ]


def choose(pools, features, example: int, folds, fold: int, attacks, alpha: float) -> Array:
    """x, n, y, m of the family of largest merit; of equals the first in the order of the table."""
    best, counts = -math.inf, np.zeros(4)
    for attack in attacks:
        found: tuple[float, int, int, int] = (-math.inf, 0, 0, 0)
        scores = regress(features, example, folds, fold) if attack == "logistic_regression" else None
        for way in (0, 1):
            task = make_task([pool[:, example] for pool in pools], folds, fold, way, alpha)
            merit, x, y = FAMILIES[attack](task) if scores is None else choose_score(scores, folds, fold, way, alpha)
            if merit > found[0]:
                found = (merit, x, y, way)
        if found[0] > best or best == -math.inf:
            best, way = found[0], found[3]
            held = [int((side == fold).sum()) for side in folds]
            counts = np.array([found[1], held[way], found[2], held[1 - way]])
    return counts


def make_task(pools, folds, fold: int, way: int, alpha: float) -> Task:
    gain, cost, of_gain, of_cost = pools[way], pools[1 - way], folds[way], folds[1 - way]
    others = [each for each in range(max(map(max, folds)) + 1) if each != fold]
    parts = tuple(np.sort(pool[side == each]) for each in others for pool, side in ((gain, of_gain), (cost, of_cost)))
    train = gain[of_gain != fold], cost[of_cost != fold]
    held = gain[of_gain == fold], cost[of_cost == fold]
    return Task(*train, *held, np.sort(np.concatenate(pools)), parts, alpha)


# Half-lines, intervals, complements: counts below cuts


def cut_families(task: Task, attack: str) -> Found:
    k, alpha, (n, m) = EXTRA[attack], task.alpha, (task.gain.size, task.cost.size)
    best, counts = (-1.0, 1.0), (0, 0)
    for low, high, is_outside in windows(task, attack):
        inside = [count(pool, low, high, is_outside) for pool in (task.gain, task.cost)]
        top, bottom = inside[0] + k, max(inside[1] + k, alpha * (m + 2 * k))
        if top * best[1] > best[0] * bottom:
            best = top, bottom
            counts = tuple(count(pool, low, high, is_outside) for pool in (task.gain_held, task.cost_held))
    return best[0] / (n + 2 * k) * (m + 2 * k) / best[1], *counts


def windows(task: Task, attack: str) -> Iterator[tuple[tuple[float, bool], tuple[float, bool], bool]]:
    """Cuts are a value and whether models with that value lie below the cut."""
    top = round(2 / task.alpha)
    values = np.sort(task.cost)
    targets = [round(float(level) * values.size) for level in np.linspace(0.0, 1.0, top + 1)]
    early = [(-math.inf, False) if t == 0 else (values[t - 1], True) for t in targets]
    late = [(math.inf, True) if t == values.size else (values[t], False) for t in targets]
    if attack == "half_line":
        for width in range(top + 1):
            yield early[0], late[width], False
            if width < top:
                yield early[top - width], late[top], False
        return
    for mass in (mass for mass in MASSES if mass <= top):
        width = mass if attack == "interval" else top - mass
        for start in range(top + 1 - width):
            pair = (early[start], late[start + width]) if attack == "interval" else (late[start], early[start + width])
            yield *pair, attack == "complement"


def count(pool: Array, low: tuple[float, bool], high: tuple[float, bool], is_outside: bool) -> int:
    below = [int((pool <= value).sum() if with_ties else (pool < value).sum()) for value, with_ties in (low, high)]
    inside = max(below[1] - below[0], 0)
    return pool.size - inside if is_outside else inside


# Level sets of a fitted ratio


def keeps(task: Task) -> list[int]:
    return [min(max(round(task.alpha * level * task.cost.size), 1), task.cost.size) for level in (1.0, 1.5, 2.0)]


def merit_of(x: int, n: int, y: int, m: int, alpha: float) -> float:
    return (x + 2) / (n + 4) / max((y + 2) / (m + 4), alpha)


def likelihood_ratio(task: Task) -> Found:
    centre = task.everything[task.everything.size // 2]
    sums = [np.zeros(3), np.zeros(3)]
    for place, part in enumerate(task.folds):
        of_fold = np.zeros(3)
        for value in part:
            z = value - centre
            of_fold += (1.0, z, z**2)
        sums[place % 2] = sums[place % 2] + of_fold

    def variance(of: Array) -> float:
        return of[2] / of[0] - (of[1] / of[0]) ** 2

    least, square, linear = 1e-8 * variance(sums[0] + sums[1]), 0.0, 0.0
    if least > 0:
        of_gain, of_cost = (max(variance(of), least) for of in sums)
        square = 0.5 / of_cost - 0.5 / of_gain
        linear = sums[0][1] / sums[0][0] / of_gain - sums[1][1] / sums[1][0] / of_cost

    def height(values: Array) -> Array:
        z = values - centre
        return (square * z + linear) * z

    descending, best = np.sort(height(task.cost))[::-1], (0.0, 0, 0)
    for keep in keeps(task):
        x, y, a, b = (
            int((height(pool) >= descending[keep - 1]).sum())
            for pool in (task.gain, task.cost, task.gain_held, task.cost_held)
        )
        merit = merit_of(x, task.gain.size, y, task.cost.size, task.alpha)
        if merit > best[0] * (1 + 1e-12):
            best = (merit, a, b)
    return best


def kernel_density(task: Task) -> Found:
    train = np.sort(np.concatenate([task.gain, task.cost]))
    low, middle, high = (train[part * train.size // 4] for part in (1, 2, 3))
    spread = (high - low) / 1.349
    if spread <= 0:
        spread = np.std(train - middle)
    if spread <= 0:
        return -math.inf, 0, 0
    cells = [
        np.clip(((pool - middle) / (12 * spread) + 0.5) * 256, 0, 255).astype(int)
        for pool in (task.gain, task.cost, task.gain_held, task.cost_held)
    ]
    (over, over_own), (under, under_own) = log_densities(cells[0]), log_densities(cells[1])
    of_gain, of_cost, of_held = over_own - under, over - under_own, over - under
    descending, best = np.sort(of_cost[cells[1]])[::-1], (0.0, 0, 0)
    for keep in keeps(task):
        threshold = descending[keep - 1] - 1e-9
        x, y = int((of_gain[cells[0]] >= threshold).sum()), int((of_cost[cells[1]] >= threshold).sum())
        merit = merit_of(x, task.gain.size, y, task.cost.size, task.alpha)
        if merit > best[0]:
            best = (merit, *(int((of_held[held] >= threshold).sum()) for held in cells[2:]))
    return best


def log_densities(cells: Array) -> tuple[Array, Array]:
    """Of every cell, and as a model in it sees them."""
    size, ascending = cells.size, np.sort(cells)
    quartiles = [ascending[math.ceil(share * size) - 1] for share in (0.25, 0.75)]
    deviation = math.sqrt(((cells - cells.mean()) ** 2).mean())
    if quartiles[1] > quartiles[0]:
        deviation = min(deviation, (quartiles[1] - quartiles[0]) / 1.349)
    width = max(0.9 * deviation * size**-0.2, 1.0)
    distance = np.abs(np.arange(256)[:, None] - cells[None])
    peak = 1 / (width * math.sqrt(2 * math.pi))
    kernels = np.where(distance <= math.floor(4 * width), peak * np.exp(-0.5 * (distance / width) ** 2), 0.0)
    total = kernels.sum(axis=1)
    own = np.maximum(total - peak, 0.0)
    return np.log((total + 1 / 256) / (size + 1)), np.log((own + 1 / 256) / size)


def regress(features, example: int, folds, fold: int) -> Array:
    """Scores of all models, unlearned first: by a fit without their own fold and the one left out."""
    x = np.concatenate([pool[:, example] for pool in features])
    member = np.concatenate(folds)
    label = (np.arange(len(member)) < len(folds[0])).astype(float)
    scores = fit(x, label, member != fold)
    for other in set(member.tolist()) - {fold}:
        scores[member == other] = fit(x, label, (member != fold) & (member != other))[member == other]
    return scores


def fit(x: Array, label: Array, train: Array) -> Array:
    centre, spread = x[train].mean(axis=0), x[train].std(axis=0)
    design = np.column_stack([(x - centre) / np.where(spread > 0, spread, 1.0), np.ones(len(x))])
    ridge, weights = np.array([1.0] * x.shape[1] + [1e-6]), np.zeros(x.shape[1] + 1)
    for _ in range(200):
        chance = 1 / (1 + np.exp(-design[train] @ weights))
        curvature = (design[train] * (chance * (1 - chance))[:, None]).T @ design[train] + np.diag(ridge)
        step = np.linalg.solve(curvature, design[train].T @ (label[train] - chance) - ridge * weights)
        weights = weights + step * min(1.0, 1.0 / np.linalg.norm(step)) if np.linalg.norm(step) > 0 else weights
        if np.abs(step).max() < 1e-12:
            break
    return design @ weights


def choose_score(scores: Array, folds, fold: int, way: int, alpha: float) -> Found:
    member, first = np.concatenate(folds), np.arange(sum(map(len, folds))) < len(folds[0])
    is_gain, toward = first == (way == 0), scores if way == 0 else -scores
    gain, cost, gain_held, cost_held = (
        toward[((member != fold) == trained) & (is_gain == side)] for trained in (True, False) for side in (True, False)
    )
    descending, best = np.sort(cost)[::-1], (-math.inf, 0, 0)
    for level in (1.0, 1.5, 2.0):
        threshold = descending[min(max(round(alpha * level * cost.size), 1), cost.size) - 1]
        x, y = int((gain >= threshold).sum()), int((cost >= threshold).sum())
        merit = merit_of(x, gain.size, y, cost.size, alpha)
        if merit > best[0]:
            best = (merit, int((gain_held >= threshold).sum()), int((cost_held >= threshold).sum()))
    return best


FAMILIES: dict[str, Callable[[Task], Found]] = {
    "half_line": lambda task: cut_families(task, "half_line"),
    "interval": lambda task: cut_families(task, "interval"),
    "complement": lambda task: cut_families(task, "complement"),
    "likelihood_ratio": likelihood_ratio,
    "kernel_density": kernel_density,
}


# The two rules that choose and judge on the same models: §3, §4, §7


def epsilon_of_rates(false_positive: float, false_negative: float) -> float:
    if false_positive == 0 or false_negative == 0:
        return math.inf if false_positive == false_negative else -math.inf
    pairs = ((false_positive, false_negative), (false_negative, false_positive))
    values = [math.log(1 - DELTA - one) - math.log(other) for one, other in pairs if 1 - DELTA - one > 0]
    return max([*values, 0.0]) if values else -math.inf


def exact(unlearned: Array, retrained: Array) -> Array:
    """Every half-line and closed interval between sample values, predicting either pool: §7."""
    answers = []
    for left, right in zip(unlearned.T, retrained.T, strict=True):
        ends = [-math.inf, *sorted({*left.tolist(), *right.tolist()}), math.inf]
        best = 0.0
        for low in ends:
            for high in ends:
                shares = [((pool >= low) & (pool <= high)).mean() for pool in (left, right)]
                best = max(best, *(epsilon_of_rates(shares[1 - side], 1 - shares[side]) for side in (0, 1)))
        answers.append(min(best, 50.0))
    return np.array(answers)


def neurips2023(unlearned: Array, retrained: Array) -> Array:
    """The published grid: §3. 50 where nothing survives, 0 where both pools are one value."""
    answers = []
    for left, right in zip(unlearned.T, retrained.T, strict=True):
        positive, negative = (right, left) if np.median(right) > np.median(left) else (left, right)
        ranges = [float(np.ptp(positive)), float(np.ptp(negative))]
        width = min(ranges)
        if max(ranges) == 0 and left[0] == right[0]:
            answers.append(0.0)
        elif max(ranges) > 0 and width / max(ranges) < 0.01:
            answers.append(50.0)
        else:
            best = max(half_lines(positive, negative), grid_windows(positive, negative, ranges, width))
            answers.append(50.0 if best == -math.inf else min(best, 50.0))
    return np.array(answers)


def half_lines(positive: Array, negative: Array) -> float:
    low, high = min(positive.min(), negative.min()), max(positive.max(), negative.max())
    thresholds = np.linspace(low, high, math.ceil(100 * (high - low)))
    rates = [((negative >= each).mean(), (positive < each).mean()) for each in thresholds]
    return max((epsilon_of_rates(*pair) for pair in set(rates)), default=-math.inf)


def grid_windows(positive: Array, negative: Array, ranges: list[float], width: float) -> float:
    inside, outside = (positive, negative) if ranges[0] < ranges[1] else (negative, positive)
    low, high = inside.min() + width - 2, inside.max() + 2
    rates: set[tuple[float, float]] = set()
    for right in np.linspace(low, high, math.ceil(100 * (high - low))):
        left = np.linspace(right - width - 2, right - width + 2, 400)[:, None]
        wrong = ((outside >= left) & (outside <= right)).mean(axis=1)
        missed = ((inside < left) | (inside > right)).mean(axis=1)
        rates |= set(zip(wrong.tolist(), missed.tolist(), strict=True))
    return max(epsilon_of_rates(*pair) for pair in rates)
