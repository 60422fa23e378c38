"""Bounds of the masses of all windows of one law at once, from how many of R models lie in each.

Between order statistics a law's mass is that of uniform spacings: a span of j steps of R models has a Beta(j, R + 1 -
j) law, whatever the law of the models (no less mass if the span is closed, no more if it is open, where the law has
atoms). A window that holds x models contains a closed span of x - 1 steps, of x if it reaches an end of the line, and
lies in an open one of x + 1. So as many Clopper-Pearson bounds as there are spans bound the mass of every window.
Proof: docs/metric.md §7.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv

from evaluator.arrays import Floats


@dataclass(frozen=True, slots=True)
class WindowMasses:
    """(R + 1,) by models inside: the bounds hold for all half-lines and all windows together, on each side."""

    half_line_lower: Floats
    half_line_upper: Floats
    window_lower: Floats
    window_upper: Floats


def bound_window_masses(models: int, error: float) -> WindowMasses:
    """Bounds from the counts of `models` models; error: chance that a lower one fails anywhere, and an upper one.

    Half of it goes to half-lines, evenly to both ends and all lengths; half to spans, evenly to every length and then
    to the spans of that length, so that the few long ones pay less than the many short ones.
    """
    inside = np.arange(models + 1.0)
    of_half_line = np.full(models + 1, error / (4 * models))
    of_span = error / (2 * models * (models + 1 - inside))
    return WindowMasses(
        half_line_lower=_find_quantile(inside, models + 1 - inside, of_half_line),
        half_line_upper=1 - _find_quantile(models - inside, inside + 1, of_half_line),
        window_lower=_find_quantile(inside - 1, models + 2 - inside, of_span),
        window_upper=1 - _find_quantile(models - inside, inside + 1, of_span),
    )


def bound_by_band(models: int, error: float) -> WindowMasses:
    """The same by moving every mass by twice the distance of Dvoretzky, Kiefer, Wolfowitz and Massart: lacuna-2's.

    error: chance that the distribution function leaves its band.
    """
    inside = np.arange(models + 1.0) / models
    moved = float(2 * np.sqrt(np.log(2 / error) / (2 * models)))
    lower, upper = inside - moved, inside + moved
    return WindowMasses(lower, upper, lower, upper)


def _find_quantile(one: Floats, other: Floats, error: Floats) -> Floats:
    """Quantile of Beta(one, other); 0 where the span has no step."""
    quantiles = np.zeros(one.size)
    known = one > 0
    quantiles[known] = betaincinv(one[known], other[known], error[known])
    return quantiles
