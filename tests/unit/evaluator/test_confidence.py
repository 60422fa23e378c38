import math

import numpy as np
import pytest

from evaluator import InvalidPool, compute_confidence


def test_confidence_of_two_classes_is_the_difference_of_their_logits():
    logits = np.array([[[2.0, -1.0], [0.5, 3.0]]])
    np.testing.assert_allclose(compute_confidence(logits, [0, 0]), [[3.0, -2.5]])


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_equal_logits_give_minus_log_of_the_other_classes(classes):
    assert compute_confidence(np.zeros((1, 1, classes)), [0])[0, 0] == pytest.approx(-math.log(classes - 1))


def test_confidence_is_bounded_by_the_log_of_1e45():
    logits = np.array([[[0.0, -5000.0], [-5000.0, 0.0]]])
    np.testing.assert_allclose(compute_confidence(logits, [0, 0]), [[103.6163, -103.6163]], atol=1e-3)


def test_a_wrong_class_at_minus_infinity_is_allowed():
    assert compute_confidence([[[0.0, 0.0, -np.inf]]], [0])[0, 0] == pytest.approx(0.0)


def test_the_right_class_at_minus_infinity_reaches_the_lower_bound():
    assert compute_confidence([[[-np.inf, 0.0]]], [0])[0, 0] == pytest.approx(-103.6163, abs=1e-3)


def test_float32_logits_agree_with_float64_within_the_published_tolerance():
    logits = np.random.default_rng(0).normal(scale=8, size=(4, 50, 10))
    labels = np.arange(50) % 10
    exact = compute_confidence(logits, labels)
    np.testing.assert_allclose(compute_confidence(logits.astype(np.float32), labels), exact, atol=1e-4)


def test_the_same_rule_in_plain_python_agrees():
    logits = np.random.default_rng(1).normal(scale=3, size=(3, 4, 5))
    labels = np.array([0, 4, 2, 2])
    for r, n in np.ndindex(3, 4):
        odds = [math.exp(v - logits[r, n].max()) for v in logits[r, n]]
        total = sum(odds)
        right = odds[labels[n]] / total
        wrong = sum(p / total for k, p in enumerate(odds) if k != labels[n])
        assert compute_confidence(logits, labels)[r, n] == pytest.approx(math.log(right) - math.log(wrong))


def test_logits_are_not_written_to():
    logits = np.random.default_rng(2).normal(size=(2, 3, 4))
    before = logits.copy()
    logits.setflags(write=False)
    compute_confidence(logits, [0, 1, 2])
    np.testing.assert_array_equal(logits, before)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_plus_infinity_are_refused(bad):
    with pytest.raises(InvalidPool, match="nan"):
        compute_confidence([[[bad, 0.0]]], [0])


@pytest.mark.parametrize(
    ("shape", "labels"),
    [((2, 3), [0, 1]), ((1, 2, 1), [0, 0]), ((1, 2, 3), [0]), ((1, 2, 3), [0, 3]), ((1, 2, 3), [0, -1])],
)
def test_shapes_and_labels_that_do_not_fit_are_refused(shape, labels):
    with pytest.raises(InvalidPool):
        compute_confidence(np.zeros(shape), labels)
