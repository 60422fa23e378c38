"""Slow, obvious versions of what the evaluator computes by counting tricks; one example at a time."""

import math
from itertools import product

import numpy as np

from evaluator.splits import Folds

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


class HeldOutTwin:
    """One example under the held-out protocol, with explicit regions: sets of values given by a predicate."""

    def __init__(self, unlearned: np.ndarray, retrained: np.ndarray, folds: Folds, alpha: float) -> None:
        self.pools = {"unlearned": unlearned, "retrained": retrained}
        self.folds = {"unlearned": folds.unlearned, "retrained": folds.retrained}
        self.fold_count, self.split_seeds, self.alpha = folds.count, folds.split_seeds, alpha

    def estimate(self) -> float:
        return max(float(np.mean([self.estimate_split(split) for split in range(self.split_seeds)])), 0.0)

    def estimate_split(self, split: int) -> float:
        gain = gain_size = cost = cost_size = 0
        for fold in range(self.fold_count):
            train = {name: pool[self.folds[name][split] != fold] for name, pool in self.pools.items()}
            held = {name: pool[self.folds[name][split] == fold] for name, pool in self.pools.items()}
            winner, loser, contains = self.choose(train)
            gain += int(contains(held[winner]).sum())
            cost += int(contains(held[loser]).sum())
            gain_size += held[winner].size
            cost_size += held[loser].size
        return math.log((gain + 1) / (gain_size + 2)) - math.log(max((cost + 1) / (cost_size + 2), self.alpha))

    def choose(self, train):
        ways = (("unlearned", "retrained"), ("retrained", "unlearned"))
        best, answer = -math.inf, None
        for regions in (self.cut_regions, self.ratio_regions):
            for winner, loser in ways:
                for shrinkage, contains in regions(train[winner], train[loser]):
                    merit = self.merit(contains, train[winner], train[loser], shrinkage)
                    if merit > best:
                        best, answer = merit, (winner, loser, contains)
        return answer

    def merit(self, contains, gain, cost, shrinkage):
        extra = np.float32(shrinkage)
        masses = [
            (np.float32(contains(pool).sum()) + extra) / (np.float32(pool.size) + 2 * extra) for pool in (gain, cost)
        ]
        return masses[0] / max(masses[1], np.float32(self.alpha))

    def cut_regions(self, gain, cost):
        values = [*sorted({*self.pools["unlearned"].tolist(), *self.pools["retrained"].tolist()}), math.inf]
        levels = round(2 / self.alpha)
        targets = [round(cost.size * (j / levels)) for j in range(levels + 1)]
        early = [min(t for t in values if np.sum(cost < t) >= c) for c in targets]
        late = [max(t for t in values if np.sum(cost < t) <= c) for c in targets]
        for j in range(levels + 1):
            yield 2, between(early[0], late[j])
        for j in range(levels + 1):
            yield 2, between(early[j], late[-1])
        pairs = [(i, j) for i in range(levels + 1) for j in range(i, levels + 1)]
        for i, j in pairs:
            yield 8, between(early[i], max(early[i], late[j]))
        for i, j in pairs:
            yield 8, outside(late[i], max(late[i], early[j]))

    def ratio_regions(self, gain, cost):
        both = np.concatenate([self.pools["unlearned"], self.pools["retrained"]])
        centre, spread = both.mean(), both.std() or 1.0

        def log_ratio(values):
            z = (values - centre) / spread
            fits = [((p - centre) / spread) for p in (gain, cost)]
            mean_gain, mean_cost = (f.mean() for f in fits)
            var_gain, var_cost = (max(f.var(), 1e-8) for f in fits)
            return ((0.5 / var_cost - 0.5 / var_gain) * z + (mean_gain / var_gain - mean_cost / var_cost)) * z

        ranked = np.sort(log_ratio(cost))[::-1]
        for level in (1, 1.5, 2, 3, 4, 6, 8, 10):
            keep = min(max(round(level * self.alpha * cost.size), 1), cost.size)
            yield 2, lambda values, t=ranked[keep - 1]: log_ratio(values) >= t


def between(low, high):
    return lambda values: (values >= low) & (values < high)


def outside(low, high):
    return lambda values: (values < low) | (values >= high)
