"""A score without a part of the bias that more models would remove."""

import math
from collections.abc import Sequence

STEEPNESS = 4  # with 2 the mean error is smaller, and some entries in the middle are made worse by 5 %


def correct_bias(estimate: float, draws: Sequence[float], *, most: float) -> float:
    """The score moved on as it moved from part of the models to all of them, between 0 and `most`.

    draws: scores of random parts of both pools, as in ScoreInterval; most: the largest score there can be, the
    utility. Only near 0 and near `most`, by (2 estimate / most - 1)^4: there noise in epsilon can push a score one
    way alone, so the move is bias. In the middle it pushes both ways, the move tells which bucket's edge is near,
    and following it makes scores worse. Without draws, for fewer than three replicas, the estimate itself.
    Source: docs/metric.md §11; after Quenouille 1956.

    >>> round(correct_bias(0.90, [0.86, 0.88], most=1.0), 4)
    0.9123
    """
    if not draws or most <= 0:
        return estimate
    weight = (2 * min(estimate / most, 1.0) - 1) ** STEEPNESS
    corrected = estimate + weight * (estimate - math.fsum(draws) / len(draws))
    return min(max(corrected, 0.0), max(most, estimate))
