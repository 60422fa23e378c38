"""What held_out estimates, in closed form, for two Gaussian laws."""

import math

from scipy.special import ndtr, ndtri

from evaluator.errors import InvalidPool

EQUAL_SPREAD = 1e-6
BISECTIONS = 100


def compute_gaussian_epsilon(mean_shift: float, sd_ratio: float = 1.0, alpha: float = 0.05) -> float:
    """epsilon_alpha of N(mean_shift, sd_ratio^2) against N(0, 1): the largest over all regions, either way round.

    mean_shift: in standard deviations of the retrained law. sd_ratio: unlearned over retrained, above 0.
    alpha: least mass that counts, in (0, 0.5]. Returns nats in [0, ln(1 / alpha)].
    The best region is a level of the likelihood ratio (Neyman and Pearson 1933): a half-line for equal spreads,
    otherwise an interval or its complement around the ratio's vertex. Two Gaussians of several dimensions and one
    covariance are as far apart as their Mahalanobis distance, as mean_shift.
    Raises InvalidPool if an argument is out of range. Source: docs/metric.md §6.

    >>> [round(compute_gaussian_epsilon(shift), 2) for shift in (0.0, 0.25, 0.5, 1.0, 2.0)]
    [0.0, 0.49, 0.93, 1.65, 2.55]
    >>> round(compute_gaussian_epsilon(0.0, 0.5), 2)
    1.88
    """
    if not (math.isfinite(mean_shift) and 0 < sd_ratio < math.inf):
        raise InvalidPool(f"a finite shift and a ratio above 0 are needed, got {mean_shift} and {sd_ratio}")
    if not 0 < alpha <= 0.5:
        raise InvalidPool(f"alpha must be in (0, 0.5], got {alpha}")
    ways = ((mean_shift, sd_ratio), (-mean_shift / sd_ratio, 1 / sd_ratio))
    return max(0.0, *(math.log(_find_largest_mass(*way, alpha) / alpha) for way in ways))


def _find_largest_mass(shift: float, ratio: float, alpha: float) -> float:
    """Largest mass under N(shift, ratio^2) of a region of mass alpha under N(0, 1)."""
    if abs(ratio - 1) < EQUAL_SPREAD:
        return float(ndtr(abs(shift) + ndtri(alpha)))
    vertex = -shift / (ratio**2 - 1)
    inside = alpha if ratio < 1 else 1 - alpha
    low, high = 0.0, abs(vertex) + 40.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if _mass_around(vertex, middle) < inside else (low, middle)
    mass = _mass_around((vertex - shift) / ratio, low / ratio)
    return mass if ratio < 1 else 1 - mass


def _mass_around(centre: float, width: float) -> float:
    """Mass of N(0, 1) within `width` of `centre`."""
    return float(ndtr(centre + width) - ndtr(centre - width))
