"""Retain and test accuracy relative to the retrained pool."""

from dataclasses import dataclass

from numpy.typing import ArrayLike

from evaluator.arrays import check_vector
from evaluator.errors import InvalidPool


@dataclass(frozen=True, slots=True)
class Utility:
    """Ratios of mean accuracies, unlearned over retrained; above 1 is allowed and raises the score."""

    retain_ratio: float
    test_ratio: float

    @property
    def product(self) -> float:
        return self.retain_ratio * self.test_ratio

    @property
    def capped(self) -> float:
        """The product with no ratio above 1: being more accurate than retrained models is no forgetting."""
        return min(self.retain_ratio, 1.0) * min(self.test_ratio, 1.0)


def compute_utility(
    *,
    retain_unlearned: ArrayLike,
    test_unlearned: ArrayLike,
    retain_retrained: ArrayLike,
    test_retrained: ArrayLike,
) -> Utility:
    """Ratio of mean accuracies on the retain and the test set.

    All: (R,) accuracies, fractions or percents alike, or one number that is already a mean.
    Raises InvalidPool if a value is negative or not finite, or a retrained mean is 0.
    Source: docs/metric.md §9.

    >>> compute_utility(retain_unlearned=[0.9], test_unlearned=[0.8], retain_retrained=[0.9], test_retrained=[1.0])
    Utility(retain_ratio=1.0, test_ratio=0.8)
    """
    return Utility(
        retain_ratio=_ratio(retain_unlearned, retain_retrained, "retain"),
        test_ratio=_ratio(test_unlearned, test_retrained, "test"),
    )


def compute_final_score(
    forgetting_quality: float,
    *,
    retain_unlearned: ArrayLike,
    test_unlearned: ArrayLike,
    retain_retrained: ArrayLike,
    test_retrained: ArrayLike,
) -> float:
    """Forgetting quality times both accuracy ratios: the ranked number.

    forgetting_quality: in [0, 1]. Accuracies and errors as for compute_utility. Returns a score >= 0, near 1 for
    perfect unlearning under held_out.
    Source: docs/metric.md §9.

    >>> accuracies = dict(retain_unlearned=0.9, test_unlearned=0.8, retain_retrained=1.0, test_retrained=0.8)
    >>> compute_final_score(0.5, **accuracies)
    0.45
    """
    if not 0 <= forgetting_quality <= 1:
        raise InvalidPool(f"forgetting quality must be in [0, 1], got {forgetting_quality}")
    utility = compute_utility(
        retain_unlearned=retain_unlearned,
        test_unlearned=test_unlearned,
        retain_retrained=retain_retrained,
        test_retrained=test_retrained,
    )
    return forgetting_quality * utility.product


def _ratio(unlearned: ArrayLike, retrained: ArrayLike, split: str) -> float:
    top, bottom = _mean(unlearned, f"unlearned {split} accuracy"), _mean(retrained, f"retrained {split} accuracy")
    if bottom == 0:
        raise InvalidPool(f"the retrained models have {split} accuracy 0: there is nothing to compare with")
    return top / bottom


def _mean(values: ArrayLike, name: str) -> float:
    array = check_vector([values] if isinstance(values, float | int) else values, name)
    if array.min() < 0:
        raise InvalidPool(f"{name} is negative")
    return float(array.mean())
