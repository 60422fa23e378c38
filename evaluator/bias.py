"""A score without the part of its bias that more models would remove."""

import math
from collections.abc import Sequence

from evaluator.intervals import count_drawn


def correct_bias(estimate: float, draws: Sequence[float], *, sizes: tuple[int, int], most: float) -> float:
    """The score extrapolated to more models by the delete-d jackknife, between 0 and `most`.

    draws: scores of random parts of both pools, as in ScoreInterval; sizes: models in each pool; most: the largest
    score there can be, the utility. The mean over parts of m models lies away from the score of all R by about
    (R - m) / m of the score's own bias, if that falls as 1 / R; it falls more slowly, so some is left.
    Without draws, for fewer than three replicas, the estimate itself.
    Source: Quenouille 1956; docs/metric.md §11.

    >>> round(correct_bias(0.60, [0.62, 0.64], sizes=(10, 10), most=1.0), 3)
    0.555
    """
    if not draws:
        return estimate
    scale = max(part / (size - part) for size, part in ((size, count_drawn(size)) for size in sizes))
    corrected = estimate + scale * (estimate - math.fsum(draws) / len(draws))
    return min(max(corrected, 0.0), max(most, estimate))
