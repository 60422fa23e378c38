"""The same rule on forget, test and retain examples, and the number that lacuna-3 ranks by."""

import math
from dataclasses import dataclass

from evaluator.arrays import Floats
from evaluator.epsilon import estimate_epsilons
from evaluator.errors import InvalidPool
from evaluator.forgetting import compute_pool_points
from evaluator.memory import Pair, compute_memory
from evaluator.scored_pool import CheckedPool
from evaluator.spec import EpsilonOptions, MetricVersion, ScoringProtocol


@dataclass(frozen=True, slots=True)
class Likeness:
    """Mean points of each set's examples, in [0, 1]: how alike the two pools answer on it; and what is remembered.

    memory: chance that a forget example stands out more than a test example in one unlearned model; 0.5 if neither.
    noise: its standard error over fresh models.
    """

    forget: float
    test: float
    retain: float
    memory: float
    noise: float = 0.0

    @property
    def least(self) -> float:
        """How alike the pools are wherever one looks."""
        return min(self.forget, self.test, self.retain)

    @property
    def balance(self) -> float:
        """1 where forget examples are to unlearned models what test examples are, which no model was trained on.

        One model that tells them apart remembers, or forgot too much: (1 - 2 × how far memory is from a half)², less
        what noise explains. Forget examples that earn more than test examples mean that the answers came from
        elsewhere: (test / forget)². Both are squared, so that what is gained on forget examples alone never pays.
        """
        excess = math.sqrt(max((self.memory - 0.5) ** 2 - self.noise**2, 0.0))
        told_apart = 1 - 2 * excess
        elsewhere = min(self.test / self.forget, 1.0) if self.forget > 0 else 1.0
        return (told_apart * elsewhere) ** 2

    @property
    def quality(self) -> float:
        """What lacuna-3 multiplies by the accuracy kept."""
        return self.least * self.balance


def measure_likeness(
    unlearned: CheckedPool, retrained: CheckedPool, options: EpsilonOptions, *, forget: float
) -> Likeness:
    """Points on test and retain examples, and memory, beside `forget`, the mean points that the forget set has.

    Raises InvalidPool if a pool lacks the confidences, or if the two are of different examples.
    Source: docs/metric.md §9.
    """
    unseen, learned = find_elsewhere(unlearned, retrained)
    memory = compute_memory((unlearned.confidences, retrained.confidences), unseen)
    test, retain = (average_points(*pair, options) for pair in (unseen, learned))
    return Likeness(forget=forget, test=test, retain=retain, memory=memory.auc, noise=memory.error)


def find_elsewhere(unlearned: CheckedPool, retrained: CheckedPool) -> tuple[Pair, Pair]:
    """Both pools' confidences on the test and on the retain examples; raises InvalidPool if there are none."""
    return (
        _pair("test", unlearned.test_confidences, retrained.test_confidences),
        _pair("retain", unlearned.retain_confidences, retrained.retain_confidences),
    )


def average_points(unlearned: Floats, retrained: Floats, options: EpsilonOptions) -> float:
    """Mean points of the held-out rule over N examples, in [0, 1], from (R, N) and (R', N) confidences."""
    protocol = ScoringProtocol.held_out
    return float(
        compute_pool_points(
            estimate_epsilons(unlearned, retrained, protocol=protocol, options=options, lower=False)
        ).mean()
    )


def needs_likeness(metric: MetricVersion, protocol: ScoringProtocol) -> bool:
    """Whether the ranked number depends on more than the forget set: the published rules are never changed."""
    return metric is MetricVersion.lacuna_3 and protocol is ScoringProtocol.held_out


def _pair(split: str, unlearned: Floats | None, retrained: Floats | None) -> Pair:
    if unlearned is None or retrained is None:
        raise InvalidPool(
            f"{MetricVersion.lacuna_3} needs the {split}_confidences of both pools, and the "
            f"{'unlearned' if unlearned is None else 'retrained'} one has none; {MetricVersion.lacuna_2} does not"
        )
    if unlearned.shape[1] != retrained.shape[1]:
        raise InvalidPool(f"the {split} confidences are of {unlearned.shape[1]} and {retrained.shape[1]} examples")
    return unlearned, retrained
