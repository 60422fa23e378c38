import pytest

from evaluator.bias import correct_bias


def test_near_the_top_the_score_moves_on_as_it_moved_from_the_parts_to_the_whole():
    assert correct_bias(0.90, [0.86, 0.88], most=1.0) == pytest.approx(0.90 + 0.8**4 * 0.03)


def test_near_zero_the_score_moves_on_downwards():
    assert correct_bias(0.1, [0.14], most=1.0) == pytest.approx(0.1 - 0.8**4 * 0.04)


def test_in_the_middle_the_score_is_left_as_it_is():
    assert correct_bias(0.5, [0.3, 0.4], most=1.0) == 0.5
    assert correct_bias(0.6, [0.4], most=1.2) == 0.6


def test_a_score_without_draws_or_without_utility_stays_as_it_is():
    assert correct_bias(0.4, (), most=1.0) == 0.4
    assert correct_bias(0.0, [0.0, 0.0], most=0.0) == 0.0


def test_the_corrected_score_stays_between_zero_and_the_utility():
    assert correct_bias(0.94, [0.5, 0.5], most=0.95) == 0.95
    assert correct_bias(0.02, [0.5, 0.5], most=0.95) == 0.0


def test_a_score_that_does_not_depend_on_the_number_of_models_is_left_alone():
    assert correct_bias(0.9, [0.9] * 8, most=1.0) == pytest.approx(0.9)
