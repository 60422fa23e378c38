import numpy as np
import pytest
from hypothesis import given, settings
from scipy.stats import norm

from evaluator import EpsilonOptions, InvalidPool
from evaluator.held_out import compute_held_out_counts
from evaluator.privacy import compute_gaussian_mu
from tests.unit.evaluator.strategies import pools


def make_pools(shift, *, replicas=512, examples=32, seed=0):
    rng = np.random.default_rng(seed)
    return shift + rng.normal(size=(replicas, examples)), rng.normal(size=(replicas, examples))


@pytest.mark.parametrize("shift", [0.0, 0.5, 1.0, 2.0])
def test_the_shift_between_two_unit_gaussians_is_recovered(shift):
    assert compute_gaussian_mu(*make_pools(shift)).mean() == pytest.approx(shift, abs=0.1)


def test_a_shift_the_other_way_is_as_large():
    assert compute_gaussian_mu(*make_pools(-1.0)).mean() == pytest.approx(1.0, abs=0.1)


def test_a_slow_loop_over_the_counts_agrees():
    left, right = make_pools(1.0, replicas=40, examples=3)
    options = EpsilonOptions(split_seeds=2)
    counts = compute_held_out_counts(left, right, options)
    expected = []
    for example in range(3):
        found = []
        for split in range(2):
            power = (counts.gain[example, split] + 1) / (counts.gain_size[example, split] + 2)
            false_alarms = (counts.cost[example, split] + 1) / (counts.cost_size[example, split] + 2)
            found.append(norm.ppf(power) - norm.ppf(false_alarms))
        expected.append(max(sum(found) / 2, 0.0))
    assert compute_gaussian_mu(left, right, options=options) == pytest.approx(expected)


def test_pools_that_share_no_value_stay_finite():
    found = compute_gaussian_mu([[0.0]] * 20, [[1.0]] * 20)
    assert found == pytest.approx([norm.ppf(21 / 22) - norm.ppf(1 / 22)])


@given(pools())
@settings(max_examples=15, deadline=None)
def test_any_pools_give_a_finite_shift_of_at_least_zero_and_are_not_changed(two):
    before = [pool.copy() for pool in two]
    found = compute_gaussian_mu(*two)
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    assert all(np.array_equal(pool, kept) for pool, kept in zip(two, before, strict=True))


def test_a_value_that_is_not_finite_is_refused():
    with pytest.raises(InvalidPool, match="not finite"):
        compute_gaussian_mu([[np.nan]] * 3, [[0.0]] * 3)
