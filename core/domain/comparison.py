"""How likely it is that one scored entry is truly better than another, and would be again: docs/leaderboard.md."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import NormalDist

LEAST_DRAWS = 3
CLEAR = 0.975  # P(truly better) that decides between two: of equal pairs 5 % are told apart
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

    Source: docs/leaderboard.md.
    """
    return compute_t_share(*_find_lead(one, other))


def compute_lead(one: Measured, other: Measured) -> float:
    """How many standard errors of the difference one is ahead of other; 0 if nothing is known.

    Paired draws cancel the noise of the retrained pool, which both share; without them the two standard errors are
    added as if independent, which is too wide.
    """
    return _find_lead(one, other)[0]


def compute_replication(probability: float) -> float:
    """P(one would score more if both ran again), from P(one is truly better), in [0, 1].

    The new difference has the noise of the old one once more: it lies sqrt(2) times as far around what was measured.
    """
    if not 0 < probability < 1:
        return probability
    return NORMAL.cdf(NORMAL.inv_cdf(probability) / math.sqrt(2))


@dataclass(frozen=True, slots=True)
class Difference:
    """Of two scores, the second minus the first; `error` is its standard error, None if too few replicas ran."""

    value: float
    error: float | None
    is_paired: bool
    second_is_better: float  # probability


def compute_difference(first: Measured, second: Measured) -> Difference:
    error, freedom = _find_error(first, second)
    return Difference(
        value=second.score - first.score,
        error=None if error == math.inf else error,
        is_paired=freedom is not None,
        second_is_better=compute_probability_better(second, first),
    )


def compute_t_share(ratio: float, freedom: int | None) -> float:
    """The share of a t distribution below `ratio`; normal if freedom is None.

    Wallace's normal approximation (1959), within 0.0005 from ten degrees of freedom on.
    """
    if freedom is None:
        return _find_normal_share(ratio)
    if math.isinf(ratio):
        return 1.0 if ratio > 0 else 0.0
    size = math.sqrt(freedom * math.log1p(ratio**2 / freedom)) * (8 * freedom + 1) / (8 * freedom + 3)
    return _find_normal_share(math.copysign(size, ratio))


def _find_lead(one: Measured, other: Measured) -> tuple[float, int | None]:
    difference = one.score - other.score
    error, freedom = _find_error(one, other)
    if error == math.inf or difference == 0:
        return 0.0, freedom
    return math.copysign(math.inf, difference) if error == 0 else difference / error, freedom


def _find_error(one: Measured, other: Measured) -> tuple[float, int | None]:
    """Standard error of the difference, and its degrees of freedom where it came from paired draws."""
    if one.error is None or other.error is None:
        return math.inf, None
    if len(one.draws) != len(other.draws) or len(one.draws) < LEAST_DRAWS:
        return math.hypot(one.error, other.error), None
    differences = [left - right for left, right in zip(one.draws, other.draws, strict=True)]
    return max(one.scale, other.scale) * _find_spread(differences), len(one.draws) - 1


def _find_spread(values: Sequence[float]) -> float:
    """Standard deviation by two passes of plain floats: `statistics` adds fractions, twenty times slower."""
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum([(value - mean) ** 2 for value in values]) / (len(values) - 1))


def _find_normal_share(ratio: float) -> float:
    return 0.5 * math.erfc(-ratio / math.sqrt(2.0))
