"""Unlearning time over retraining time, and the gate on it."""

import math
from dataclasses import dataclass

from numpy.typing import ArrayLike
from scipy.special import ndtri

from evaluator.arrays import Floats, check_vector
from evaluator.errors import InvalidPool


@dataclass(frozen=True, slots=True)
class RelativeRuntime:
    """Mean unlearning seconds over mean retraining seconds, with an interval of the given level."""

    estimate: float
    low: float
    high: float
    level: float


def compute_relative_runtime(
    unlearned_seconds: ArrayLike, retrain_seconds: ArrayLike, *, level: float = 0.95
) -> RelativeRuntime:
    """Ratio of mean seconds per replica, unlearning over retraining.

    unlearned_seconds: (R,), retrain_seconds: (C,) of the calibration run; wall or CPU seconds, both of one kind.
    The interval is normal on the logarithm of the ratio (delta method); a side with one measurement adds no width.
    Raises InvalidPool if a time is negative or not finite, or the retraining took no time.
    Source: docs/metric.md §10.

    >>> compute_relative_runtime([1.0, 1.0], [10.0, 10.0])
    RelativeRuntime(estimate=0.1, low=0.1, high=0.1, level=0.95)
    """
    if not 0 < level < 1:
        raise InvalidPool(f"level must be in (0, 1), got {level}")
    top, bottom = check_vector(unlearned_seconds, "unlearned_seconds"), check_vector(retrain_seconds, "retrain_seconds")
    if top.min() < 0 or bottom.min() < 0 or bottom.mean() == 0:
        raise InvalidPool("seconds must not be negative, and retraining must take time")
    ratio = float(top.mean() / bottom.mean())
    width = float(ndtri(0.5 + level / 2)) * math.hypot(_relative_error(top), _relative_error(bottom))
    return RelativeRuntime(ratio, ratio * math.exp(-width), ratio * math.exp(width), level)


def compute_gated_runtime(*, wall: RelativeRuntime, cpu: RelativeRuntime) -> RelativeRuntime:
    """The one the gate judges: the larger of the wall-clock and the CPU ratio."""
    return max(wall, cpu, key=lambda runtime: runtime.estimate)


def is_over_budget(relative_runtime: float, budget: float) -> bool:
    """Does a relative runtime exceed the compute budget (a fraction of one retraining)? Exactly on it passes.

    Written so that nan is over budget.
    """
    return not relative_runtime <= budget


def _relative_error(seconds: Floats) -> float:
    """Standard error of the mean over the mean."""
    if seconds.size < 2 or seconds.mean() == 0:
        return 0.0
    return float(seconds.std(ddof=1) / math.sqrt(seconds.size) / seconds.mean())
