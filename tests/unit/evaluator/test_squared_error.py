from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from evaluator.errors import InvalidPool
from evaluator.fingerprints import compute_fingerprints
from evaluator.squared_error import compute_minus_squared_error


def test_the_statistic_is_that_of_single_predictions() -> None:
    rng = np.random.default_rng(0)
    predictions, targets = rng.normal(size=(4, 6, 1)), rng.normal(size=6)
    found = compute_minus_squared_error(predictions.astype(np.float32), targets)
    for model in range(4):
        for example in range(6):
            error = float(np.float32(predictions[model, example, 0])) - targets[example]
            assert found[model, example] == pytest.approx(-error * error)


@pytest.mark.parametrize(
    ("predictions", "targets", "reason"),
    [
        (np.zeros((2, 3, 2)), np.zeros(3), "do not go with"),
        (np.zeros((2, 3)), np.zeros(3), "do not go with"),
        (np.zeros((2, 3, 1)), np.zeros(4), "do not go with"),
        (np.full((2, 3, 1), np.nan), np.zeros(3), "not finite"),
        (np.zeros((2, 3, 1)), np.full(3, np.inf), "not finite"),
    ],
    ids=["classes", "axes", "lengths", "nan", "inf"],
)
def test_what_is_no_prediction_of_each_target_is_refused(
    predictions: NDArray[Any], targets: NDArray[Any], reason: str
) -> None:
    with pytest.raises(InvalidPool, match=reason):
        compute_minus_squared_error(predictions, targets)


def test_predictions_tell_models_apart_as_they_are() -> None:
    predictions = np.array([[[1.0], [2.0]], [[3.0], [5.0]]])
    prints = compute_fingerprints(predictions, np.zeros((2, 1)))
    np.testing.assert_array_equal(prints[:, :2], predictions[:, :, 0])
