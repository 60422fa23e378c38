"""What a score over several originals and several forget requests can tell: its interval, and where its noise is."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, stdtrit

from evaluator.arrays import Floats, check_vector
from evaluator.errors import InvalidPool

BANK_FREEDOM = 31  # degrees of freedom of what a request's scores share, known from 32 draws


@dataclass(frozen=True, slots=True)
class ContestNoise:
    """Variances of one score of R replicas, on one original and one request; None: one alone says nothing of it.

    both: what an original and a request do together beyond what each does. bank: of the retrained models, which all
    originals of a request are held against; with one original it is among the replicas'.
    """

    replicas: float
    originals: float | None
    requests: float | None
    both: float | None
    bank: float = 0.0

    def share_out(self, originals: int, requests: int) -> dict[str, float]:
        """What is known of the variance of a mean over so many of each, by source."""
        cells = originals * requests
        parts = {
            "replicas": self.replicas / cells + self.bank / requests,
            "originals": (self.originals or 0.0) / originals,
            "requests": (self.requests or 0.0) / requests,
            "both": (self.both or 0.0) / cells,
        }
        return {name: value for name, value in parts.items() if getattr(self, name) is not None}


@dataclass(frozen=True, slots=True)
class ContestInterval:
    """Mean score over originals and requests, and its interval over fresh ones of what was drawn more than once.

    shares: of the variance of the mean, by source, adding up to 1; empty if nothing varies.
    """

    estimate: float
    low: float
    high: float
    level: float
    standard_error: float
    freedom: float  # degrees of freedom of the standard error
    originals: int
    requests: int
    noise: ContestNoise
    shares: dict[str, float]

    @property
    def is_of_fresh_originals(self) -> bool:
        """Whether the interval allows for another original; of one alone nothing can be said about others."""
        return self.originals > 1

    @property
    def is_of_fresh_requests(self) -> bool:
        return self.requests > 1


def compute_contest_interval(
    scores: ArrayLike, errors: ArrayLike, *, shared: ArrayLike | None = None, level: float = 0.95
) -> ContestInterval:
    """Interval of a mean score, or of a mean difference of two entries' scores, over K originals and Q requests.

    scores: (K, Q), every original with every request; errors: (K, Q), standard error of each over fresh models of both
    pools; shared: (Q,), what the scores of a request have of that in common, as they share its retrained models; none
    by default. Two-way random effects without replication (Scheffe 1959): the variance of the mean is at most
    (MS_K + MS_Q) / KQ, with one request MS_K / K and what is shared; and no less than that of the models alone.
    Degrees of freedom are Satterthwaite's. With one original or one request the interval is about that one; with one
    of both, about fresh replicas only.
    Raises InvalidPool if the shapes disagree, a value is not finite, an error is negative or less than what is shared.
    Source: docs/metric.md §14.

    >>> answer = compute_contest_interval([[0.20, 0.24], [0.26, 0.30]], [[0.01, 0.01], [0.01, 0.01]])
    >>> round(answer.estimate, 2), round(answer.standard_error, 4), round(answer.freedom, 2)
    (0.25, 0.0361, 1.74)
    """
    table, known = _check(scores, "scores"), _check(errors, "errors")
    if table.shape != known.shape or known.min() < 0:
        raise InvalidPool(f"errors must be {table.shape} and not negative, got shape {known.shape}")
    bank = np.zeros(table.shape[1]) if shared is None else check_vector(shared, "shared", length=table.shape[1])
    if bank.min() < 0 or np.any(bank**2 > np.mean(known**2, axis=0) * (1 + 1e-9)):
        raise InvalidPool("what the scores of a request share must be at least 0 and no more than their errors")
    if not 0 < level < 1:
        raise InvalidPool(f"level must be in (0, 1), got {level}")
    originals, requests = table.shape
    noise = estimate_contest_noise(table, known, bank)
    variance, freedom = _find_variance(table, noise)
    error, mean = math.sqrt(variance), float(table.mean())
    width = 0.0 if error == 0 else float(stdtrit(freedom, 0.5 + level / 2)) * error
    parts = noise.share_out(originals, requests)
    total = sum(parts.values())
    return ContestInterval(
        estimate=mean,
        low=mean - width,
        high=mean + width,
        level=level,
        standard_error=error,
        freedom=freedom,
        originals=originals,
        requests=requests,
        noise=noise,
        shares={name: value / total for name, value in parts.items()} if total > 0 else {},
    )


def estimate_contest_noise(scores: Floats, errors: Floats, shared: Floats | None = None) -> ContestNoise:
    """Variances by source from (K, Q) scores, their errors over models, and the (Q,) errors that a request's share.

    None is below 0.
    """
    originals, requests = scores.shape
    bank = 0.0 if shared is None else float(np.mean(shared**2))
    replicas = max(float(np.mean(errors**2)) - bank, 0.0)
    by_original, by_request, rest = _find_mean_squares(scores)
    if originals > 1 and requests > 1:
        return ContestNoise(
            replicas=replicas,
            originals=max(by_original - rest, 0.0) / requests,
            requests=max((by_request - rest) / originals - bank, 0.0),
            both=max(rest - replicas, 0.0),
            bank=bank,
        )
    return ContestNoise(
        replicas=replicas,
        originals=max(by_original - replicas, 0.0) if originals > 1 else None,
        requests=max(by_request - replicas - bank, 0.0) if requests > 1 else None,
        both=None,
        bank=bank,
    )


def compute_agreement(
    gap: float, noise: ContestNoise, *, originals: int, requests: int, replicas: float = 1.0
) -> float:
    """Chance that two contests, run independently, put the same of two entries first.

    gap: difference of the two over endlessly many of everything. noise: of that difference in one cell. originals,
    requests: of each contest; replicas: how many times as many as the noise was measured with, whose variance falls as
    R^-1/2 (docs/metric.md §11). Returns p^2 + (1 - p)^2, p the chance that one contest finds the better one.
    Raises InvalidPool if a number is out of range.

    >>> round(compute_agreement(0.05, ContestNoise(0.0004, 0.0004, 0.0, 0.0), originals=1, requests=1), 3)
    0.926
    """
    if originals < 1 or requests < 1 or replicas <= 0:
        raise InvalidPool("a contest needs an original, a request and replicas")
    scale = math.sqrt(replicas)
    scaled = replace(noise, replicas=noise.replicas / scale, bank=noise.bank / scale)
    spread = math.sqrt(sum(scaled.share_out(originals, requests).values()))
    if spread == 0:
        return 1.0
    better = float(ndtr(gap / spread))
    return better**2 + (1 - better) ** 2


def _check(values: ArrayLike, name: str) -> Floats:
    array = np.asarray(values)
    if array.ndim != 2:
        raise InvalidPool(f"{name} must be (originals, requests), got shape {array.shape}")
    return check_vector(array.ravel(), name).reshape(array.shape)


def _find_mean_squares(scores: Floats) -> tuple[float, float, float]:
    """Of originals, of requests and of what is left; 0 where there is one alone."""
    originals, requests = scores.shape
    mean = scores.mean()
    rows, columns = scores.mean(axis=1) - mean, scores.mean(axis=0) - mean
    left = scores - mean - rows[:, None] - columns
    return (
        requests * float((rows**2).sum()) / max(originals - 1, 1),
        originals * float((columns**2).sum()) / max(requests - 1, 1),
        float((left**2).sum()) / max((originals - 1) * (requests - 1), 1),
    )


def _find_variance(scores: Floats, noise: ContestNoise) -> tuple[float, float]:
    """Of the mean, and its degrees of freedom."""
    originals, requests = scores.shape
    cells = originals * requests
    floor = noise.replicas / cells + noise.bank / requests
    squares = _find_mean_squares(scores)
    # one request's bank moves all of its scores alike, which no mean square sees; those of several are in theirs
    parts = [(squares[0], originals - 1), (squares[1], requests - 1)]
    parts += [(noise.bank * cells, BANK_FREEDOM)] if requests == 1 < originals else []
    found = sum(part for part, _ in parts) / cells
    if found == 0 or cells == 1:
        return floor, math.inf
    spent = sum(part**2 / freedom for part, freedom in parts if freedom)
    return max(found, floor), (found * cells) ** 2 / spent
