"""Whether an entry's place relative to a rival is decided, after any number of looks at growing pools."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

import numpy as np

from evaluator.errors import InvalidPool
from evaluator.intervals import DRAWN
from evaluator.intervals import LEAST_REPLICAS as LEAST_DRAWN
from evaluator.rescoring import compute_ranked
from evaluator.scored_pool import ScoredPool, check_scored
from evaluator.spec import ScoringSpec

LOOK_RESAMPLES = 64  # noise of the standard error is looked at again and again: with 32, 56 looks err in 6 %
LEAST_REPLICAS = 16  # of a look: below this neither the score nor its spread is close to what it will become


class Standing(StrEnum):
    """Where an entry stands relative to its rival."""

    ahead = "ahead"
    behind = "behind"
    open = "open"


@dataclass(frozen=True, slots=True)
class Look:
    """Entry's score minus rival's, each from its first `replicas` models, and the standard error of that."""

    replicas: int
    difference: float
    standard_error: float

    def __post_init__(self) -> None:
        if self.replicas < 1 or not math.isfinite(self.difference):
            raise InvalidPool("a look needs at least one replica and a finite difference")
        if not self.standard_error >= 0:
            raise InvalidPool(f"a standard error must be >= 0, got {self.standard_error}")


@dataclass(frozen=True, slots=True)
class PlaceDecision:
    """The first look that decided, or the last one; the interval holds the difference at all looks at once."""

    standing: Standing
    replicas: int
    difference: float
    low: float
    high: float


def decide_place(looks: Sequence[Look], *, alpha: float = 0.05, min_replicas: int = 64) -> PlaceDecision:
    """Decide at the first look whose interval leaves out 0: ahead, behind, or still open.

    looks: in order of replicas, which grow; any number, at any times, also chosen after seeing earlier ones.
    alpha: chance, in (0, 1), of ever deciding between two entries that are equal, over all looks together.
    min_replicas: a look at fewer models decides nothing; the boundary is tuned to this number.
    Returns the decision with the difference and its (1 - alpha) interval, in units of the score.
    Raises InvalidPool if an option is out of range, there is no look, or the replicas do not grow.
    Assumes many replicas: the error of a difference is close to normal, its standard error close to the truth.
    Source: docs/adaptive.md; asymptotic confidence sequences of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas,
    Annals of Statistics 52 (2024), Theorem 2.2.

    >>> decide_place([Look(72, -0.05, 0.03), Look(136, -0.08, 0.02)]).standing.value
    'behind'
    """
    if not 0 < alpha < 1:
        raise InvalidPool(f"alpha must be in (0, 1), got {alpha}")
    if min_replicas < LEAST_REPLICAS:
        raise InvalidPool(f"min_replicas must be at least {LEAST_REPLICAS}, got {min_replicas}")
    if any(later.replicas <= earlier.replicas for earlier, later in pairwise(looks)):
        raise InvalidPool("looks must come in order of their replicas, which grow")
    if not looks:
        raise InvalidPool("there is no look to decide by")
    decisions = [_decide(look, alpha, min_replicas) for look in looks]
    return next((decision for decision in decisions if decision.standing is not Standing.open), decisions[-1])


def compute_boundary(replicas: int, *, alpha: float = 0.05, tuned_replicas: int = 64) -> float:
    """How many standard errors a difference must reach after `replicas` models, whatever was looked at before.

    alpha: in (0, 1). tuned_replicas: where it is as narrow as it can be. Returns a multiple, above a z quantile.
    Source: docs/adaptive.md: sqrt(2 (t rho^2 + 1) / (t rho^2) ln(sqrt(t rho^2 + 1) / alpha)).

    >>> round(compute_boundary(64), 2), round(compute_boundary(512), 2)
    (3.04, 3.21)
    """
    if not 0 < alpha < 1 or replicas < 1 or tuned_replicas < 1:
        raise InvalidPool("a boundary needs alpha in (0, 1) and at least one replica")
    twice = -2 * math.log(alpha)
    spent = replicas * (twice + math.log(twice + 1)) / tuned_replicas  # t rho^2
    return math.sqrt(2 * (spent + 1) / spent * (math.log1p(spent) / 2 - math.log(alpha)))


def average_looks(looks: Sequence[Look]) -> Look:
    """The look at the mean difference of several pairs of an original and a request, whose replicas are apart.

    One look is itself. It is about these originals and requests, and these retrained models.
    Raises InvalidPool if there is none.

    >>> average_looks([Look(32, -0.25, 0.03), Look(32, -0.75, 0.04)])
    Look(replicas=64, difference=-0.5, standard_error=0.025)
    """
    if not looks:
        raise InvalidPool("there is no look to average")
    if len(looks) == 1:
        return looks[0]
    return Look(
        replicas=sum(look.replicas for look in looks),
        difference=math.fsum(look.difference for look in looks) / len(looks),
        standard_error=math.hypot(*(look.standard_error for look in looks)) / len(looks),
    )


def compute_look(
    entry: ScoredPool, rival: ScoredPool, retrained: ScoredPool, *, spec: ScoringSpec | None = None
) -> Look:
    """Difference of the scores of two pools of equally many models, and its standard error.

    entry, rival: (R, N) confidences and (R,) accuracies of the first R models of each, the same R: scores of
    different R do not compare. retrained: (R', N), the bank that both are scored against; it is fixed, because the
    board's final order uses the same one.
    spec: its protocol, options and number of parts; 64 parts if not given.
    The error is that of parts drawn without replacement, the same positions of both pools, times sqrt(m / (R - m)),
    the scale that docs/adaptive.md was simulated with; entry and rival run independently, so sharing positions keeps
    the look symmetric at no cost.
    Raises InvalidPool as score does, and if the two pools differ in R. Source: docs/adaptive.md, docs/metric.md §11.
    """
    spec = spec or ScoringSpec(interval_resamples=LOOK_RESAMPLES)
    one, other, bank = (
        check_scored(pool, name) for pool, name in ((entry, "entry"), (rival, "rival"), (retrained, "bank"))
    )
    size = one.replicas
    if other.replicas != size:
        raise InvalidPool(f"the entry has {size} replicas and the rival {len(other.confidences)}: cut them alike")
    difference = compute_ranked(one, bank, spec, spec.epsilon) - compute_ranked(other, bank, spec, spec.epsilon)
    drawn = round(DRAWN * size)
    if size < LEAST_DRAWN:
        return Look(size, difference, math.inf)
    rng = np.random.default_rng(spec.epsilon.seed)
    options = replace(spec.epsilon, split_seeds=spec.interval_split_seeds)

    def draw() -> float:
        models = np.sort(rng.permutation(size)[:drawn])
        left, right = (compute_ranked(pool.take(models), bank, spec, options) for pool in (one, other))
        return left - right

    draws = [draw() for _ in range(spec.interval_resamples)]
    return Look(size, difference, float(np.std(draws, ddof=1)) * math.sqrt(drawn / (size - drawn)))


def _decide(look: Look, alpha: float, min_replicas: int) -> PlaceDecision:
    width = compute_boundary(look.replicas, alpha=alpha, tuned_replicas=min_replicas) * look.standard_error
    low, high = look.difference - width, look.difference + width
    standing = Standing.open
    if look.replicas >= min_replicas and look.standard_error > 0:
        standing = Standing.ahead if low > 0 else Standing.behind if high < 0 else Standing.open
    return PlaceDecision(standing, look.replicas, look.difference, low, high)
