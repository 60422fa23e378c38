"""U-LiRA: a Gaussian likelihood-ratio attack per example, judged on models it was not fitted on."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from evaluator.arrays import Floats, Ints, Pool, check_pools
from evaluator.errors import InvalidPool
from evaluator.intervals import ScoreInterval, Span, compute_intervals, count_drawn

LEAST_VARIANCE = 1e-8  # of the variance of both training pools together
FARTHEST = 1e12  # spreads away from the training pools: beyond, only an overflow is left to say
LEAST_REPLICAS = 4  # two to fit on, two to judge on


@dataclass(frozen=True, slots=True)
class LikelihoodRatioAttack:
    """How often the attack is right, per example and over all of them; 0.5 means it cannot tell.

    accuracy, auc: (N,) fractions. mean_accuracy, mean_auc: over examples. true_positive_rate: share of (unlearned
    model, example) pairs recognised when at most false_positive_rate of the retrained ones are taken for unlearned,
    one threshold for all examples.
    """

    accuracy: Floats
    auc: Floats
    true_positive_rate: float
    false_positive_rate: float

    @property
    def mean_accuracy(self) -> float:
        return float(self.accuracy.mean())

    @property
    def mean_auc(self) -> float:
        return float(self.auc.mean())


def compute_ulira(
    unlearned: Pool, retrained: Pool, *, false_positive_rate: float = 0.01, splits: int = 4, seed: int = 0
) -> LikelihoodRatioAttack:
    """Fit both Gaussians of every example on one half of the models, judge the other half, and change over.

    unlearned, retrained: (R, N) confidences; the same N, R >= 4 in each. The log likelihood ratio above 0 says
    unlearned; exactly 0 counts as half right. Accuracy is the mean of the rates at which unlearned and retrained
    models are recognised, so unequal pools do not tilt it. Every number is a mean over `splits` random halvings,
    the same for all examples, and over the two directions of each.
    Raises InvalidPool if the pools cannot be compared, are too small, or an option is out of range.
    Source: docs/metrics.md, U-LiRA.
    """
    left, right = check_pools(unlearned, retrained)
    if min(len(left), len(right)) < LEAST_REPLICAS:
        raise InvalidPool(f"U-LiRA needs {LEAST_REPLICAS} replicas of each pool, got {len(left)} and {len(right)}")
    if not 0 < false_positive_rate < 1 or splits < 1:
        raise InvalidPool("false_positive_rate must be in (0, 1), and at least one split is needed")
    unit = np.maximum(np.abs(left).max(axis=0), np.abs(right).max(axis=0))
    left, right = (pool / np.where(unit > 0, unit, 1.0) for pool in (left, right))  # squares stay finite
    rng = np.random.default_rng(seed)
    accuracy, auc, recognised = np.zeros(left.shape[1]), np.zeros(left.shape[1]), 0.0
    for _ in range(splits):
        halves = [(models[::2], models[1::2]) for models in map(rng.permutation, (len(left), len(right)))]
        for fitted in (0, 1):
            ratios = _attack(left, right, [half[fitted] for half in halves], [half[1 - fitted] for half in halves])
            accuracy += (_share_positive(ratios[0]) + _share_positive(-ratios[1])) / 2
            auc += _compute_auc(*ratios)
            recognised += _compute_true_positive_rate(*ratios, false_positive_rate)
    turns = 2 * splits
    return LikelihoodRatioAttack(accuracy / turns, auc / turns, recognised / turns, false_positive_rate)


@dataclass(frozen=True, slots=True)
class LikelihoodRatioIntervals:
    """Intervals of the three means of LikelihoodRatioAttack, fractions."""

    accuracy: ScoreInterval
    auc: ScoreInterval
    true_positive_rate: ScoreInterval


def compute_ulira_intervals(
    unlearned: Pool,
    retrained: Pool,
    *,
    false_positive_rate: float = 0.01,
    splits: int = 4,
    resamples: int = 32,
    level: float = 0.95,
    seed: int = 0,
) -> LikelihoodRatioIntervals:
    """Intervals by drawing models of both pools without replacement, each part judged by one halving.

    Pools and options as for compute_ulira, which the intervals lie around. The estimand is what fresh pools of these
    sizes give on average: fewer models make a worse attack. Raises InvalidPool as compute_ulira does.
    Source: docs/metrics.md, U-LiRA.
    """
    found = compute_ulira(unlearned, retrained, false_positive_rate=false_positive_rate, splits=splits, seed=seed)
    left, right = check_pools(unlearned, retrained)
    if min(count_drawn(len(left)), count_drawn(len(right))) < LEAST_REPLICAS:
        unknown = ScoreInterval(0.0, math.inf, level, math.inf)
        return LikelihoodRatioIntervals(unknown, unknown, unknown)

    def rescore(models: Ints, others: Ints) -> tuple[float, float, float]:
        part = compute_ulira(left[models], right[others], false_positive_rate=false_positive_rate, splits=1, seed=seed)
        return part.mean_accuracy, part.mean_auc, part.true_positive_rate

    estimates = (found.mean_accuracy, found.mean_auc, found.true_positive_rate)
    sizes = (len(left), len(right))
    return LikelihoodRatioIntervals(
        *compute_intervals(
            estimates, rescore, sizes=sizes, resamples=resamples, level=level, seed=seed, span=Span(most=1.0)
        )
    )


def _attack(left: Floats, right: Floats, fitted: list[Ints], judged: list[Ints]) -> tuple[Floats, Floats]:
    """Log likelihood ratios of the judged models of both pools, (R', N) each."""
    train = left[fitted[0]], right[fitted[1]]
    both = np.concatenate(train)
    spread = both.std(axis=0)
    centre, scale = both.mean(axis=0), np.where(spread > 0, spread, 1.0)
    (mean_left, var_left), (mean_right, var_right) = (
        (z.mean(axis=0), np.maximum(z.var(axis=0), LEAST_VARIANCE)) for z in ((pool - centre) / scale for pool in train)
    )

    def log_ratio(pool: Floats) -> Floats:
        z = np.clip((pool - centre) / scale, -FARTHEST, FARTHEST)
        ratio: Floats = 0.5 * (
            (z - mean_right) ** 2 / var_right - (z - mean_left) ** 2 / var_left + np.log(var_right / var_left)
        )
        return ratio

    return log_ratio(left[judged[0]]), log_ratio(right[judged[1]])


def _share_positive(ratios: Floats) -> Floats:
    """(N,) share of values above 0, a tie counting half."""
    share: Floats = ((ratios > 0).sum(axis=0) + 0.5 * (ratios == 0).sum(axis=0)) / len(ratios)
    return share


def _compute_auc(left: Floats, right: Floats) -> Floats:
    """(N,) chance that an unlearned model's ratio is above a retrained one's, ties counting half."""
    ranks = rankdata(np.concatenate([left, right]), axis=0)[: len(left)].sum(axis=0)
    auc: Floats = (ranks - len(left) * (len(left) + 1) / 2) / (len(left) * len(right))
    return auc


def _compute_true_positive_rate(left: Floats, right: Floats, false_positive_rate: float) -> float:
    """Share of all ratios of the first pool above the least threshold that few enough of the second exceed."""
    falling = np.sort(right, axis=None)[::-1]
    threshold = falling[int(false_positive_rate * falling.size)]
    return float((left > threshold).mean())
