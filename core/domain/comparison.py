"""How likely it is that one scored entry is truly better than another, and would be again: docs/leaderboard.md."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import NormalDist

LEAST_DRAWS = 3
CLEAR = 2.04  # standard errors of lead that decide between two: of equal pairs 5 % are told apart (T31, both sides)
AGAIN = 0.6  # of a lead is left when both run again: 1 / sqrt(2) for twice the noise, less for luck
NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Measured:
    """A score, its standard error over fresh models, and the score of every drawn part of both pools.

    error: None if too few replicas ran to tell. Draws of two entries are paired when there are equally many: the
    same retrained models were drawn for both. scale: what the evaluator multiplied the spread of the draws by, found
    once because a board compares every entry several times.
    """

    score: float
    error: float | None = None
    draws: tuple[float, ...] = ()
    scale: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        spread = _find_spread(self.draws) if len(self.draws) >= LEAST_DRAWS else 0.0
        object.__setattr__(self, "scale", (self.error or 0.0) / spread if spread > 0 else 0.0)


def compute_probability_better(one: Measured, other: Measured) -> float:
    """P(the mean of one over fresh models is above that of other), in [0, 1]; 0.5 if nothing is known.

    The share of a t distribution with three degrees of freedom below the lead: heavier tails than the draws have,
    since a large lead over an entry of nearly the same law is luck more often than noise alone says.
    Source: docs/leaderboard.md.
    """
    return compute_t3_share(compute_lead(one, other))


def compute_lead(one: Measured, other: Measured) -> float:
    """How many standard errors of the difference one is ahead of other; 0 if nothing is known.

    Paired draws cancel the noise of the retrained pool, which both share; without them the two standard errors are
    added as if independent, which is too wide.
    """
    difference, error = one.score - other.score, _find_error(one, other)[0]
    if error == math.inf or difference == 0:
        return 0.0
    return math.copysign(math.inf, difference) if error == 0 else difference / error


def compute_replication(probability: float) -> float:
    """P(one would score more if both ran again), from P(one is truly better), in [0, 1]."""
    if not 0 < probability < 1:
        return probability
    return NORMAL.cdf(AGAIN * NORMAL.inv_cdf(probability))


@dataclass(frozen=True, slots=True)
class Difference:
    """Of two scores, the second minus the first; `error` is its standard error, None if too few replicas ran."""

    value: float
    error: float | None
    is_paired: bool
    lead: float  # of the second, in standard errors
    second_is_better: float  # probability


def compute_difference(first: Measured, second: Measured) -> Difference:
    error, is_paired = _find_error(first, second)
    return Difference(
        value=second.score - first.score,
        error=None if error == math.inf else error,
        is_paired=is_paired,
        lead=compute_lead(second, first),
        second_is_better=compute_probability_better(second, first),
    )


def compute_t3_share(ratio: float) -> float:
    """The share of a t distribution with three degrees of freedom below `ratio`."""
    if math.isinf(ratio):
        return 1.0 if ratio > 0 else 0.0
    unit = ratio / math.sqrt(3)
    return 0.5 + (unit / (1 + unit**2) + math.atan(unit)) / math.pi


def _find_error(one: Measured, other: Measured) -> tuple[float, bool]:
    """Standard error of the difference, and whether it came from paired draws."""
    if one.error is None or other.error is None:
        return math.inf, False
    if len(one.draws) != len(other.draws) or len(one.draws) < LEAST_DRAWS:
        return math.hypot(one.error, other.error), False
    differences = [left - right for left, right in zip(one.draws, other.draws, strict=True)]
    return max(one.scale, other.scale) * _find_spread(differences), True


def _find_spread(values: Sequence[float]) -> float:
    """Standard deviation by two passes of plain floats: `statistics` adds fractions, twenty times slower."""
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum([(value - mean) ** 2 for value in values]) / (len(values) - 1))
