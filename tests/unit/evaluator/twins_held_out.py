"""Slow, obvious versions of the families of held_out: explicit regions, one example and one fold at a time."""

import math
from collections.abc import Callable, Iterator

import numpy as np
from sklearn.linear_model import LogisticRegression

from evaluator.choices import SHRINKAGE
from evaluator.splits import Folds

Region = Callable[[np.ndarray], np.ndarray]
Choice = tuple[float, int, int, int]
WIDTHS = (0, 1, 2, 3, 4, 6, 8)
RATIO_LEVELS = (1.0, 1.5, 2.0)


def split_folds(pool: np.ndarray, folds: np.ndarray, fold: int) -> tuple[np.ndarray, np.ndarray]:
    return pool[folds != fold], pool[folds == fold]


def choose(unlearned: np.ndarray, retrained: np.ndarray, folds: Folds, alpha: float, attack: str) -> list[Choice]:
    """Merit, held-out gain and cost and the way round, per split seed and fold in turn."""
    answers = []
    for split, fold in np.ndindex(folds.split_seeds, folds.count):
        parts = (
            split_folds(unlearned, folds.unlearned[split], fold),
            split_folds(retrained, folds.retrained[split], fold),
        )
        best: Choice = (-math.inf, 0, 0, 0)
        for way in (0, 1):
            (gain, gain_held), (cost, cost_held) = parts[way], parts[1 - way]
            for region in FAMILIES[attack](gain, cost, alpha):
                merit = compute_merit(region(gain).sum(), gain.size, region(cost).sum(), cost.size, attack, alpha)
                if merit > best[0] * (1 + 1e-12) or best[0] == -math.inf:
                    best = (merit, int(region(gain_held).sum()), int(region(cost_held).sum()), way)
        answers.append(best)
    return answers


def compute_merit(gain: int, gain_size: int, cost: int, cost_size: int, attack: str, alpha: float) -> float:
    extra = SHRINKAGE[attack]
    return float((gain + extra) / (gain_size + 2 * extra) / max((cost + extra) / (cost_size + 2 * extra), alpha))


def pool_estimates(choices: list[Choice], folds: Folds, alpha: float) -> float:
    """The estimate from one choice per split seed and fold."""
    held = {0: folds.unlearned, 1: folds.retrained}
    estimates = []
    for split in range(folds.split_seeds):
        gain = gain_size = cost = cost_size = 0
        for fold in range(folds.count):
            _, inside, lost, way = choices[split * folds.count + fold]
            gain, cost = gain + inside, cost + lost
            gain_size += int((held[way][split] == fold).sum())
            cost_size += int((held[1 - way][split] == fold).sum())
        estimates.append(math.log((gain + 1) / (gain_size + 2)) - math.log(max((cost + 1) / (cost_size + 2), alpha)))
    return max(float(np.mean(estimates)), 0.0)


def find_levels(cost: np.ndarray, alpha: float) -> tuple[list[float], list[float]]:
    """Thresholds t, "below t", where the cost pool's mass first reaches a level, and where it last stays within it."""
    levels = round(2 / alpha)
    ascending = sorted(cost.tolist())
    targets = [round(level * cost.size) for level in np.linspace(0, 1, levels + 1).tolist()]
    early = [-math.inf if target == 0 else math.nextafter(ascending[target - 1], math.inf) for target in targets]
    late = [math.inf if target == cost.size else ascending[target] for target in targets]
    return early, late


def half_lines(gain: np.ndarray, cost: np.ndarray, alpha: float) -> Iterator[Region]:
    early, late = find_levels(cost, alpha)
    for width in range(len(early)):
        yield between(early[0], late[width])
        yield between(early[-1 - width], late[-1])


def intervals(gain: np.ndarray, cost: np.ndarray, alpha: float) -> Iterator[Region]:
    early, late = find_levels(cost, alpha)
    for width in WIDTHS:
        for start in range(len(early) - width):
            yield between(early[start], late[start + width])


def complements(gain: np.ndarray, cost: np.ndarray, alpha: float) -> Iterator[Region]:
    early, late = find_levels(cost, alpha)
    for width in WIDTHS:
        for start in range(width + 1):
            if width < len(early):
                yield outside(late[start], early[len(early) - 1 - width + start])


def likelihood_ratios(gain: np.ndarray, cost: np.ndarray, alpha: float) -> Iterator[Region]:
    centre = float(np.median(cost))
    variance = 1e-8 * float(np.concatenate([gain, cost]).var())
    (mean_gain, var_gain), (mean_cost, var_cost) = ((p.mean() - centre, max(p.var(), variance)) for p in (gain, cost))

    def score(values: np.ndarray) -> np.ndarray:
        z = values - centre
        if variance == 0:
            return np.zeros(z.size)
        # Rounded, so that what is equal but for the last digits counts as equal.
        return np.round((0.5 / var_cost - 0.5 / var_gain) * z**2 + (mean_gain / var_gain - mean_cost / var_cost) * z, 9)

    yield from upper_levels(score, cost, alpha)


def upper_levels(score: Region, cost: np.ndarray, alpha: float) -> Iterator[Region]:
    descending = np.sort(score(cost))[::-1]
    for level in RATIO_LEVELS:
        keep = min(max(round(alpha * level * cost.size), 1), cost.size)
        yield lambda values, threshold=descending[keep - 1]: score(values) >= threshold


def between(low: float, high: float) -> Region:
    return lambda values: (values >= low) & (values < high)


def outside(low: float, high: float) -> Region:
    return lambda values: (values < low) | (values >= high)


FAMILIES = {
    "half_line": half_lines,
    "interval": intervals,
    "complement": complements,
    "likelihood_ratio": likelihood_ratios,
}


def choose_densities(unlearned: np.ndarray, retrained: np.ndarray, folds: Folds, alpha: float) -> list[Choice]:
    """As `choose`, for the ratio of two kernel densities; every density a sum over all models of the pool."""
    answers = []
    for split, fold in np.ndindex(folds.split_seeds, folds.count):
        parts = (
            split_folds(unlearned, folds.unlearned[split], fold),
            split_folds(retrained, folds.retrained[split], fold),
        )
        train = np.sort(np.concatenate([parts[0][0], parts[1][0]]))
        low, middle, high = (train[part * train.size // 4] for part in (1, 2, 3))
        spread = (high - low) / 1.349 or train.std()
        best: Choice = (-math.inf, 0, 0, 0)
        for way in (0, 1) if spread > 0 else ():
            places = [
                [np.clip(np.floor(((v - middle) / (12 * spread) + 0.5) * 256), 0, 255) for v in parts[side]]
                for side in (way, 1 - way)
            ]
            found = choose_density_level(*places, alpha)
            if found[0] > best[0]:
                best = (*found, way)
        answers.append(best)
    return answers


def choose_density_level(gain: list, cost: list, alpha: float) -> tuple[float, int, int]:
    ratio = np.log([density(gain[0], at) / density(cost[0], at) for at in range(256)])
    of_gain = np.log([density(gain[0], at, own=True) / density(cost[0], at) for at in gain[0]])
    of_cost = np.log([density(gain[0], at) / density(cost[0], at, own=True) for at in cost[0]])
    best = (0.0, 0, 0)
    for level in RATIO_LEVELS:
        keep = min(max(round(alpha * level * cost[0].size), 1), cost[0].size)
        threshold = np.sort(of_cost)[::-1][keep - 1] - 1e-9
        inside, lost = (of_gain >= threshold).sum(), (of_cost >= threshold).sum()
        merit = compute_merit(inside, gain[0].size, lost, cost[0].size, "kernel_density", alpha)
        if merit > best[0]:
            held = [(ratio[part[1].astype(int)] >= threshold).sum() for part in (gain, cost)]
            best = (merit, int(held[0]), int(held[1]))
    return best


def density(places: np.ndarray, at: float, *, own: bool = False) -> float:
    """Kernel density at a cell, one evenly spread model added; own: one of the cell's own models taken out."""
    below = np.sort(places)
    quartiles = below[math.ceil(0.75 * places.size) - 1] - below[math.ceil(0.25 * places.size) - 1]
    deviation = min(places.std(), quartiles / 1.349) if quartiles > 0 else places.std()
    width = max(0.9 * deviation * places.size**-0.2, 1.0)
    distance = np.abs(places - at)
    kernels = np.where(distance <= math.floor(4 * width), np.exp(-0.5 * (distance / width) ** 2), 0.0)
    total = (kernels.sum() - own) / (width * math.sqrt(2 * math.pi))
    return (max(total, 0.0) + 1 / 256) / (places.size + 1 - own)


def choose_regressions(unlearned: np.ndarray, retrained: np.ndarray, folds: Folds, alpha: float) -> list[Choice]:
    """As `choose`, for (R, F) features, by scikit-learn's regression; each training fold scored by a fit without it."""
    answers = []
    features = np.concatenate([unlearned, retrained])
    label = np.arange(len(features)) < len(unlearned)
    for split, fold in np.ndindex(folds.split_seeds, folds.count):
        member = np.concatenate([folds.unlearned[split], folds.retrained[split]])
        score = regress(features, label, member != fold)
        for other in set(range(folds.count)) - {fold}:
            inner = regress(features, label, (member != fold) & (member != other))
            score[member == other] = inner[member == other]
        best: Choice = (-math.inf, 0, 0, 0)
        for way, sign in ((0, 1), (1, -1)):
            is_gain, train, toward = label == (way == 0), member != fold, sign * score
            descending = np.sort(toward[train & ~is_gain])[::-1]
            for level in RATIO_LEVELS:
                keep = min(max(round(alpha * level * descending.size), 1), descending.size)
                inside = toward >= descending[keep - 1] - 1e-6
                counts = [int((inside & side & part).sum()) for part in (train, ~train) for side in (is_gain, ~is_gain)]
                sizes = (int((train & is_gain).sum()), descending.size)
                merit = compute_merit(counts[0], sizes[0], counts[1], sizes[1], "logistic_regression", alpha)
                if merit > best[0]:
                    best = (merit, counts[2], counts[3], way)
        answers.append(best)
    return answers


def regress(features: np.ndarray, label: np.ndarray, train: np.ndarray) -> np.ndarray:
    centre, spread = features[train].mean(axis=0), features[train].std(axis=0)
    scaled = (features - centre) / np.where(spread > 0, spread, 1)
    model = LogisticRegression(C=1.0, tol=1e-12, max_iter=10_000).fit(scaled[train], label[train])
    return model.decision_function(scaled)
