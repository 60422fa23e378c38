"""The options of a score: which attacks, how much slack, how uncertainty is measured."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from evaluator.errors import InvalidPool

BUCKET_WIDTH = 0.5
EPSILON_CAP = 50.0
MOST_FOLDS = 60

Named = TypeVar("Named", bound=StrEnum)


class ScoringProtocol(StrEnum):
    """How two pools become one epsilon per forget example."""

    held_out = "held_out"
    neurips2023 = "neurips2023"
    exact = "exact"


class MetricVersion(StrEnum):
    """Which number ranks; a version is never changed, so old scores can always be computed again."""

    lacuna_2 = "lacuna-2"  # points on the forget set × accuracy kept
    lacuna_3 = "lacuna-3"  # points where they are least × balance of forget and test examples × accuracy kept


METRIC_VERSION = MetricVersion.lacuna_3  # of new contests


class Attack(StrEnum):
    """The region that told the two pools apart."""

    none = "none"
    half_line = "half_line"
    interval = "interval"
    complement = "complement"
    likelihood_ratio = "likelihood_ratio"
    kernel_density = "kernel_density"
    logistic_regression = "logistic_regression"
    range_guard = "range_guard"  # neurips2023: one pool is under 1 % as wide as the other
    below_grid = "below_grid"  # neurips2023: both pools fit between two thresholds; the published code fails


def read_name(kind: type[Named], value: str, what: str) -> Named:
    """The member that a name stands for; a member stands for itself. Raises InvalidPool with the names there are."""
    try:
        return kind(value)
    except ValueError:
        raise InvalidPool(f"{what} must be one of {', '.join(kind)}, got {value!r}") from None


DEFAULT_ATTACKS = (Attack.half_line, Attack.interval, Attack.complement, Attack.likelihood_ratio)
HELD_OUT_ATTACKS = (*DEFAULT_ATTACKS, Attack.kernel_density, Attack.logistic_regression)


@dataclass(frozen=True, slots=True)
class EpsilonOptions:
    """Everything an epsilon depends on beside the two pools."""

    delta: float = 1e-5
    alpha: float = 0.05
    folds: int = 5
    split_seeds: int = 4
    seed: int = 0
    confidence: float = 0.95
    attacks: tuple[Attack, ...] = DEFAULT_ATTACKS  # families held_out chooses from
    bounds: MetricVersion = MetricVersion.lacuna_3  # whose lower bounds exact and neurips2023 have

    def __post_init__(self) -> None:
        if not 0 <= self.delta < 1:
            raise InvalidPool(f"delta must be in [0, 1), got {self.delta}")
        if not 0 < self.alpha <= 0.5:
            raise InvalidPool(f"alpha must be in (0, 0.5], got {self.alpha}")
        if not 2 <= self.folds <= MOST_FOLDS or self.split_seeds < 1 or self.seed < 0:
            raise InvalidPool(f"2 to {MOST_FOLDS} folds, a split seed and a seed of at least 0 are needed")
        if not 0 < self.confidence < 1:
            raise InvalidPool(f"confidence must be in (0, 1), got {self.confidence}")
        object.__setattr__(self, "bounds", read_name(MetricVersion, self.bounds, "bounds"))
        named = {read_name(Attack, name, "an attack") for name in self.attacks}
        if not named or named - set(HELD_OUT_ATTACKS):
            raise InvalidPool(f"attacks must be of {[str(a) for a in HELD_OUT_ATTACKS]}, got {list(self.attacks)}")
        # One order, whatever order they were named in: the first of two equally good families is taken.
        object.__setattr__(self, "attacks", tuple(attack for attack in HELD_OUT_ATTACKS if attack in named))


@dataclass(frozen=True, slots=True)
class ScoringSpec:
    """Everything a score depends on beside the two pools; stored with every scorecard.

    metric: also decides the bounds of epsilon and the ends of the interval, whatever epsilon.bounds says.
    """

    protocol: ScoringProtocol = ScoringProtocol.held_out  # the one that ranks
    epsilon: EpsilonOptions = EpsilonOptions()
    interval_level: float = 0.95
    interval_resamples: int = 32
    interval_split_seeds: int = 1
    metric: MetricVersion = MetricVersion.lacuna_2  # needs outputs on the forget set alone

    def __post_init__(self) -> None:
        object.__setattr__(self, "protocol", read_name(ScoringProtocol, self.protocol, "protocol"))
        object.__setattr__(self, "metric", read_name(MetricVersion, self.metric, "metric"))
        object.__setattr__(self, "epsilon", replace(self.epsilon, bounds=self.metric))
        if not 0 < self.interval_level < 1:
            raise InvalidPool(f"interval_level must be in (0, 1), got {self.interval_level}")
        if self.interval_resamples < 2 or self.interval_split_seeds < 1:
            raise InvalidPool("an interval needs two resamples and one split seed")
