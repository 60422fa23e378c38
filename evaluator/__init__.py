"""Lacuna's evaluator as a library: pools of confidences in, epsilons, points and scores out.

Pools are (replicas, examples) arrays of logit-scaled confidence. `evaluator.inference`, the one module that needs
torch, is imported by name. docs/evaluator.md shows a notebook's use; docs/metric.md is the definition.
"""

from evaluator.closed_form import compute_gaussian_epsilon
from evaluator.confidence import compute_confidence
from evaluator.epsilon import EpsilonEstimates, compute_epsilons, compute_epsilons_by_attack
from evaluator.errors import BadWeights, InvalidPool
from evaluator.forgetting import Bucket, compute_forgetting_quality, compute_points, count_buckets
from evaluator.intervals import ScoreInterval
from evaluator.likeness import Likeness
from evaluator.privacy import compute_gaussian_mu
from evaluator.runtime import RelativeRuntime, compute_gated_runtime, compute_relative_runtime, is_over_budget
from evaluator.scored_pool import ScoredPool
from evaluator.scoring import Accuracies, ProtocolScore, Scorecard, compute_control, score
from evaluator.spec import METRIC_VERSION, Attack, EpsilonOptions, MetricVersion, ScoringProtocol, ScoringSpec
from evaluator.utility import Utility, compute_final_score, compute_utility

__all__ = [
    "METRIC_VERSION",
    "Accuracies",
    "Attack",
    "BadWeights",
    "Bucket",
    "EpsilonEstimates",
    "EpsilonOptions",
    "InvalidPool",
    "Likeness",
    "MetricVersion",
    "ProtocolScore",
    "RelativeRuntime",
    "ScoreInterval",
    "Scorecard",
    "ScoredPool",
    "ScoringProtocol",
    "ScoringSpec",
    "Utility",
    "compute_confidence",
    "compute_control",
    "compute_epsilons",
    "compute_epsilons_by_attack",
    "compute_final_score",
    "compute_forgetting_quality",
    "compute_gated_runtime",
    "compute_gaussian_epsilon",
    "compute_gaussian_mu",
    "compute_points",
    "compute_relative_runtime",
    "compute_utility",
    "count_buckets",
    "is_over_budget",
    "score",
]
