"""For display: the region of confidence that a family of attacks would choose for one forget example.

Chosen on all models at once, by a plain search, so that it can be drawn over both histograms. No score is made from
it: `held_out` chooses on some models and judges on others, and its region moves from fold to fold.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaluator.arrays import Floats, check_vector
from evaluator.choices import SHRINKAGE
from evaluator.errors import InvalidPool
from evaluator.likelihood_ratio import RATIO_LEVELS
from evaluator.spec import Attack, ScoringProtocol, read_name

Part = tuple[float, float]
Bools = NDArray[np.bool_]

EVERYWHERE: Part = (-np.inf, np.inf)
WINDOW_FAMILIES = frozenset({"half_line", "interval", "complement"})
LARGEST = 1e100  # of a confidence: squares stay finite
GRID_POINTS = 1001  # on which the level set of a kernel density is found


class Side(StrEnum):
    """The pool an attacker names when a model's confidence lies inside the region."""

    unlearned = "unlearned"
    retrained = "retrained"


@dataclass(frozen=True, slots=True)
class Region:
    """Confidences that give a pool away; no side and no parts where the attack is no set of confidences."""

    attack: Attack
    predicts: Side | None
    parts: tuple[Part, ...]  # ascending and apart, ends included, the outermost may be infinite
    false_positive_rate: float | None  # share of the other pool that lies inside
    false_negative_rate: float | None  # share of the named pool that lies outside


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A region; of equally good ones that with fewer models of the other pool inside is drawn."""

    merit: float
    wrong: float
    parts: tuple[Part, ...]

    @property
    def worth(self) -> tuple[float, float]:
        return self.merit, -self.wrong


NOTHING = _Candidate(-np.inf, 0.0, ())


@dataclass(frozen=True, slots=True)
class _Rule:
    """How good a region is under a protocol."""

    family: str
    protocol: ScoringProtocol
    alpha: float
    delta: float

    def weigh(self, gain: ArrayLike, cost: ArrayLike, sizes: tuple[int, int]) -> Floats:
        """Merits of regions that hold `gain` and `cost` models of pools of these sizes; -inf: not allowed."""
        inside, wrong = np.asarray(gain, np.float64), np.asarray(cost, np.float64)
        if self.protocol is ScoringProtocol.held_out:
            extra = SHRINKAGE[Attack(self.family)]
            mass = (inside + extra) / (sizes[0] + 2 * extra)
            return np.asarray(mass / np.maximum((wrong + extra) / (sizes[1] + 2 * extra), self.alpha))
        missed, taken = 1 - inside / sizes[0], wrong / sizes[1]
        missed = np.where(inside == sizes[0], 0.0, missed)  # 1 - n / n is 0 in floats too; said for the reader
        with np.errstate(divide="ignore", invalid="ignore"):
            first = np.log(1 - self.delta - taken) - np.log(missed)
            second = np.log(1 - self.delta - missed) - np.log(taken)
        merit = np.nan_to_num(np.fmax(first, second), nan=-np.inf, posinf=np.inf, neginf=-np.inf)
        merit = np.where((missed == 0) != (taken == 0), -np.inf, merit)  # one perfect rate alone is discarded
        return np.where((missed == 0) & (taken == 0), np.inf, merit)


def explain_example(
    unlearned: ArrayLike,
    retrained: ArrayLike,
    *,
    attack: Attack,
    protocol: ScoringProtocol = ScoringProtocol.held_out,
    alpha: float = 0.05,
    delta: float = 1e-5,
) -> Region:
    """The region an attack's family would choose for one forget example, on all models, and its error rates there.

    unlearned, retrained: (R,) and (R',) confidences of that example. alpha: least mass that counts, held_out only;
    delta: slack of the other two protocols.
    Returns parts in units of the confidence. A family that is no set of confidences (`logistic_regression`,
    `below_grid`, `none`), or pools that share their one value, give no parts and no rates.
    Raises InvalidPool if a value is not finite or an option is out of range. O(R^2) time: for pictures.
    Source: docs/metric.md §3, §6 and §7.

    >>> region = explain_example([3.0, 4.0, 5.0], [0.0, 1.0, 2.0], attack=Attack.half_line)
    >>> str(region.predicts), region.parts, region.false_positive_rate
    ('unlearned', ((2.5, inf),), 0.0)
    """
    pools = check_vector(unlearned, "unlearned"), check_vector(retrained, "retrained")
    if max(np.abs(pool).max() for pool in pools) > LARGEST:
        raise InvalidPool(f"a confidence is beyond {LARGEST:g}")
    if not 0 < alpha <= 1 or not 0 <= delta < 1:
        raise InvalidPool(f"alpha must be in (0, 1] and delta in [0, 1), got {alpha} and {delta}")
    attack = read_name(Attack, attack, "attack")
    rule = _Rule(str(attack), read_name(ScoringProtocol, protocol, "protocol"), alpha, delta)
    best, named = NOTHING, None
    if np.unique(np.concatenate(pools)).size > 1:
        for side, (gain, cost) in zip(Side, (pools, pools[::-1]), strict=True):
            found = _choose(gain, cost, rule)
            if found.worth > best.worth:
                best, named = found, side
    return _measure(attack, named, best.parts, pools)


def is_inside(values: ArrayLike, parts: tuple[Part, ...]) -> Bools:
    """Which of the (R,) values lie in one of the parts, ends included; returns (R,)."""
    array = np.asarray(values, np.float64)
    inside = np.zeros(array.shape, np.bool_)
    for low, high in parts:
        inside |= (array >= low) & (array <= high)
    return inside


def _measure(attack: Attack, side: Side | None, parts: tuple[Part, ...], pools: tuple[Floats, Floats]) -> Region:
    if side is None or not parts:
        return Region(attack, None, (), None, None)
    named, other = pools if side is Side.unlearned else pools[::-1]
    false_positive, false_negative = is_inside(other, parts).mean(), 1 - is_inside(named, parts).mean()
    return Region(attack, side, parts, float(false_positive), float(false_negative))


def _choose(gain: Floats, cost: Floats, rule: _Rule) -> _Candidate:
    """The family's best region that names the pool `gain`; no parts if it has none."""
    if rule.family in WINDOW_FAMILIES:
        return _choose_window(gain, cost, rule)
    if rule.family == "likelihood_ratio":
        return _choose_level(gain, cost, rule, _compare_gaussians(gain, cost))
    if rule.family == "kernel_density":
        return _choose_level(gain, cost, rule, _compare_kernels(gain, cost))
    if rule.family == "range_guard":  # it names the narrow pool
        return _Candidate(float(np.ptp(cost) - np.ptp(gain)), 0.0, ((float(gain.min()), float(gain.max())),))
    return NOTHING


def _choose_window(gain: Floats, cost: Floats, rule: _Rule) -> _Candidate:
    """Every half-line, interval or complement of one whose ends fall between two values."""
    values = np.unique(np.concatenate([gain, cost]))
    edges = np.concatenate([[-np.inf], values[1:] / 2 + values[:-1] / 2, [np.inf]])
    below = [np.append(np.searchsorted(np.sort(pool), values), pool.size) for pool in (gain, cost)]
    best = NOTHING
    for start, stops in _list_windows(rule.family, values.size):
        right, wrong = (count[stops] - count[start] for count in below)
        if rule.family == "complement":
            right, wrong = gain.size - right, cost.size - wrong
        merits = rule.weigh(right, wrong, (gain.size, cost.size))
        at = int(np.lexsort((wrong, -merits))[0])
        found = _Candidate(float(merits[at]), float(wrong[at]), ())
        if found.worth > best.worth:
            best = replace(found, parts=_name_parts(rule.family, edges[start], edges[stops[at]]))
    return best


def _list_windows(family: str, values: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Starts, each with the stops that go with it; a window from s to t holds the values s to t - 1."""
    if family == "half_line":
        yield 0, np.arange(1, values)
        for start in range(1, values):
            yield start, np.array([values])
        return
    for start in range(1, values - 1):
        yield start, np.arange(start + 1, values)


def _name_parts(family: str, low: float, high: float) -> tuple[Part, ...]:
    low, high = float(low), float(high)
    return ((-np.inf, low), (high, np.inf)) if family == "complement" else ((low, high),)


@dataclass(frozen=True, slots=True)
class _Comparison:
    """A log ratio of densities: large where a model is more likely of the pool to be named."""

    at: Callable[[Floats], Floats]
    find_parts: Callable[[float], tuple[Part, ...]]  # where it is at least this large


def _choose_level(gain: Floats, cost: Floats, rule: _Rule, ratio: _Comparison) -> _Candidate:
    """The best set {ratio >= level}, with levels at multiples of alpha of the other pool."""
    gain_score, cost_score = ratio.at(gain), np.sort(ratio.at(cost))
    best, level = NOTHING, np.inf
    for multiple in RATIO_LEVELS:
        kept = min(max(round(multiple * rule.alpha * cost.size), 1), cost.size)
        next_score = cost_score[-kept - 1] if kept < cost.size else cost_score[0] - 1
        threshold = float(cost_score[-kept] + next_score) / 2  # in the gap, so that rounding moves no model
        right, wrong = (gain_score >= threshold).sum(), (cost_score >= threshold).sum()
        found = _Candidate(float(rule.weigh(right, wrong, (gain.size, cost.size))), float(wrong), ())
        if found.worth > best.worth:
            best, level = found, threshold
    return replace(best, parts=ratio.find_parts(level)) if best.merit > -np.inf else NOTHING


def _compare_gaussians(gain: Floats, cost: Floats) -> _Comparison:
    """Log ratio of two fitted Gaussians: a parabola, whose level sets are half-lines, intervals or complements."""
    both = np.concatenate([gain, cost])
    centre, spread = float(both.mean()), float(np.ptp(both))
    (gain_mean, gain_variance), (cost_mean, cost_variance) = (
        (float(scaled.mean()), max(float(scaled.var()), 1e-8))
        for scaled in ((gain - centre) / spread, (cost - centre) / spread)
    )
    square = 0.5 / cost_variance - 0.5 / gain_variance
    linear = gain_mean / gain_variance - cost_mean / cost_variance

    def at(values: Floats) -> Floats:
        scaled = (values - centre) / spread
        return np.asarray((square * scaled + linear) * scaled)

    def find_parts(level: float) -> tuple[Part, ...]:
        return tuple(
            (centre + spread * low, centre + spread * high) for low, high in solve_parabola(square, linear, -level)
        )

    return _Comparison(at, find_parts)


def solve_parabola(square: float, linear: float, constant: float) -> tuple[Part, ...]:
    """The parts where square x^2 + linear x + constant >= 0.

    >>> solve_parabola(-1.0, 0.0, 4.0)
    ((-2.0, 2.0),)
    """
    if square == 0:
        if linear == 0:
            return (EVERYWHERE,) if constant >= 0 else ()
        root = -constant / linear
        return ((root, np.inf),) if linear > 0 else ((-np.inf, root),)
    discriminant = linear**2 - 4 * square * constant
    if discriminant < 0:
        return (EVERYWHERE,) if square > 0 else ()
    half = -(linear + np.copysign(np.sqrt(discriminant), linear)) / 2  # without cancellation
    low, high = sorted((float(half / square), float(constant / half) if half else 0.0))
    return ((-np.inf, low), (high, np.inf)) if square > 0 else ((low, high),)


def _compare_kernels(gain: Floats, cost: Floats) -> _Comparison:
    """Log ratio of two Gaussian kernel densities of Scott's bandwidth; its level sets are read off a grid."""
    both = np.concatenate([gain, cost])
    floor = 1e-3 * float(np.ptp(both))
    widths = [max(float(pool.std()) * pool.size**-0.2, floor) for pool in (gain, cost)]
    grid = np.linspace(both.min() - 3 * max(widths), both.max() + 3 * max(widths), GRID_POINTS)

    def at(values: Floats) -> Floats:
        return _log_density(values, gain, widths[0]) - _log_density(values, cost, widths[1])

    def find_parts(level: float) -> tuple[Part, ...]:
        inside = at(grid) >= level
        middles = np.concatenate([[-np.inf], (grid[1:] + grid[:-1]) / 2, [np.inf]])
        steps = np.diff(np.concatenate([[False], inside, [False]]).astype(np.int8))
        return tuple(
            (float(middles[start]), float(middles[stop]))
            for start, stop in zip(np.flatnonzero(steps == 1), np.flatnonzero(steps == -1), strict=True)
        )

    return _Comparison(at, find_parts)


def _log_density(values: Floats, models: Floats, width: float) -> Floats:
    """Log of a kernel density at each value, up to a constant that both pools share."""
    powers = -0.5 * ((values[:, None] - models) / width) ** 2
    top = powers.max(axis=1, keepdims=True)
    return np.asarray(top[:, 0] + np.log(np.exp(powers - top).mean(axis=1)) - np.log(width))
