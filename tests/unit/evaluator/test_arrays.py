import numpy as np
import pytest

from evaluator.arrays import check_pool, check_pools, check_vector
from evaluator.errors import InvalidPool


@pytest.mark.parametrize(
    ("pool", "reason"),
    [
        (np.zeros(4), "replicas, examples"),
        (np.zeros((1, 4)), "1 replicas"),
        (np.zeros((4, 0)), "no examples"),
        (np.full((3, 2), np.nan), "not finite"),
        (np.array([[0.0, np.inf], [0.0, 0.0]]), r"\(0, 1\)"),
        (np.zeros((3, 2), complex), "real numbers"),
        ([["a"], ["b"]], "real numbers"),
        ([[1.0], [1.0, 2.0]], "rectangular"),
    ],
)
def test_a_bad_pool_is_refused_with_its_reason(pool, reason):
    with pytest.raises(InvalidPool, match=reason):
        check_pool(pool, "unlearned")


def test_pools_of_different_examples_are_refused():
    with pytest.raises(InvalidPool, match="2 unlearned, 3 retrained"):
        check_pools(np.zeros((4, 2)), np.zeros((4, 3)))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int64])
def test_other_real_dtypes_become_float64(dtype):
    assert check_pool(np.ones((2, 2), dtype), "unlearned").dtype == np.float64


def test_a_vector_of_the_wrong_length_is_refused():
    with pytest.raises(InvalidPool, match="expected 4"):
        check_vector(np.zeros(3), "retain accuracy", length=4)


def test_an_empty_vector_is_refused():
    with pytest.raises(InvalidPool):
        check_vector([], "seconds")
