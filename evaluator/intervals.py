"""An interval for a score, by drawing three fifths of the models of both pools without replacement."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from evaluator.arrays import Ints


@dataclass(frozen=True, slots=True)
class ScoreInterval:
    """A two-sided interval of the given level, and the standard error it was made from."""

    low: float
    high: float
    level: float
    standard_error: float


Rescore = Callable[[Ints, Ints], float]

# With half of the models a score is less steep and its spread too small; with more the noise of the splits is blown up.
DRAWN = 0.6
LEAST_REPLICAS = 3


def compute_interval(
    estimate: float, rescore: Rescore, *, sizes: tuple[int, int], resamples: int, level: float, seed: int
) -> ScoreInterval:
    """Interval around `estimate` from rescoring random parts of both pools.

    rescore(unlearned, retrained): the score of the models with these indices; sizes: models in each pool.
    Drawn without replacement, because repeated models are something an attack can tell apart: a plain bootstrap
    is biased low. The variance over draws of m models, times m / (R - m), estimates the variance of the score
    over fresh pools (Politis, Romano and Wolf 1999; delete-d jackknife). Two replicas cannot tell: [0, inf].
    Source: docs/metric.md §11.
    """
    if min(sizes) < LEAST_REPLICAS:
        return ScoreInterval(0.0, math.inf, level, math.inf)
    rng = np.random.default_rng(seed)
    drawn = [max(2, min(round(DRAWN * size), size - 1)) for size in sizes]
    scores = np.array(
        [
            rescore(*(np.sort(rng.permutation(size)[:part]) for size, part in zip(sizes, drawn, strict=True)))
            for _ in range(resamples)
        ]
    )
    scale = max(part / (size - part) for size, part in zip(sizes, drawn, strict=True))
    error = float(scores.std(ddof=1)) * math.sqrt(scale)
    width = float(stdtrit(resamples - 1, 0.5 + level / 2)) * error
    return ScoreInterval(max(estimate - width, 0.0), estimate + width, level, error)
