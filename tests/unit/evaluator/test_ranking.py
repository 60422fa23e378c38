import numpy as np
import pytest

from evaluator.ranking import rank_models

KINDS = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "few values": lambda rng, shape: rng.integers(-1, 2, shape).astype(float),
    "equal but for the last bits": lambda rng, shape: 1 + rng.integers(0, 40, shape) * 2.0**-52,
    "either zero and the smallest numbers": lambda rng, shape: rng.choice([0.0, -0.0, 5e-324, -5e-324, 1.0], shape),
    "as large as can be": lambda rng, shape: rng.normal(size=shape) * 1e307,
    "constant": lambda rng, shape: np.full(shape, -3.0),
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("sizes", [(2, 2), (3, 2), (40, 25), (64, 64)])
def test_the_models_of_both_pools_are_ranked_as_a_plain_sort_does(kind, sizes):
    rng = np.random.default_rng(0)
    unlearned, retrained = (kind(rng, (size, 7)) for size in sizes)
    ranked = rank_models(unlearned, retrained)
    pooled = np.concatenate([unlearned, retrained]).T
    np.testing.assert_array_equal(ranked.ascending, np.sort(pooled, axis=1))
    np.testing.assert_array_equal(np.take_along_axis(pooled, ranked.order, axis=1), ranked.ascending)
    np.testing.assert_array_equal(np.sort(ranked.order, axis=1), np.tile(np.arange(sum(sizes)), (7, 1)))


def test_unlearned_models_have_the_lower_indices():
    ranked = rank_models(np.array([[3.0], [1.0]]), np.array([[2.0], [0.0]]))
    assert ranked.order.tolist() == [[3, 1, 2, 0]]
    assert ranked.ascending.tolist() == [[0.0, 1.0, 2.0, 3.0]]
