"""An interval for a score, by drawing three fifths of the models of both pools without replacement."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from evaluator.arrays import Ints


@dataclass(frozen=True, slots=True)
class ScoreInterval:
    """A two-sided interval of the given level, and what it was made from.

    standard_error: of the score over fresh models of both pools. draws: the score of each drawn part. Two scores
    from pools of the same sizes and the same seed had the same models drawn, so their draws are paired.
    """

    low: float
    high: float
    level: float
    standard_error: float
    draws: tuple[float, ...] = ()


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
    What is drawn of a pool follows from the seed and that pool's size alone.
    Source: docs/metric.md §11.
    """
    if min(sizes) < LEAST_REPLICAS:
        return ScoreInterval(0.0, math.inf, level, math.inf)
    # Streams of their own: the folds are drawn from the same seed.
    left, right = (np.random.default_rng([seed, pool]) for pool in (1, 2))
    scores = [rescore(_draw(left, sizes[0]), _draw(right, sizes[1])) for _ in range(resamples)]
    scale = max(part / (size - part) for size, part in ((size, count_drawn(size)) for size in sizes))
    error = float(np.std(scores, ddof=1)) * math.sqrt(scale)
    width = float(stdtrit(resamples - 1, 0.5 + level / 2)) * error
    return ScoreInterval(max(estimate - width, 0.0), estimate + width, level, error, tuple(scores))


def count_drawn(size: int) -> int:
    """How many of a pool's models one draw takes."""
    return max(2, min(round(DRAWN * size), size - 1))


def _draw(rng: np.random.Generator, size: int) -> Ints:
    return np.sort(rng.permutation(size)[: count_drawn(size)])
