"""UA, FA, RA, TA and RTE as the literature reports them: one value per model, then mean ± standard error."""

import math
from dataclasses import dataclass

from numpy.typing import ArrayLike

from evaluator.arrays import Floats, check_vector
from evaluator.errors import InvalidPool


@dataclass(frozen=True, slots=True)
class Estimate:
    """The mean over independent models."""

    value: float
    standard_error: float | None  # None for a single model
    models: int


@dataclass(frozen=True, slots=True)
class Percentages:
    """Accuracies of R models in percent; each (R,) in [0, 100]."""

    unlearning: Floats  # UA = 100 - FA
    forget: Floats  # FA
    retain: Floats  # RA
    test: Floats  # TA


def compute_percentages(*, forget: ArrayLike, retain: ArrayLike, test: ArrayLike) -> Percentages:
    """UA, FA, RA and TA of each model.

    forget, retain, test: (R,) accuracies as fractions in [0, 1]. Returns (R,) percents.
    Raises InvalidPool if a value is no fraction or the lengths differ.
    Source: docs/metrics.md §2.

    >>> compute_percentages(forget=[0.75], retain=[1.0], test=[0.5]).unlearning.tolist()
    [25.0]
    """
    forgotten = check_vector(forget, "forget accuracy")
    kept = check_vector(retain, "retain accuracy", length=forgotten.size)
    unseen = check_vector(test, "test accuracy", length=forgotten.size)
    if any(values.min() < 0 or values.max() > 1 for values in (forgotten, kept, unseen)):
        raise InvalidPool("accuracies must be fractions in [0, 1]")
    return Percentages(unlearning=100 * (1 - forgotten), forget=100 * forgotten, retain=100 * kept, test=100 * unseen)


def estimate_mean(values: ArrayLike) -> Estimate:
    """Mean over models and its standard error, s / sqrt(R) with s of R - 1 degrees of freedom.

    values: (R,) finite values of any unit, one for each model; both results are in that unit.
    Raises InvalidPool if there is no value or one is not finite.
    Source: docs/metrics.md §1.

    >>> estimate_mean([1.0, 3.0])
    Estimate(value=2.0, standard_error=1.0, models=2)
    """
    sample = check_vector(values, "a metric's values")
    error = float(sample.std(ddof=1)) / math.sqrt(sample.size) if sample.size > 1 else None
    return Estimate(value=float(sample.mean()), standard_error=error, models=sample.size)
