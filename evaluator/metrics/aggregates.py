"""Single numbers made of several metrics: Avg. Gap, Avg.D and Sum."""

import math
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, stdtrit

from evaluator.arrays import Floats, check_vector
from evaluator.errors import InvalidPool

ROOT = math.sqrt(2 * math.pi)


@dataclass(frozen=True, slots=True)
class Percents:
    """Means over a pool, all in percent."""

    unlearning: float  # UA; FA is 100 - UA
    retain: float  # RA
    test: float  # TA
    mia_eff: float
    mia_sfr: float

    def __post_init__(self) -> None:
        if not all(math.isfinite(value) and 0 <= value <= 100 for value in astuple(self)):
            raise InvalidPool(f"the metrics that are averaged must be percents in [0, 100], got {self}")


def compute_avg_gap(unlearned: Percents, retrained: Percents) -> float:
    """Avg. Gap: the mean of the absolute differences in UA, MIA-eff, RA and TA, in percent points; lower is better.

    Source: docs/metrics.md §5, SalUn and UGradSL.

    >>> compute_avg_gap(Percents(5, 100, 92, 14, 0), Percents(6, 100, 94, 13, 0))
    1.0
    """
    pairs = (
        (unlearned.unlearning, retrained.unlearning),
        (unlearned.mia_eff, retrained.mia_eff),
        (unlearned.retain, retrained.retain),
        (unlearned.test, retrained.test),
    )
    return sum(abs(ours - theirs) for ours, theirs in pairs) / len(pairs)


def compute_avg_d(unlearned: Percents, retrained: Percents) -> float:
    """Avg.D: the mean of the absolute differences in FA, RA, TA and MIA-sfr, in percent points; lower is better.

    Source: docs/metrics.md §5, SFR-on.

    >>> compute_avg_d(Percents(5, 100, 92, 0, 70), Percents(6, 100, 94, 0, 75))
    2.0
    """
    pairs = (
        (100 - unlearned.unlearning, 100 - retrained.unlearning),
        (unlearned.retain, retrained.retain),
        (unlearned.test, retrained.test),
        (unlearned.mia_sfr, retrained.mia_sfr),
    )
    return sum(abs(ours - theirs) for ours, theirs in pairs) / len(pairs)


def compute_sum(unlearned: Percents) -> float:
    """Sum: UA + MIA-eff + RA + TA, in [0, 400]; higher is better.

    Source: docs/metrics.md §5, UGradSL's complete unlearning.

    >>> compute_sum(Percents(5, 100, 92, 14, 0))
    211
    """
    return unlearned.unlearning + unlearned.mia_eff + unlearned.retain + unlearned.test


@dataclass(frozen=True, slots=True)
class ModelPercents:
    """Percents of single models: (R,) each, or fewer where a metric is taken over the first models only."""

    unlearning: ArrayLike
    retain: ArrayLike
    test: ArrayLike
    mia_eff: ArrayLike
    mia_sfr: ArrayLike

    def gap_columns(self) -> list[Floats]:
        """UA, MIA-eff, RA, TA: what Avg. Gap and Sum are made of."""
        return [_check(values) for values in (self.unlearning, self.mia_eff, self.retain, self.test)]

    def d_columns(self) -> list[Floats]:
        """UA, RA, TA, MIA-sfr: FA's gap is UA's."""
        return [_check(values) for values in (self.unlearning, self.retain, self.test, self.mia_sfr)]


@dataclass(frozen=True, slots=True)
class AggregateInterval:
    """A two-sided interval in percent points, and the standard error it was made from."""

    low: float
    high: float
    standard_error: float


def compute_avg_gap_interval(
    unlearned: ModelPercents, retrained: ModelPercents, *, level: float = 0.95
) -> AggregateInterval:
    """Interval of the Avg. Gap that endlessly many models of both pools would have, in percent points.

    unlearned, retrained: percents of single models; both pools' noise counts. Raises InvalidPool if a column holds
    fewer than two models or what is no percent. Source: docs/metrics.md §5.
    """
    return _surround_gap(unlearned.gap_columns(), retrained.gap_columns(), level)


def compute_avg_d_interval(
    unlearned: ModelPercents, retrained: ModelPercents, *, level: float = 0.95
) -> AggregateInterval:
    """Interval of Avg.D, in percent points, as compute_avg_gap_interval has it of Avg. Gap; raises the same.

    Source: docs/metrics.md §5.
    """
    return _surround_gap(unlearned.d_columns(), retrained.d_columns(), level)


def compute_sum_interval(unlearned: ModelPercents, *, level: float = 0.95) -> AggregateInterval:
    """Interval of Sum over endlessly many models, in percent points, within [0, 400]; raises the same.

    Source: docs/metrics.md §5.
    """
    columns = unlearned.gap_columns()
    total = sum(float(values.mean()) for values in columns)
    error = math.sqrt(max(float(_covary(columns).sum()), 0.0))
    width = _find_quantile(columns, (1 + level) / 2) * error
    return AggregateInterval(max(total - width, 0.0), min(total + width, 400.0), error)


def _surround_gap(ours: list[Floats], theirs: list[Floats], level: float) -> AggregateInterval:
    """A mean of absolute differences is too large by the noise that is folded over at 0, and worst where all are 0.

    Hence the mean excess of a folded normal is taken off the lower end, and that end is 0 if none of the gaps alone
    is beyond its own noise. The error is never taken to be smaller than that of independent gaps: signs are guessed.
    """
    gaps = np.array([left.mean() - right.mean() for left, right in zip(ours, theirs, strict=True)])
    covariance = _covary(ours) + _covary(theirs)
    errors, signs = np.sqrt(np.diag(covariance)), np.sign(gaps)
    error = math.sqrt(max(float(signs @ covariance @ signs), float(np.sum(errors**2)))) / gaps.size
    width = _find_quantile([*ours, *theirs], (1 + level) / 2) * error
    alone = _find_quantile([*ours, *theirs], 1 - (1 - level) / (2 * gaps.size))
    estimate, high = float(np.abs(gaps).mean()), float(np.abs(gaps).mean()) + width
    beyond = bool((np.abs(gaps) > alone * errors).any())
    low = max(estimate - _find_folded(gaps, errors) - width, 0.0) if beyond else 0.0
    return AggregateInterval(low, min(high, 100.0), error)


def _find_folded(gaps: Floats, errors: Floats) -> float:
    """Mean over gaps of E|X| - |gap| for X normal around the gap."""
    ratio = np.abs(gaps) / np.where(errors > 0, errors, 1.0)
    return float(np.mean(2 * errors * (np.exp(-0.5 * ratio**2) / ROOT - ratio * ndtr(-ratio))))


def _covary(columns: list[Floats]) -> Floats:
    """Covariances of the columns' means; of two columns the models that both hold are paired."""
    covariance = np.empty((len(columns), len(columns)))
    for row, left in enumerate(columns):
        for column, right in enumerate(columns):
            shared = min(left.size, right.size)
            paired = np.cov(left[:shared], right[:shared])[0, 1]
            covariance[row, column] = paired / max(left.size, right.size)
    return covariance


def _find_quantile(columns: list[Floats], share: float) -> float:
    return float(stdtrit(min(values.size for values in columns) - 1, share))


def _check(percents: ArrayLike) -> Floats:
    values = check_vector(percents, "percents of single models")
    if values.size < 2 or values.min() < 0 or values.max() > 100:
        raise InvalidPool("an interval needs percents in [0, 100] of two models or more")
    return values
