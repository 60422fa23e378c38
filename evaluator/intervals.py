"""An interval for a score, by drawing three fifths of the models of both pools without replacement."""

import math
from collections.abc import Callable, Sequence
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
INTERVAL_VERSION = 3  # raise it when the same draws give another interval or corrected score


@dataclass(frozen=True, slots=True)
class Span:
    """Where a value can lie, and how the variance of its estimate falls with the number of models R: R^-decay.

    is_skewed: whether an end reaches as far as the draws do on its own side, if that is further. Where a few models
    that fail together decide, a pool with few of them hides how far others fall.
    """

    least: float = 0.0
    most: float = math.inf
    decay: float = 1.0
    is_skewed: bool = False


def compute_interval(
    estimate: float,
    rescore: Rescore,
    *,
    sizes: tuple[int, int],
    resamples: int,
    level: float,
    seed: int,
    span: Span = Span(),
) -> ScoreInterval:
    """Interval around `estimate` from rescoring random parts of both pools.

    rescore(unlearned, retrained): the score of the models with these indices; sizes: models in each pool.
    Drawn without replacement, because repeated models are something an attack can tell apart: a plain bootstrap
    is biased low. The variance over draws of m models, times R / (R - m), estimates that of the score of m fresh
    models; times (m / R)^decay, that of R (Politis, Romano and Wolf 1999; decay 1 is the delete-d jackknife).
    Where the span has a most, ends are set off in arcsin sqrt(score / most), since near either end a score spreads
    less, and on one side only. Two replicas cannot tell: [least, inf].
    What is drawn of a pool follows from the seed and that pool's size alone.
    Source: docs/metric.md §11.
    """

    def rescore_one(left: Ints, right: Ints) -> tuple[float]:
        return (rescore(left, right),)

    return compute_intervals(
        (estimate,), rescore_one, sizes=sizes, resamples=resamples, level=level, seed=seed, span=span
    )[0]


def compute_intervals(
    estimates: Sequence[float],
    rescore: Callable[[Ints, Ints], Sequence[float]],
    *,
    sizes: tuple[int, int],
    resamples: int,
    level: float,
    seed: int,
    span: Span = Span(),
) -> tuple[ScoreInterval, ...]:
    """compute_interval for several numbers of the same two pools at once, from the same parts.

    estimates: (K,) numbers, of any unit; rescore answers with the same K of a part. Returns K intervals.
    Source: docs/metric.md §11.
    """
    if min(sizes) < LEAST_REPLICAS:
        return tuple(ScoreInterval(span.least, math.inf, level, math.inf) for _ in estimates)
    # Streams of their own: the folds are drawn from the same seed.
    left, right = (np.random.default_rng([seed, pool]) for pool in (1, 2))
    drawn = [rescore(_draw(left, sizes[0]), _draw(right, sizes[1])) for _ in range(resamples)]
    scale = max(_scale(size, span.decay) for size in sizes)
    quantile = float(stdtrit(resamples - 1, 0.5 + level / 2))
    intervals = []
    for estimate, draws in zip(estimates, zip(*drawn, strict=True), strict=True):
        error = float(np.std(draws, ddof=1)) * math.sqrt(scale)
        below, above = (side * math.sqrt(scale) for side in _find_sides(draws)) if span.is_skewed else (error, error)
        low, _ = _find_ends(estimate, max(error, below), quantile, span)
        _, high = _find_ends(estimate, max(error, above), quantile, span)
        intervals.append(ScoreInterval(low, high, level, error, tuple(map(float, draws))))
    return tuple(intervals)


def _scale(size: int, decay: float) -> float:
    """What turns the variance over draws into that over fresh pools of this size."""
    part = count_drawn(size)
    return size / (size - part) * math.pow(part / size, decay)


def _find_sides(draws: Sequence[float]) -> tuple[float, float]:
    """What the deviation would be if the draws lay above their mean as they do below it, and the other way."""
    away = np.asarray(draws, np.float64) - np.mean(draws)
    squares = [2 * float((side**2).sum()) / (away.size - 1) for side in (np.minimum(away, 0), np.maximum(away, 0))]
    return math.sqrt(squares[0]), math.sqrt(squares[1])


def _find_ends(estimate: float, error: float, quantile: float, span: Span) -> tuple[float, float]:
    most = span.most
    if error == 0 or not 0 < most < math.inf:
        return max(estimate - quantile * error, span.least), estimate + quantile * error
    share, spread = min(estimate / most, 1.0), min(error / most, 0.5)
    near = min(max(share, spread), 1 - spread)  # the slope has no bound at the ends
    angle, turn = math.asin(math.sqrt(share)), quantile * spread / math.sqrt(4 * near * (1 - near))
    low, high = max(angle - turn, 0.0), min(angle + turn, math.pi / 2)
    return min(most * math.sin(low) ** 2, estimate), max(most * math.sin(high) ** 2, estimate)


def count_drawn(size: int) -> int:
    """How many of a pool's models one draw takes."""
    return max(2, min(round(DRAWN * size), size - 1))


def _draw(rng: np.random.Generator, size: int) -> Ints:
    return np.sort(rng.permutation(size)[: count_drawn(size)])
