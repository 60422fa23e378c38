"""The one number that attacks see of a model and an example: the evaluator's formula that a kind names."""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from evaluator import compute_confidence
from evaluator.squared_error import compute_minus_squared_error
from sandbox.kinds.parts import Statistic, Targets

FORMULAS: Mapping[Statistic, Callable[[ArrayLike, ArrayLike], npt.NDArray[np.float64]]] = {
    Statistic.LOG_ODDS: compute_confidence,
    Statistic.MINUS_SQUARED_ERROR: compute_minus_squared_error,
}


def compute_statistic(targets: Targets, outputs: ArrayLike, y: ArrayLike) -> npt.NDArray[np.float64]:
    """(R, N) from outputs (R, N, K) and targets (N,)."""
    return FORMULAS[targets.statistic](outputs, y)
