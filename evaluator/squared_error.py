"""Predictions of a number to the statistic that attacks see."""

import numpy as np
from numpy.typing import ArrayLike

from evaluator.arrays import Floats
from evaluator.errors import InvalidPool


def compute_minus_squared_error(predictions: ArrayLike, targets: ArrayLike) -> Floats:
    """Minus the squared error of each prediction, per replica and example: 0 is exact, less is worse.

    predictions: (R, N, 1), any floating dtype, finite; targets: (N,) finite numbers in the same unit.
    Returns (R, N) float64 in that unit squared, never above 0.
    Raises InvalidPool if the shapes disagree or a value is not finite.
    Source: docs/problem-kinds.md.

    >>> compute_minus_squared_error([[[1.0], [2.5]]], [3.0, 2.0]).tolist()
    [[-4.0, -0.25]]
    """
    found, true = np.asarray(predictions, np.float64), np.asarray(targets, np.float64)
    if found.ndim != 3 or found.shape[2] != 1 or true.shape != (found.shape[1],):
        raise InvalidPool(f"predictions of shape {found.shape} do not go with targets of shape {true.shape}")
    if not (np.isfinite(found).all() and np.isfinite(true).all()):
        raise InvalidPool("a prediction or a target is not finite")
    statistic: Floats = -((found[:, :, 0] - true) ** 2)
    return statistic
