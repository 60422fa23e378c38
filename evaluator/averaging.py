"""One score of several: every original with every forget request is scored apart, and their mean ranks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluator.arrays import Floats
from evaluator.contests import ContestInterval, compute_contest_interval
from evaluator.errors import InvalidPool
from evaluator.scoring import Scorecard

Cards = Sequence[Sequence[Scorecard]]


@dataclass(frozen=True, slots=True)
class AveragedScore:
    """The mean over K originals and Q requests, its interval, and what two entries are compared by.

    draws: their standard deviation is the error of the mean over replicas, and whatever its scores differ by on top;
    of two entries of one contest they are paired, and so is that of the difference.
    """

    score: float
    corrected: float
    interval: ContestInterval
    scores: Floats  # (K, Q)
    errors: Floats  # (K, Q), over fresh models of both pools
    draws: tuple[float, ...]

    @property
    def low(self) -> float:
        return max(self.interval.low, 0.0)

    @property
    def high(self) -> float:
        return max(min(self.interval.high, 1.0), self.score)


def average_scores(cards: Cards) -> AveragedScore:
    """Mean of the scores of every original (K rows) with every request (Q columns), two or more of them in all.

    All originals of a request were scored against the same retrained pool, drawn by the same seed.
    Raises InvalidPool if the rows are not of one length, there is one score alone, or a pool is too small to be drawn
    from.
    Source: docs/metric.md §14.
    """
    if len({len(row) for row in cards}) != 1:
        raise InvalidPool("a mean is over every original with every request")
    drawn = {len(card.interval.draws) for row in cards for card in row}
    if len(drawn) != 1 or 0 in drawn:
        raise InvalidPool("every original with every request needs at least three replicas")
    return average_draws(
        np.array([[card.score for card in row] for row in cards]),
        np.array([[card.interval.standard_error for card in row] for row in cards]),
        np.array([[card.interval.draws for card in row] for row in cards]),
        corrected=np.array([[card.corrected for card in row] for row in cards]),
        level=cards[0][0].interval.level,
    )


def average_draws(
    scores: Floats, errors: Floats, draws: Floats, *, corrected: Floats | None = None, level: float = 0.95
) -> AveragedScore:
    """The same of numbers: (K, Q) scores and their errors, and (K, Q, B) what they were in B drawn parts of the pools.

    corrected: (K, Q) scores without bias; none by default.
    Raises InvalidPool if there is one score alone, or the shapes disagree.
    Source: docs/metric.md §14.
    """
    if scores.size < 2 or draws.shape[:2] != scores.shape:
        raise InvalidPool("a mean is over two scores or more, each with its draws")
    spread = draws.std(axis=2, ddof=1)
    scale = np.divide(errors, spread, out=np.zeros_like(errors), where=spread > 0)
    moved = (draws - draws.mean(axis=2, keepdims=True)) * scale[:, :, None]  # in units of error
    interval = compute_contest_interval(scores, errors, shared=_find_shared(errors, moved), level=level)
    return AveragedScore(
        score=interval.estimate,
        corrected=float(np.mean(scores if corrected is None else corrected)),
        interval=interval,
        scores=scores,
        errors=errors,
        draws=_join_draws(scores, moved),
    )


def _find_shared(errors: Floats, moved: Floats) -> Floats:
    """(Q,) the error that the originals of a request have in common, as one retrained pool was drawn for all of them.

    The mean of K errors has the variance shared^2 + own^2 / K where each has shared^2 + own^2.
    """
    originals = len(errors)
    if originals == 1:
        return np.zeros(errors.shape[1])
    each = (errors**2).mean(axis=0)
    of_mean = moved.mean(axis=0).var(axis=1, ddof=1)
    own = (each - of_mean) * originals / (originals - 1)
    return np.asarray(np.sqrt(np.clip(each - own, 0.0, each)))


def _join_draws(scores: Floats, moved: Floats) -> tuple[float, ...]:
    """The mean, moved in three ways: as its drawn parts do, as its originals do, as its requests do.

    Everything is linear in the scores: the draws of a difference of two entries are the difference of their draws.
    """
    originals, requests = scores.shape
    mean = scores.mean()
    blocks = [moved.mean(axis=(0, 1)) / math.sqrt(moved.shape[2] - 1)]
    blocks += [(scores.mean(axis=1) - mean) / math.sqrt(originals * (originals - 1))] if originals > 1 else []
    blocks += [(scores.mean(axis=0) - mean) / math.sqrt(requests * (requests - 1))] if requests > 1 else []
    ways = np.concatenate(blocks)
    return tuple((mean + ways * math.sqrt(ways.size - 1)).tolist())
