"""The same rule on forget, test and retain examples, and the number that lacuna-3 ranks by."""

from dataclasses import dataclass

from evaluator.arrays import Floats
from evaluator.epsilon import estimate_epsilons
from evaluator.errors import InvalidPool
from evaluator.forgetting import compute_pool_points
from evaluator.scored_pool import CheckedPool
from evaluator.spec import EpsilonOptions, MetricVersion, ScoringProtocol

Pair = tuple[Floats, Floats]


@dataclass(frozen=True, slots=True)
class Likeness:
    """Mean points of each set's examples, in [0, 1]: how alike the two pools answer on it."""

    forget: float
    test: float
    retain: float

    @property
    def least(self) -> float:
        """How alike the pools are wherever one looks."""
        return min(self.forget, self.test, self.retain)

    @property
    def balance(self) -> float:
        """1 where forget examples give away as much as test examples, which neither pool was trained on.

        More given away is memory: forget / test. Less of it means that the answers to the forget set came from
        elsewhere: (test / forget)², so that knowing them never pays. Where both are 0 nothing speaks for the entry: 0.
        """
        if self.forget < self.test:
            return self.forget / self.test
        return (self.test / self.forget) ** 2 if self.forget > 0 else 0.0

    @property
    def quality(self) -> float:
        """What lacuna-3 multiplies by the accuracy kept."""
        return self.least * self.balance


def measure_likeness(
    unlearned: CheckedPool, retrained: CheckedPool, options: EpsilonOptions, *, forget: float
) -> Likeness:
    """Points on the test and the retain examples beside `forget`, the mean points that the forget set already has.

    Raises InvalidPool if a pool lacks the confidences, or if the two are of different examples.
    Source: docs/metric.md §9.
    """
    test, retain = (average_points(*pair, options) for pair in find_elsewhere(unlearned, retrained))
    return Likeness(forget=forget, test=test, retain=retain)


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
