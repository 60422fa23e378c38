"""The options of a score: which attacks, how much slack, how uncertainty is measured."""

from dataclasses import dataclass
from enum import StrEnum

from evaluator.errors import InvalidPool

METRIC_VERSION = "lacuna-1"
BUCKET_WIDTH = 0.5
EPSILON_CAP = 50.0


class ScoringProtocol(StrEnum):
    """How two pools become one epsilon per forget example."""

    held_out = "held_out"
    neurips2023 = "neurips2023"
    exact = "exact"


class Attack(StrEnum):
    """The region that told the two pools apart."""

    none = "none"
    half_line = "half_line"
    interval = "interval"
    complement = "complement"
    likelihood_ratio = "likelihood_ratio"
    range_guard = "range_guard"  # neurips2023: one pool is under 1 % as wide as the other
    below_grid = "below_grid"  # neurips2023: both pools fit between two thresholds; the published code fails


@dataclass(frozen=True, slots=True)
class EpsilonOptions:
    """Everything an epsilon depends on beside the two pools."""

    delta: float = 1e-5
    alpha: float = 0.05
    folds: int = 5
    split_seeds: int = 4
    seed: int = 0
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if not 0 <= self.delta < 1:
            raise InvalidPool(f"delta must be in [0, 1), got {self.delta}")
        if not 0 < self.alpha <= 0.5:
            raise InvalidPool(f"alpha must be in (0, 0.5], got {self.alpha}")
        if self.folds < 2 or self.split_seeds < 1:
            raise InvalidPool("at least two folds and one split seed are needed")
        if not 0 < self.confidence < 1:
            raise InvalidPool(f"confidence must be in (0, 1), got {self.confidence}")


@dataclass(frozen=True, slots=True)
class ScoringSpec:
    """Everything a score depends on beside the two pools; stored with every scorecard."""

    protocol: ScoringProtocol = ScoringProtocol.held_out  # the one that ranks
    epsilon: EpsilonOptions = EpsilonOptions()
    interval_level: float = 0.95
    interval_resamples: int = 32
    interval_split_seeds: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.interval_level < 1:
            raise InvalidPool(f"interval_level must be in (0, 1), got {self.interval_level}")
        if self.interval_resamples < 2 or self.interval_split_seeds < 1:
            raise InvalidPool("an interval needs two resamples and one split seed")
