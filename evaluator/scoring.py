"""The whole formula on one screen: pools and accuracies in, scorecard out."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from evaluator.arrays import Floats, Ints, check_pool, check_vector
from evaluator.bias import correct_bias
from evaluator.epsilon import EpsilonEstimates, estimate_epsilons
from evaluator.errors import InvalidPool
from evaluator.forgetting import Bucket, compute_pool_points, count_examples_by_bucket
from evaluator.intervals import ScoreInterval, Span, compute_interval
from evaluator.privacy import compute_gaussian_mu
from evaluator.spec import METRIC_VERSION, ScoringProtocol, ScoringSpec, read_name
from evaluator.utility import Utility, compute_utility

SCORE_DECAY = 0.5  # the variance of a score falls more slowly than 1 / R: examples change buckets together


@dataclass(frozen=True, slots=True)
class ScoredPool:
    """Outputs of R models: (R, N) confidences on the forget set, and (R,) accuracies as fractions.

    features: (R, N, F), such as all logits; only Attack.logistic_regression needs and reads them.
    """

    confidences: ArrayLike
    retain_accuracy: ArrayLike
    test_accuracy: ArrayLike
    forget_accuracy: ArrayLike
    features: ArrayLike | None = None


@dataclass(frozen=True, slots=True)
class ProtocolScore:
    """Forgetting quality and final score under one protocol."""

    protocol: ScoringProtocol
    forgetting_quality: float
    score: float


@dataclass(frozen=True, slots=True)
class Accuracies:
    """Means over a pool in percent; UA is 100 minus forget accuracy."""

    unlearning_percent: float
    retain_percent: float
    test_percent: float


@dataclass(frozen=True, slots=True)
class Scorecard:
    """The ranked score and everything it was made from."""

    score: float
    corrected: float  # without part of the bias of a finite number of replicas; docs/metric.md §11
    interval: ScoreInterval
    ranked_by: ScoringProtocol
    protocols: tuple[ProtocolScore, ...]
    epsilons: EpsilonEstimates
    mu: Floats  # (N,) Gaussian-DP shift per forget example
    points: Floats
    buckets: tuple[Bucket, ...]
    utility: Utility
    unlearned_accuracies: Accuracies
    retrained_accuracies: Accuracies
    unlearned_replicas: int
    retrained_replicas: int
    examples: int
    spec: ScoringSpec
    metric_version: str = METRIC_VERSION

    @property
    def forgetting_quality(self) -> float:
        return self.under(self.ranked_by).forgetting_quality

    def under(self, protocol: ScoringProtocol) -> ProtocolScore:
        """The forgetting quality and score under one of the protocols."""
        named = read_name(ScoringProtocol, protocol, "protocol")
        entry = next((entry for entry in self.protocols if entry.protocol is named), None)
        if entry is None:
            raise InvalidPool(f"this scorecard was not scored under {named}")
        return entry


def score(
    unlearned: ScoredPool,
    retrained: ScoredPool,
    *,
    spec: ScoringSpec | None = None,
    protocols: Iterable[ScoringProtocol] = ScoringProtocol,
) -> Scorecard:
    """Score one unlearned pool against the retrained pool, under the protocol that ranks and those named.

    unlearned, retrained: confidences (R, N) in nats of log odds, accuracies (R,) in [0, 1]; R may differ.
    Raises InvalidPool if shapes disagree, a value is not finite or an accuracy is not a fraction.
    Source: docs/metric.md §8 and §9: score = mean points x retain ratio x test ratio.
    """
    spec = spec or ScoringSpec()
    left, right = _check(unlearned, "unlearned"), _check(retrained, "retrained")
    utility = _compute_utility(left, right)
    features = (left.features, right.features)
    estimates = {
        protocol: estimate_epsilons(
            left.confidences, right.confidences, protocol=protocol, options=spec.epsilon, features=features
        )
        for protocol in dict.fromkeys(
            [spec.protocol, *(read_name(ScoringProtocol, each, "protocol") for each in protocols)]
        )
    }
    points = {protocol: compute_pool_points(epsilons) for protocol, epsilons in estimates.items()}
    scores = tuple(
        ProtocolScore(protocol, quality := float(earned.mean()), quality * utility.product)
        for protocol, earned in points.items()
    )
    ranked = estimates[spec.protocol]
    ranked_score = float(points[spec.protocol].mean()) * utility.product
    interval = _compute_interval(ranked_score, left, right, spec)
    return Scorecard(
        score=ranked_score,
        corrected=correct_bias(ranked_score, interval.draws, most=utility.product),
        interval=interval,
        ranked_by=spec.protocol,
        protocols=scores,
        epsilons=ranked,
        mu=compute_gaussian_mu(left.confidences, right.confidences, options=spec.epsilon, features=features),
        points=points[spec.protocol],
        buckets=count_examples_by_bucket(ranked),
        utility=utility,
        unlearned_accuracies=_average(left),
        retrained_accuracies=_average(right),
        unlearned_replicas=left.replicas,
        retrained_replicas=right.replicas,
        examples=left.confidences.shape[1],
        spec=spec,
    )


def compute_control(retrained: ScoredPool, control: ScoredPool, *, spec: ScoringSpec | None = None) -> Scorecard:
    """Score a second bank of retrained models as if it were a submission: the ceiling a board shows.

    retrained, control: (R, N) confidences and (R,) accuracies, as for score; raises as score does.
    Source: docs/metric.md §11.
    """
    return score(control, retrained, spec=spec)


@dataclass(frozen=True, slots=True)
class _CheckedPool:
    confidences: Floats
    retain_accuracy: Floats
    test_accuracy: Floats
    forget_accuracy: Floats
    features: Floats | None

    @property
    def replicas(self) -> int:
        return len(self.confidences)

    def take(self, models: Ints) -> "_CheckedPool":
        return _CheckedPool(
            self.confidences[models],
            self.retain_accuracy[models],
            self.test_accuracy[models],
            self.forget_accuracy[models],
            None if self.features is None else self.features[models],
        )


def _check(pool: ScoredPool, name: str) -> _CheckedPool:
    confidences = check_pool(pool.confidences, name)
    retain, test, forget = (
        check_vector(values, f"{name} {split} accuracy", length=confidences.shape[0])
        for split, values in (
            ("retain", pool.retain_accuracy),
            ("test", pool.test_accuracy),
            ("forget", pool.forget_accuracy),
        )
    )
    if any(values.min() < 0 or values.max() > 1 for values in (retain, test, forget)):
        raise InvalidPool(f"accuracies of the {name} pool must be fractions in [0, 1]")
    features = None if pool.features is None else np.asarray(pool.features, dtype=np.float64)
    if features is not None and features.shape[:2] != confidences.shape:
        raise InvalidPool(f"the {name} features must be {(*confidences.shape, 'F')}, got shape {features.shape}")
    return _CheckedPool(confidences, retain, test, forget, features)


def _compute_utility(unlearned: _CheckedPool, retrained: _CheckedPool) -> Utility:
    return compute_utility(
        retain_unlearned=unlearned.retain_accuracy,
        test_unlearned=unlearned.test_accuracy,
        retain_retrained=retrained.retain_accuracy,
        test_retrained=retrained.test_accuracy,
    )


def _compute_interval(
    estimate: float, unlearned: _CheckedPool, retrained: _CheckedPool, spec: ScoringSpec
) -> ScoreInterval:
    options = replace(spec.epsilon, split_seeds=spec.interval_split_seeds)

    def rescore(left: Ints, right: Ints) -> float:
        drawn = unlearned.take(left), retrained.take(right)
        epsilons = estimate_epsilons(
            drawn[0].confidences,
            drawn[1].confidences,
            protocol=spec.protocol,
            options=options,
            lower=False,
            features=(drawn[0].features, drawn[1].features),
        )
        return float(compute_pool_points(epsilons).mean()) * _compute_utility(*drawn).product

    return compute_interval(
        estimate,
        rescore,
        sizes=(unlearned.replicas, retrained.replicas),
        resamples=spec.interval_resamples,
        level=spec.interval_level,
        seed=spec.epsilon.seed,
        span=Span(most=_find_most(unlearned, retrained), decay=SCORE_DECAY),
    )


def _find_most(unlearned: _CheckedPool, retrained: _CheckedPool) -> float:
    """The utility, two standard errors up: what a perfect forgetting quality could make of fresh models."""
    errors = [_find_relative_error(pool) for pool in (unlearned, retrained)]
    return _compute_utility(unlearned, retrained).product * (1 + 2 * math.hypot(*errors))


def _find_relative_error(pool: _CheckedPool) -> float:
    """Standard error of the product of a pool's two mean accuracies, over that product; 0 where one of them is 0."""
    retain, test = float(pool.retain_accuracy.mean()), float(pool.test_accuracy.mean())
    if retain == 0 or test == 0:
        return 0.0
    shares: Floats = pool.retain_accuracy / retain + pool.test_accuracy / test
    return float(shares.std(ddof=1)) / math.sqrt(pool.replicas)


def _average(pool: _CheckedPool) -> Accuracies:
    return Accuracies(
        unlearning_percent=100 * (1 - float(np.mean(pool.forget_accuracy))),
        retain_percent=100 * float(np.mean(pool.retain_accuracy)),
        test_percent=100 * float(np.mean(pool.test_accuracy)),
    )
