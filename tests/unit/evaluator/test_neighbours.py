import doctest

import numpy as np
import pytest
from scipy.special import ndtri

from evaluator import InvalidPool, compute_epsilons, neighbours
from evaluator.forgetting import compute_pool_points
from evaluator.neighbours import compute_clumping


def slow(unlearned, retrained):
    """Every value against every other one."""
    shares = []
    for column in range(unlearned.shape[1]):
        values = [*unlearned[:, column], *retrained[:, column]]
        pools = [0] * len(unlearned) + [1] * len(retrained)
        for i, value in enumerate(values):
            others = [
                (abs(other - value), pool) for j, (other, pool) in enumerate(zip(values, pools, strict=True)) if j != i
            ]
            nearest = [pool for distance, pool in others if distance == min(others)[0]]
            shares.append(np.mean([pool == pools[i] for pool in nearest]))
    n, m = len(unlearned), len(retrained)
    chance = (n * (n - 1) + m * (m - 1)) / ((n + m) * (n + m - 1))
    return (np.mean(shares) - chance) / (1 - chance)


@pytest.mark.parametrize("digits", [0, 1, 12], ids=["ties", "some ties", "none"])
@pytest.mark.parametrize(("left", "right"), [(9, 9), (5, 12), (2, 2)], ids=["equal", "unequal", "least"])
def test_a_slow_twin_counts_the_same(left, right, digits):
    rng = np.random.default_rng(left)
    pools = [np.round(rng.normal(size=(models, 4)), digits) for models in (left, right)]
    assert compute_clumping(*pools) == pytest.approx(slow(*pools))


def test_one_law_is_near_0_and_pools_that_never_mix_are_1():
    rng = np.random.default_rng(0)
    found = [compute_clumping(*rng.normal(size=(2, 64, 32))) for _ in range(10)]
    assert abs(np.mean(found)) < 0.02
    assert compute_clumping(rng.normal(size=(20, 3)), 100 + rng.normal(size=(30, 3))) == 1


def test_a_comb_that_regions_hardly_see_has_neighbours_of_its_own():
    rng = np.random.default_rng(1)
    teeth = (rng.integers(40, size=(256, 16)) + 0.1 * rng.uniform(size=(256, 16))) / 40
    comb, normal = ndtri(np.maximum(teeth, 1e-9)), rng.normal(size=(256, 16))
    assert compute_pool_points(compute_epsilons(comb, normal)).mean() > 0.9
    assert compute_clumping(comb, normal) > 0.3


def test_what_never_varies_says_nothing_and_bad_pools_are_refused():
    still = np.ones((4, 2))
    assert compute_clumping(still, still) == pytest.approx(0)
    with pytest.raises(InvalidPool, match="disagree"):
        compute_clumping(still, np.ones((4, 3)))


def test_the_example_of_the_docstring_holds():
    assert doctest.testmod(neighbours).failed == 0
