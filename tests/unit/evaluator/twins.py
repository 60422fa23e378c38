"""Slow, obvious versions of what the evaluator computes by counting tricks; one example at a time."""

import math
import statistics
from itertools import product

import numpy as np
from scipy.stats import beta

DELTA = 1e-5


def epsilon_of_rates(false_positive: float, false_negative: float) -> float:
    """docs/metric.md §4: -inf where the pair is discarded."""
    if false_positive == 0 and false_negative == 0:
        return math.inf
    if false_positive == 0 or false_negative == 0:
        return -math.inf
    values = [
        math.log(1 - DELTA - one) - math.log(other)
        for one, other in ((false_positive, false_negative), (false_negative, false_positive))
        if 1 - DELTA - one > 0
    ]
    return max(max(values), 0.0) if values else -math.inf


def neurips2023_epsilon(unlearned: np.ndarray, retrained: np.ndarray) -> float:
    """The published rule, every threshold and window by a comparison of all values; -inf: nothing survives."""
    positive, negative = unlearned, retrained
    if np.median(retrained) > np.median(unlearned):
        positive, negative = retrained, unlearned
    positive_range, negative_range = np.ptp(positive), np.ptp(negative)
    width = min(positive_range, negative_range)
    if max(positive_range, negative_range) > 0 and width / max(positive_range, negative_range) < 0.01:
        return 50.0
    best = -math.inf
    low, high = min(positive.min(), negative.min()), max(positive.max(), negative.max())
    for threshold in np.linspace(low, high, math.ceil(100 * (high - low))):
        best = max(best, epsilon_of_rates(np.mean(negative >= threshold), np.mean(positive < threshold)))
    inside, outside = (positive, negative) if positive_range < negative_range else (negative, positive)
    low, high = inside.min() + width - 2, inside.max() + 2
    for right in np.linspace(low, high, math.ceil(100 * (high - low))):
        left = np.linspace(right - width - 2, right - width + 2, 400)[:, None]
        wrong = ((outside >= left) & (outside <= right)).mean(axis=1)
        missed = ((inside < left) | (inside > right)).mean(axis=1)
        best = max(best, *(epsilon_of_rates(a, b) for a, b in {*zip(wrong.tolist(), missed.tolist(), strict=True)}))
    return min(best, 50.0)


def exact_epsilon(unlearned: np.ndarray, retrained: np.ndarray) -> float:
    """Every closed interval between two sample values, predicting either pool."""
    values = sorted({*unlearned.tolist(), *retrained.tolist()})
    best = 0.0
    for (inside, outside), low, high in product(((unlearned, retrained), (retrained, unlearned)), values, values):
        wrong = np.mean((outside >= low) & (outside <= high))
        missed = np.mean((inside < low) | (inside > high))
        best = max(best, epsilon_of_rates(wrong, missed))
    return min(best, 50.0)


def window_bound(unlearned: np.ndarray, retrained: np.ndarray, confidence: float) -> float:
    """Largest bound over half-lines and windows between sample values, every mass bounded by its own beta quantile."""
    error = (1 - confidence) / 4
    values = sorted({*unlearned.tolist(), *retrained.tolist()})
    best = 0.0
    for low, high in product([-math.inf, *values], [*values, math.inf]):
        if low > high or (low, high) == (-math.inf, math.inf):
            continue
        is_half_line = low == -math.inf or high == math.inf
        inside = [int(((pool >= low) & (pool <= high)).sum()) for pool in (unlearned, retrained)]
        for gain, cost in ((0, 1), (1, 0)):
            lower = lower_mass(inside[gain], (unlearned, retrained)[gain].size, error, is_half_line)
            upper = upper_mass(inside[cost], (unlearned, retrained)[cost].size, error, is_half_line)
            pairs = ((lower, upper), (1 - upper, 1 - lower))
            best = max([best, *(math.log((top - DELTA) / bottom) for top, bottom in pairs if top > DELTA)])
    return best


def rank_lacuna3(unlearned: dict, retrained: dict, epsilon) -> float:
    """docs/metric.md §9, example by example: `epsilon(column, column)` of one example, accuracies as plain numbers."""
    means = {}
    for split in ("forget", "test", "retain"):
        left, right = unlearned[split], retrained[split]
        buckets = [math.floor(epsilon(left[:, [j]], right[:, [j]]) / 0.5) for j in range(left.shape[1])]
        means[split] = sum(2.0**-bucket if bucket < 5 else 0.0 for bucket in buckets) / len(buckets)
    memory, noise = tell_memory(unlearned, retrained)
    balance = (1 - 2 * math.sqrt(max(0.0, (memory - 0.5) ** 2 - noise**2))) ** 2
    if means["forget"] > means["test"]:
        balance *= means["test"] ** 2 / means["forget"] ** 2
    kept = min(unlearned["RA"] / retrained["RA"], 1) * min(unlearned["TA"] / retrained["TA"], 1)
    return min(means.values()) * balance * kept


def tell_memory(unlearned: dict, retrained: dict) -> tuple[float, float]:
    """docs/metric.md §9: pair by pair, whether the forget example stands higher among retrained models; its error."""

    def place(split: str, model: int, example: int) -> float:
        value, bank = unlearned[split][model, example], retrained[split][:, example]
        return float(np.mean(bank < value) + np.mean(bank == value) / 2)

    forgotten, unseen = unlearned["forget"].shape[1], unlearned["test"].shape[1]
    shares = []
    for model in range(len(unlearned["forget"])):
        higher = 0.0
        for one, other in product(range(forgotten), range(unseen)):
            left, right = place("forget", model, one), place("test", model, other)
            higher += 1.0 if left > right else 0.5 if left == right else 0.0
        shares.append(higher / (forgotten * unseen))
    error = statistics.stdev(shares) * math.sqrt(1 / len(shares) + 1 / len(retrained["forget"]))
    return statistics.mean(shares), error


def band_bound(unlearned: np.ndarray, retrained: np.ndarray, confidence: float) -> float:
    """Largest ratio over windows, the empty one too, after each error rate grew by twice its DKW distance."""
    error = (1 - confidence) / 2
    slack = [2 * math.sqrt(math.log(2 / error) / (2 * len(pool))) for pool in (unlearned, retrained)]
    values = sorted({*unlearned.tolist(), *retrained.tolist()})
    best = 0.0
    for low, high in product([*values, math.inf], values):
        inside = [np.mean((pool >= low) & (pool <= high)) for pool in (unlearned, retrained)]
        for gain, cost in ((0, 1), (1, 0)):
            for masses in (inside, [1 - mass for mass in inside]):
                gained = masses[gain] - DELTA - slack[gain]
                best = max(best, math.log(max(gained / (masses[cost] + slack[cost]), 1.0)))
    return best


def lower_mass(inside: int, models: int, error: float, is_half_line: bool) -> float:
    """docs/metric.md §7: half of the error for 2 R half-lines, half for spans, the same for every length."""
    steps = inside if is_half_line else inside - 1
    share = error / (4 * models) if is_half_line else error / (2 * models * (models - inside + 1))
    return float(beta.ppf(share, steps, models + 1 - steps)) if steps > 0 else 0.0


def upper_mass(inside: int, models: int, error: float, is_half_line: bool) -> float:
    share = error / (4 * models) if is_half_line else error / (2 * models * (models - inside + 1))
    return float(beta.isf(share, inside + 1, models - inside)) if inside < models else 1.0
