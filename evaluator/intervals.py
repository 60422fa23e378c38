"""An interval for a score, by drawing half of the models of both pools without replacement."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from evaluator.arrays import Floats, Ints


@dataclass(frozen=True, slots=True)
class ScoreInterval:
    """A two-sided interval of the given level, and the standard error it was made from."""

    low: float
    high: float
    level: float
    standard_error: float


Rescore = Callable[[Ints, Ints], float]


def compute_interval(
    estimate: float, rescore: Rescore, *, sizes: tuple[int, int], resamples: int, level: float, seed: int
) -> ScoreInterval:
    """Interval around `estimate` from rescoring random halves of both pools.

    rescore(unlearned, retrained): the score of the models with these indices; sizes: models in each pool.
    Half-sampling without replacement, because drawing with replacement repeats models, which any attack tells
    apart: a plain bootstrap is biased low. The variance over halves of m models, times m / (R - m), estimates
    the variance of the score over fresh pools (Politis, Romano and Wolf 1999; delete-d jackknife).
    Source: docs/metric.md §11.
    """
    rng = np.random.default_rng(seed)
    halves = [size // 2 for size in sizes]
    scores = np.array(
        [
            rescore(*(np.sort(rng.permutation(size)[:half]) for size, half in zip(sizes, halves, strict=True)))
            for _ in range(resamples)
        ]
    )
    error = _spread(scores) * math.sqrt(max(half / (size - half) for size, half in zip(sizes, halves, strict=True)))
    width = float(stdtrit(resamples - 1, 0.5 + level / 2)) * error
    return ScoreInterval(max(estimate - width, 0.0), estimate + width, level, error)


def _spread(scores: Floats) -> float:
    return float(scores.std(ddof=1))
