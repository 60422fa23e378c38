"""The ranked number of two pools and nothing else, for whoever needs it of many parts of them."""

from evaluator.epsilon import estimate_epsilons
from evaluator.forgetting import compute_pool_points
from evaluator.likeness import Likeness, measure_likeness, needs_likeness
from evaluator.scored_pool import CheckedPool, compare_accuracies
from evaluator.spec import EpsilonOptions, ScoringSpec
from evaluator.utility import Utility


def compute_ranked(unlearned: CheckedPool, retrained: CheckedPool, spec: ScoringSpec, options: EpsilonOptions) -> float:
    """The score that ranks, with these options in place of the spec's; no bounds, no interval."""
    epsilons = estimate_epsilons(
        unlearned.confidences,
        retrained.confidences,
        protocol=spec.protocol,
        options=options,
        lower=False,
        features=(unlearned.features, retrained.features),
    )
    forget = float(compute_pool_points(epsilons).mean())
    likeness = None
    if needs_likeness(spec.metric, spec.protocol):
        likeness = measure_likeness(unlearned, retrained, options, forget=forget)
    return combine(forget, likeness, compare_accuracies(unlearned, retrained))


def combine(forget: float, likeness: Likeness | None, utility: Utility) -> float:
    """lacuna-2: points on the forget set × accuracy kept; with a likeness, lacuna-3."""
    if likeness is None:
        return forget * utility.product
    return likeness.quality * utility.capped
