import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.published_grid import compare_example, count_example
from evaluator import Attack, InvalidPool, ScoringProtocol, compute_epsilons, compute_forgetting_quality
from evaluator.neurips2023 import make_log_rates
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


SPREADS = st.sampled_from([0.004, 0.0099, 0.01, 0.1, 1.0, 4.0, 103.6])
DECIMALS = st.sampled_from([0, 1, 2, 15])


@st.composite
def samples(draw):
    """Two samples of their own size: tied, discrete, just at the 1 % guard, tiny, or as wide as confidences get."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    law = draw(st.sampled_from([rng.normal, rng.laplace, lambda size: rng.uniform(-1, 1, size)]))
    left, right = (np.round(law(size=draw(st.integers(2, 30))), draw(DECIMALS)) * draw(SPREADS) for _ in range(2))
    return np.clip(left + draw(st.sampled_from([0.0, 0.001, 0.5, 20.0])), -103.6, 103.6), np.clip(right, -103.6, 103.6)


@settings(max_examples=120, deadline=None)
@given(samples(), st.sampled_from([0.0, 1e-5, 0.3]))
def test_every_bit_and_the_attack_agree_with_plain_counts_over_the_whole_grid(pair, delta):
    column = [pool[:, None] for pool in pair]
    answer = compute_epsilons(*column, protocol=RULE, delta=delta)
    slow = count_example(*pair, delta)
    if answer.attack[0] is Attack.none:
        assert np.array_equal(*map(np.sort, pair)) or np.ptp(np.concatenate(pair)) == 0
        assert answer.estimate[0] == 0.0
    elif slow.epsilon == -np.inf:
        assert (answer.estimate[0], answer.attack[0]) == (50.0, Attack.below_grid)
    else:
        attack = Attack.half_line if slow.half_line >= min(slow.interval, 50.0) else Attack.interval
        assert answer.estimate[0] == slow.epsilon
        assert answer.attack[0] is (Attack.range_guard if slow.guarded else attack)


@pytest.mark.parametrize("seed", range(6))
def test_it_agrees_with_the_published_arithmetic_in_single_precision(seed):
    unlearned, retrained = draw(seed)
    assert epsilon(unlearned, retrained) == pytest.approx(compare_example(unlearned, retrained).epsilon, abs=1e-5)


def test_a_range_too_wide_for_its_thresholds_in_memory_is_answered():
    unlearned, retrained = draw(4)
    # From a thousandfold on every gap between values holds a threshold; a hundred millionfold means 10^10 of them.
    assert epsilon(unlearned * 1e8, retrained * 1e8) == count_example(unlearned * 1e3, retrained * 1e3).epsilon


def test_values_far_beyond_any_confidence_are_refused():
    with pytest.raises(InvalidPool, match="absolute value"):
        epsilon([0.0, 1.0, -2e9], [0.0, 1.0, 2.0])


@pytest.mark.parametrize("seed", range(24))
def test_counting_agrees_with_comparing_every_value_with_every_threshold(seed):
    unlearned, retrained = draw(seed)
    assert epsilon(unlearned, retrained) == pytest.approx(neurips2023_epsilon(unlearned, retrained), abs=1e-12)


def epsilon_of_counts(left, right, delta=1e-5):
    """Epsilon of every pair of errors of two pools of these sizes, from the logarithms that the kernels read."""
    first, second = make_log_rates(left, delta), make_log_rates(right, delta)
    return np.maximum(second[1] - first[0][:, None], first[1][:, None] - second[0])


@pytest.mark.parametrize(("left", "right"), [(2, 2), (7, 7), (5, 9)])
def test_the_logarithms_give_the_epsilon_of_every_pair_of_counts(left, right):
    table = epsilon_of_counts(left, right)
    for pair in np.ndindex(table.shape):
        if any(pair):  # no errors at all is separation, which the kernels see without a logarithm
            expected = epsilon_of_rates(pair[0] / left, pair[1] / right)
            assert max(table[pair], 0.0) == pytest.approx(max(expected, 0.0), abs=1e-12)
            assert (table[pair] == -np.inf) == (expected == -np.inf)


@pytest.mark.parametrize(("replicas", "largest"), [(64, 4.1431), (256, 5.5413), (512, 6.2364)])
def test_the_largest_finite_value_is_one_error_each_way(replicas, largest):
    assert epsilon_of_counts(replicas, replicas)[1:, 1:].max() == pytest.approx(largest, abs=1e-4)


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
