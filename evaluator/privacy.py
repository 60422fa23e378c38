"""Gaussian differential privacy: the difference of two laws as one shift between two unit Gaussians."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from evaluator.arrays import Floats, Ints, Pool, check_pools
from evaluator.held_out import HeldOutCounts, compute_held_out_counts
from evaluator.logistic import check_features
from evaluator.spec import EpsilonOptions


def compute_gaussian_mu(
    unlearned: Pool,
    retrained: Pool,
    *,
    options: EpsilonOptions | None = None,
    features: tuple[ArrayLike | None, ArrayLike | None] = (None, None),
) -> Floats:
    """Shift mu between two unit Gaussians that are as easy to tell apart as the pools, per forget example.

    unlearned, retrained: (R, N) confidences; the same N >= 1; R >= 2 in each and may differ.
    options: folds, split_seeds, seed and alpha of held_out, which chooses the region and counts it on other models.
    features: (R, N, F) outputs of both pools, which Attack.logistic_regression needs.
    Returns (N,) mu >= 0, no unit: ndtri(1 - FPR) - ndtri(FNR) of the chosen region, so a lower estimate wherever
    another region tells more; finite for pools that share no value.
    Raises InvalidPool if a value is not finite or the shapes disagree.
    Source: Dong, Roth and Su 2022; docs/metric.md §11.

    >>> compute_gaussian_mu([[0.0]] * 20, [[1.0]] * 20).round(2).tolist()
    [3.38]
    """
    left, right = check_pools(unlearned, retrained)
    return compute_mu(
        compute_held_out_counts(left, right, options or EpsilonOptions(), check_features(*features, (left, right)))
    )


def compute_mu(counts: HeldOutCounts) -> Floats:
    """(N,) mu of counts pooled over folds, averaged over split seeds, at least 0."""
    gained = ndtri(_smooth(counts.gain, counts.gain_size))
    paid = ndtri(_smooth(counts.cost, counts.cost_size))
    shifts: Floats = np.maximum((gained - paid).mean(axis=1), 0.0)
    return shifts


def _smooth(hits: Ints, size: Ints) -> Floats:
    """A mass that is never 0 or 1, as in docs/metric.md §6."""
    mass: Floats = (hits + 1) / (size + 2)
    return mass
