import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator import Attack, ScoringProtocol, compute_epsilons, compute_forgetting_quality
from evaluator.neurips2023 import make_epsilon_table
from tests.unit.evaluator.twins import epsilon_of_rates, neurips2023_epsilon

RULE = ScoringProtocol.neurips2023


def epsilon(unlearned, retrained):
    column = [np.asarray(pool, dtype=float)[:, None] for pool in (unlearned, retrained)]
    return compute_epsilons(*column, protocol=RULE).estimate[0]


def attack(unlearned, retrained):
    column = [np.asarray(pool, dtype=float)[:, None] for pool in (unlearned, retrained)]
    return compute_epsilons(*column, protocol=RULE).attack[0]


def draw(seed):
    """A pair of samples of one of several shapes: shifted, scaled, tied, heavy-tailed; sizes differ."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(3, 40, 2)
    shapes = [rng.normal, rng.laplace, lambda size: np.round(rng.normal(size=size), 1), rng.uniform]
    left, right = (shapes[seed % 4](size=size) for size in sizes)
    return rng.uniform(0.2, 2) * left + rng.uniform(-1, 1), right


@pytest.mark.parametrize("seed", range(24))
def test_counting_agrees_with_comparing_every_value_with_every_threshold(seed):
    unlearned, retrained = draw(seed)
    assert epsilon(unlearned, retrained) == pytest.approx(neurips2023_epsilon(unlearned, retrained), abs=1e-12)


@pytest.mark.parametrize(("predicted", "other"), [(2, 2), (7, 7), (5, 9)])
def test_the_table_holds_the_epsilon_of_every_pair_of_counts(predicted, other):
    table = make_epsilon_table(predicted, other, 1e-5)
    for wrong, missed in np.ndindex(table.shape):
        assert table[wrong, missed] == pytest.approx(epsilon_of_rates(wrong / other, missed / predicted), abs=1e-12)


@pytest.mark.parametrize(("replicas", "largest"), [(64, 4.1431), (256, 5.5413), (512, 6.2364)])
def test_the_largest_finite_value_is_one_error_each_way(replicas, largest):
    table = make_epsilon_table(replicas, replicas, 1e-5)
    assert table[np.isfinite(table)].max() == pytest.approx(largest, abs=1e-4)


def test_a_hand_computed_example():
    """docs/metric.md, §5: four models each, one error each way."""
    value = epsilon([1, 2, 3, 4], [3, 5, 6, 7])
    assert value == pytest.approx(math.log(4 * (1 - 1e-5) - 1))


def test_a_permuted_copy_gives_zero():
    values = np.random.default_rng(0).normal(size=50)
    assert epsilon(values, values[::-1]) == 0.0


def test_one_constant_pool_gives_the_cap_by_the_range_guard():
    values = np.random.default_rng(0).normal(size=20)
    assert epsilon(np.zeros(20), values) == 50.0
    assert attack(np.zeros(20), values) is Attack.range_guard


def test_a_range_of_exactly_one_percent_passes_the_guard():
    assert attack([0.0, 0.5, 1.0], np.linspace(0, 100, 3)) is not Attack.range_guard


def test_two_different_constants_are_separable():
    assert epsilon(np.zeros(5), np.ones(5)) == 50.0


def test_equal_constants_give_zero_whatever_the_pool_sizes():
    assert epsilon(np.zeros(5), np.zeros(7)) == 0.0


def test_unequal_pools_narrower_than_the_grid_get_the_cap_and_a_flag():
    # The one threshold and every window leave one rate at 0: the published code stops with an error.
    unlearned, retrained = np.zeros(5), np.full(5, 0.001)
    assert epsilon(unlearned, retrained) == 50.0
    assert attack(unlearned, retrained) is Attack.below_grid


def test_separation_by_less_than_the_grid_step_is_not_seen():
    rng = np.random.default_rng(2)
    unlearned = rng.uniform(size=30)
    retrained = unlearned.max() + 1e-7 + np.append(0.0, rng.uniform(size=29))
    assert epsilon(unlearned, retrained) == pytest.approx(neurips2023_epsilon(unlearned, retrained))
    assert epsilon(unlearned, retrained) < 50.0


def test_same_law_scores_about_a_fifth_of_perfect():
    rng = np.random.default_rng(0)
    pools = rng.normal(size=(2, 256, 48))
    assert compute_forgetting_quality(*pools, protocol=RULE) == pytest.approx(0.18, abs=0.06)


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1))
def test_the_order_of_models_never_matters(seed):
    rng = np.random.default_rng(seed)
    unlearned, retrained = rng.normal(size=(2, 12))
    assert epsilon(unlearned, retrained) == epsilon(rng.permutation(unlearned), rng.permutation(retrained))


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1))
def test_swapping_pools_of_different_medians_and_ranges_keeps_epsilon(seed):
    rng = np.random.default_rng(seed)
    unlearned, retrained = rng.normal(size=(2, 12))
    assert epsilon(unlearned, retrained) == epsilon(retrained, unlearned)
