import math

import numpy as np
import pytest

from evaluator import InvalidPool
from evaluator.metrics.accuracies import Estimate, compute_percentages, estimate_mean


def test_accuracies_are_percents_and_unlearning_is_what_forget_lacks() -> None:
    found = compute_percentages(forget=[0.75, 1.0], retain=[1.0, 0.5], test=[0.25, 0.0])
    assert found.unlearning.tolist() == [25.0, 0.0]
    assert found.forget.tolist() == [75.0, 100.0]
    assert found.retain.tolist() == [100.0, 50.0]
    assert found.test.tolist() == [25.0, 0.0]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"forget": [1.5, 0.0]}, "fractions"),
        ({"test": [-0.1, 0.0]}, "fractions"),
        ({"retain": [0.5]}, "expected 2"),
        ({"forget": [np.nan, 0.0]}, "not finite"),
    ],
)
def test_what_is_no_fraction_is_refused(changes: dict[str, list[float]], reason: str) -> None:
    good = {"forget": [0.5, 0.5], "retain": [0.5, 0.5], "test": [0.5, 0.5]}
    with pytest.raises(InvalidPool, match=reason):
        compute_percentages(**(good | changes))


def test_a_mean_comes_with_its_standard_error() -> None:
    assert estimate_mean([2.0, 4.0, 9.0]) == Estimate(5.0, pytest.approx(math.sqrt(13 / 3)), 3)


def test_one_model_has_no_standard_error() -> None:
    assert estimate_mean([7.0]) == Estimate(7.0, None, 1)
    with pytest.raises(InvalidPool, match="at least one value"):
        estimate_mean([])
