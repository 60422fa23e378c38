import numpy as np
import pytest

from evaluator.bias import correct_bias
from evaluator.intervals import compute_interval


def test_a_bias_of_one_over_r_is_removed():
    """The plain variance is (n - 1) / n of the true one on average: its jackknife is the unbiased variance."""
    values = np.random.default_rng(0).normal(size=40)
    other = np.zeros(40)

    def rescore(left, right):
        return float(values[left].var())

    interval = compute_interval(values.var(), rescore, sizes=(40, 40), resamples=20_000, level=0.95, seed=0)
    corrected = correct_bias(values.var(), interval.draws, sizes=(40, other.size), most=10.0)
    assert corrected == pytest.approx(values.var(ddof=1), rel=0.005)


def test_a_score_without_draws_stays_as_it_is():
    assert correct_bias(0.4, (), sizes=(2, 2), most=1.0) == 0.4


def test_the_corrected_score_stays_between_zero_and_the_utility():
    assert correct_bias(0.9, [0.5, 0.5], sizes=(10, 10), most=0.95) == 0.95
    assert correct_bias(0.1, [0.5, 0.5], sizes=(10, 10), most=0.95) == 0.0


def test_a_score_that_does_not_depend_on_the_number_of_models_is_left_alone():
    assert correct_bias(0.3, [0.3] * 8, sizes=(64, 32), most=1.0) == pytest.approx(0.3)
