"""Published auditors' bounds beside ours: their definitions by hand, and what docs/metric.md §11 says of them."""

import math

import numpy as np
import pytest
from scipy.stats import beta

from bench.published_audit import GAUSSIAN, THRESHOLDS, audit_both_ways, bound_by_thresholds, find_gaussian_epsilon
from evaluator import compute_epsilons

DELTA = 1e-5


def bound_exactly(left, right):
    return compute_epsilons(left[:, None], right[:, None], protocol="exact").lower[0]


def test_separated_pools_are_bounded_by_the_one_corner_between_them():
    high, low = np.full(40, 2.0), np.full(60, 1.0)
    missed, wrong = (beta.isf(0.05 / 6, 1, size) for size in (40, 60))  # three corners, two rates
    expected = math.log((1 - missed - DELTA) / wrong)
    assert bound_by_thresholds(high, low, error=0.05, delta=DELTA) == pytest.approx(expected)


@pytest.mark.parametrize("mu", [0.5, 1.0, 3.0])
def test_the_epsilon_of_two_gaussians_has_the_delta_it_was_asked_for(mu):
    epsilon, grid = find_gaussian_epsilon(mu, DELTA), np.linspace(-12, 12 + mu, 400_001)
    likely, less = (np.exp(-0.5 * (grid - mean) ** 2) / math.sqrt(2 * math.pi) for mean in (mu, 0.0))
    excess = np.maximum(likely - math.exp(epsilon) * less, 0).sum() * (grid[1] - grid[0])
    assert excess == pytest.approx(DELTA, rel=0.01)


def test_of_equal_laws_the_gaussian_rule_is_certain_and_the_others_are_silent():
    rng = np.random.default_rng(0)
    for _ in range(10):
        pair = rng.normal(size=(2, 128))
        assert audit_both_ways(*pair, GAUSSIAN, error=0.05, delta=DELTA) > 3
        assert audit_both_ways(*pair, THRESHOLDS, error=0.05, delta=DELTA) == 0
        assert bound_exactly(*pair) == 0


@pytest.mark.parametrize("by", [2.0, 4.0])
def test_on_equal_samples_ours_is_a_little_below_the_bound_of_a_few_thresholds(by):
    rng = np.random.default_rng(1)
    for _ in range(5):
        pair = rng.normal(size=512) + by, rng.normal(size=512)
        theirs = audit_both_ways(*pair, THRESHOLDS, error=0.05, delta=DELTA)
        assert theirs - 0.8 < bound_exactly(*pair) <= theirs + 0.1
