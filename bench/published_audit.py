"""Two lower bounds of epsilon that privacy auditors publish, from their definitions, one example at a time.

google-deepmind/jax_privacy (jax_privacy.auditing, `epsilon_clopper_pearson` and `epsilon_from_gdp`) has both; this is
written anew from what they say they compute. Scores of one pool should be higher; `audit_both_ways` tries both pools.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import beta, norm

Array = NDArray[np.float64]
MOST = 100.0


def bound_by_thresholds(high: Array, low: Array, *, error: float, delta: float) -> float:
    """max over thresholds of ln((1 - FNR - delta) / FPR), both rates at their Clopper-Pearson upper ends.

    Each end has error / (2 T), T the corners of the concave hull of the ROC curve; all other thresholds are left out.
    """
    missed, wrong = count_corners(high, low)
    of_missed, of_wrong = bound_rates((missed, wrong), (high.size, low.size), error / (2 * missed.size))
    held = 1 - of_missed - delta
    return float(np.log(held[held > 0] / of_wrong[held > 0]).max(initial=0.0))


def bound_by_gaussian(high: Array, low: Array, *, error: float, delta: float) -> float:
    """Epsilon at delta of two Gaussians |mu| apart, mu the largest distance of the same ends in normal quantiles."""
    missed, wrong = count_corners(high, low)
    of_missed, of_wrong = bound_rates((missed, wrong), (high.size, low.size), error / (2 * missed.size))
    known = np.maximum(of_missed, of_wrong) < 1 - delta
    if not known.any():
        return 0.0
    mu = float(np.abs(norm.isf(of_wrong[known]) - norm.ppf(of_missed[known])).max())
    return find_gaussian_epsilon(mu, delta)


def find_gaussian_epsilon(mu: float, delta: float) -> float:
    """Epsilon at which two unit Gaussians mu apart have this delta (Dong, Roth and Su 2022, corollary 2.13)."""

    def find_excess(epsilon: float) -> float:
        likely = norm.cdf(-epsilon / mu + mu / 2) - np.exp(epsilon) * norm.cdf(-epsilon / mu - mu / 2)
        return float(likely - delta)

    if mu == 0 or find_excess(0.0) <= 0:
        return 0.0
    return MOST if find_excess(MOST) >= 0 else float(brentq(find_excess, 0.0, MOST))


def audit_both_ways(one: Array, other: Array, rule: str, *, error: float, delta: float) -> float:
    """The largest bound of either pool against the other, by high scores and by low ones, each at a quarter."""
    sides = ((one, other), (other, one), (-one, -other), (-other, -one))
    return max(RULES[rule](high, low, error=error / 4, delta=delta) for high, low in sides)


def count_corners(high: Array, low: Array) -> tuple[Array, Array]:
    """Models of either pool below each threshold at a corner of the hull, from none to all."""
    thresholds = np.append(np.union1d(high, low), np.inf)
    missed, below = (np.searchsorted(np.sort(pool), thresholds).astype(np.float64) for pool in (high, low))
    corners: list[int] = []
    for at in range(thresholds.size):
        while len(corners) > 1 and not turns(missed, below, corners[-2], corners[-1], at):
            corners.pop()
        corners.append(at)
    return missed[corners], low.size - below[corners]


def turns(x: Array, y: Array, first: int, second: int, third: int) -> bool:
    """Whether the curve bends down at the second of three points."""
    return bool((y[second] - y[first]) * (x[third] - x[second]) > (y[third] - y[second]) * (x[second] - x[first]))


def bound_rates(counts: tuple[Array, Array], sizes: tuple[int, int], error: float) -> list[Array]:
    return [
        np.where(count < size, beta.isf(error, count + 1, np.maximum(size - count, 0.5)), 1.0)
        for count, size in zip(counts, sizes, strict=True)
    ]


THRESHOLDS, GAUSSIAN = "thresholds", "gaussian"
RULES = {THRESHOLDS: bound_by_thresholds, GAUSSIAN: bound_by_gaussian}
