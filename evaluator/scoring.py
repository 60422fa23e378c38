"""The whole formula on one screen: pools and accuracies in, scorecard out."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from evaluator.arrays import Floats, Ints
from evaluator.bias import correct_bias
from evaluator.epsilon import EpsilonEstimates, estimate_epsilons
from evaluator.errors import InvalidPool
from evaluator.forgetting import Bucket, compute_pool_points, count_examples_by_bucket
from evaluator.intervals import ScoreInterval, Span, compute_interval
from evaluator.likeness import Likeness, measure_likeness, needs_likeness
from evaluator.privacy import compute_gaussian_mu
from evaluator.rescoring import combine, compute_ranked
from evaluator.scored_pool import CheckedPool, ScoredPool, check_scored, compare_accuracies
from evaluator.spec import MetricVersion, ScoringProtocol, ScoringSpec, read_name
from evaluator.utility import Utility

SCORE_DECAY = 0.5  # the variance of a score falls more slowly than 1 / R: examples change buckets together


@dataclass(frozen=True, slots=True)
class ProtocolScore:
    """Forgetting quality and final score under one protocol; but for the one that ranks, their product with utility."""

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
    likeness: Likeness | None  # None: the pools hold nothing beside the forget set, or another protocol ranks
    metric_version: MetricVersion

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
    Raises InvalidPool if shapes disagree, a value is not finite, an accuracy is not a fraction, or spec.metric needs
    confidences that a pool does not have.
    Source: docs/metric.md §8 and §9.
    """
    spec = spec or ScoringSpec()
    left, right = check_scored(unlearned, "unlearned"), check_scored(retrained, "retrained")
    utility = compare_accuracies(left, right)
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
    ranked = estimates[spec.protocol]
    forget = float(points[spec.protocol].mean())
    likeness = _find_likeness(left, right, spec, forget=forget)
    counted = likeness if needs_likeness(spec.metric, spec.protocol) else None
    ranked_score = combine(forget, counted, utility)
    interval = _compute_interval(ranked_score, left, right, spec)
    scores = tuple(
        ProtocolScore(protocol, quality := float(earned.mean()), quality * utility.product)
        if protocol is not spec.protocol
        else ProtocolScore(protocol, forget, ranked_score)
        for protocol, earned in points.items()
    )
    return Scorecard(
        score=ranked_score,
        corrected=correct_bias(ranked_score, interval.draws, most=_find_top(utility, spec)),
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
        likeness=likeness,
        metric_version=spec.metric,
    )


def compute_control(retrained: ScoredPool, control: ScoredPool, *, spec: ScoringSpec | None = None) -> Scorecard:
    """Score a second bank of retrained models as if it were a submission: the ceiling a board shows.

    retrained, control: (R, N) confidences and (R,) accuracies, as for score; raises as score does.
    Source: docs/metric.md §11.
    """
    return score(control, retrained, spec=spec)


def _find_likeness(
    unlearned: CheckedPool, retrained: CheckedPool, spec: ScoringSpec, *, forget: float
) -> Likeness | None:
    """Shown wherever it can be computed, and required where it ranks."""
    arrays = (getattr(pool, f"{split}_confidences") for pool in (unlearned, retrained) for split in ("test", "retain"))
    is_known = all(array is not None for array in arrays)
    is_held_out = spec.protocol is ScoringProtocol.held_out
    if needs_likeness(spec.metric, spec.protocol) or (is_known and is_held_out):
        return measure_likeness(unlearned, retrained, spec.epsilon, forget=forget)
    return None


def _find_top(utility: Utility, spec: ScoringSpec) -> float:
    """What these models would score if nothing told the pools apart."""
    return utility.capped if needs_likeness(spec.metric, spec.protocol) else utility.product


def _compute_interval(
    estimate: float, unlearned: CheckedPool, retrained: CheckedPool, spec: ScoringSpec
) -> ScoreInterval:
    options = replace(spec.epsilon, split_seeds=spec.interval_split_seeds)
    is_skewed = spec.metric is not MetricVersion.lacuna_2

    def rescore(left: Ints, right: Ints) -> float:
        return compute_ranked(unlearned.take(left), retrained.take(right), spec, options)

    return compute_interval(
        estimate,
        rescore,
        sizes=(unlearned.replicas, retrained.replicas),
        resamples=spec.interval_resamples,
        level=spec.interval_level,
        seed=spec.epsilon.seed,
        span=Span(most=_find_most(unlearned, retrained, spec), decay=SCORE_DECAY, is_skewed=is_skewed),
    )


def _find_most(unlearned: CheckedPool, retrained: CheckedPool, spec: ScoringSpec) -> float:
    """The utility, two standard errors up: what a perfect forgetting quality could make of fresh models."""
    errors = [_find_relative_error(pool) for pool in (unlearned, retrained)]
    most = _find_top(compare_accuracies(unlearned, retrained), spec) * (1 + 2 * math.hypot(*errors))
    return min(most, 1.0) if needs_likeness(spec.metric, spec.protocol) else most


def _find_relative_error(pool: CheckedPool) -> float:
    """Standard error of the product of a pool's two mean accuracies, over that product; 0 where one of them is 0."""
    retain, test = float(pool.retain_accuracy.mean()), float(pool.test_accuracy.mean())
    if retain == 0 or test == 0:
        return 0.0
    shares: Floats = pool.retain_accuracy / retain + pool.test_accuracy / test
    return float(shares.std(ddof=1)) / math.sqrt(pool.replicas)


def _average(pool: CheckedPool) -> Accuracies:
    return Accuracies(
        unlearning_percent=100 * (1 - float(np.mean(pool.forget_accuracy))),
        retain_percent=100 * float(np.mean(pool.retain_accuracy)),
        test_percent=100 * float(np.mean(pool.test_accuracy)),
    )
