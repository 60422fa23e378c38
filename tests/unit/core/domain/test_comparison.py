import math
import random
from statistics import stdev

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t

from core.domain.comparison import (
    Measured,
    compute_lead,
    compute_probability_better,
    compute_replication,
    compute_t3_share,
)

SCALE = math.sqrt(1.5)


def make_measured(score: float, draws: tuple[float, ...]) -> Measured:
    return Measured(score, SCALE * stdev(draws), draws)


def draw(seed: int, count: int = 32, spread: float = 0.02) -> tuple[float, ...]:
    rng = random.Random(seed)
    return tuple(rng.gauss(0.0, spread) for _ in range(count))


def test_an_equal_score_is_even() -> None:
    assert compute_probability_better(make_measured(0.5, draw(1)), make_measured(0.5, draw(2))) == 0.5


def test_unpaired_errors_add_up_as_independent() -> None:
    found = compute_probability_better(Measured(0.55, 0.03), Measured(0.50, 0.04))
    assert found == pytest.approx(0.8045, abs=1e-4)  # one standard error of 0.05


def test_paired_draws_use_the_spread_of_their_differences() -> None:
    shared, own, other = draw(1, spread=0.05), draw(2, spread=0.01), draw(3, spread=0.01)
    left = [one + two for one, two in zip(shared, own, strict=True)]
    right = [one + two for one, two in zip(shared, other, strict=True)]
    error = SCALE * stdev(one - two for one, two in zip(left, right, strict=True))
    pair = make_measured(0.52, tuple(left)), make_measured(0.50, tuple(right))
    assert compute_probability_better(*pair) == pytest.approx(t.cdf(0.02 / error, 3))
    apart = Measured(0.52, pair[0].error), Measured(0.50, pair[1].error)
    assert compute_probability_better(*pair) > compute_probability_better(*apart)


def test_draws_of_different_number_are_not_paired() -> None:
    one, other = make_measured(0.52, draw(1)), make_measured(0.50, draw(2, count=16))
    unpaired = compute_probability_better(Measured(0.52, one.error), Measured(0.50, other.error))
    assert compute_probability_better(one, other) == unpaired


def test_without_an_error_nothing_is_known() -> None:
    assert compute_probability_better(Measured(0.9, None), Measured(0.1, 0.01)) == 0.5


def test_without_noise_the_score_decides() -> None:
    still = tuple([0.0] * 8)
    assert compute_probability_better(Measured(0.2, 0.0, still), Measured(0.1, 0.0, still)) == 1.0
    assert compute_probability_better(Measured(0.1, 0.0, still), Measured(0.2, 0.0, still)) == 0.0


def test_an_entry_without_noise_compares_with_one_that_has_some() -> None:
    still, noisy = Measured(0.0, 0.0, tuple([0.0] * 32)), make_measured(0.02, draw(1))
    assert compute_probability_better(noisy, still) == pytest.approx(t.cdf(0.02 / (noisy.error or 0), 3))


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 50), st.integers(0, 50))
def test_the_two_directions_add_up_to_one(one: float, other: float, first: int, second: int) -> None:
    pair = make_measured(one, draw(first)), make_measured(other, draw(second))
    both = compute_probability_better(*pair) + compute_probability_better(*reversed(pair))
    assert both == pytest.approx(1.0)


def test_the_share_of_a_t_distribution_agrees_with_scipy() -> None:
    ratios = [-40.0, -4.0, -2.0, -1.0, -0.1, 0.0, 0.3, 1.0, 1.7, 2.5, 6.0]
    assert [compute_t3_share(ratio) for ratio in ratios] == pytest.approx(t.cdf(ratios, 3), abs=1e-12)
    assert [compute_t3_share(ratio) for ratio in (-math.inf, math.inf)] == [0.0, 1.0]


@pytest.mark.parametrize("apart", [1.0, 1.5, 2.5])
def test_strong_claims_hold_where_entries_are_as_far_apart_as_their_noise(apart: float) -> None:
    """Of a true difference of `apart` standard errors: neither claim is bolder than what a second contest shows."""
    rng = np.random.default_rng(0)
    true = rng.normal(size=1_000_000) * apart
    seen, again = true + rng.normal(size=(2, true.size))
    for lead in (1.0, 2.0, 3.0):
        near = np.abs(seen - lead) < 0.1
        claimed = compute_t3_share(lead)
        assert claimed < (true[near] > 0).mean() + 0.05
        assert compute_replication(claimed) < (again[near] > 0).mean() + 0.05


@pytest.mark.parametrize(("chance", "again"), [(0.0, 0.0), (0.5, 0.5), (1.0, 1.0), (1 - 1e-16, 1.0)])
def test_what_is_certain_or_open_stays_so_the_next_time(chance: float, again: float) -> None:
    assert compute_replication(chance) == pytest.approx(again, abs=1e-6)


def test_a_lead_is_counted_in_standard_errors() -> None:
    assert compute_lead(Measured(0.55, 0.03), Measured(0.50, 0.04)) == pytest.approx(1.0)
    assert compute_lead(Measured(0.1, None), Measured(0.9, 0.1)) == 0
    assert compute_lead(Measured(0.1, 0.0), Measured(0.9, 0.0)) == -math.inf
