import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator import Attack, ScoringProtocol, compute_epsilons
from evaluator.epsilon import estimate_epsilons
from evaluator.spec import EpsilonOptions, MetricVersion, ScoringSpec
from tests.unit.evaluator.strategies import pools
from tests.unit.evaluator.twins import band_bound, exact_epsilon, window_bound


def exact(unlearned, retrained):
    return compute_epsilons(unlearned, retrained, protocol=ScoringProtocol.exact)


def column(*values):
    return np.array(values, dtype=float)[:, None]


@settings(max_examples=150)
@given(pools(least=2, most=9, most_examples=2))
def test_one_sweep_agrees_with_every_pair_of_sample_values(pair):
    answer = exact(*pair).estimate
    expected = [exact_epsilon(pair[0][:, j], pair[1][:, j]) for j in range(answer.size)]
    np.testing.assert_allclose(answer, expected, atol=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_one_sweep_agrees_with_all_pairs_on_larger_tied_samples(seed):
    rng = np.random.default_rng(seed)
    unlearned, retrained = rng.integers(0, 15, 40) + 2.0 * (seed % 2), rng.integers(0, 15, 31).astype(float)
    answer = exact(unlearned[:, None], retrained[:, None]).estimate[0]
    assert answer == pytest.approx(exact_epsilon(unlearned, retrained), abs=1e-12)


def test_no_memory_or_time_depends_on_the_range_of_the_values():
    unlearned, retrained = np.random.default_rng(5).normal(size=(2, 20, 3))
    np.testing.assert_array_equal(
        exact(unlearned * 1e300, retrained * 1e300).estimate, exact(unlearned, retrained).estimate
    )


def test_a_half_line_is_named_where_no_interval_does_better():
    """Below 4.5: three of four unlearned models and one of five retrained."""
    answer = exact(column(1, 2, 3, 10), column(4, 5, 6, 7, 11))
    assert answer.estimate[0] == pytest.approx(np.log((0.75 - 1e-5) / 0.2))
    assert answer.attack == (Attack.half_line,)


@settings(max_examples=60, deadline=None)
@given(pools(least=2, most=9, most_examples=2), st.sampled_from([0.1, 0.5, 0.95]))
def test_the_bound_is_the_best_of_all_half_lines_and_windows(pair, confidence):
    answer = compute_epsilons(*pair, protocol=ScoringProtocol.exact, confidence=confidence)
    expected = [window_bound(pair[0][:, j], pair[1][:, j], confidence) for j in range(answer.lower.size)]
    np.testing.assert_allclose(answer.lower, np.minimum(expected, answer.estimate), rtol=1e-9, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(pools(least=2, most=30, most_examples=1), st.sampled_from([0.1, 0.5]))
def test_the_bound_of_lacuna_2_is_the_best_window_after_both_masses_moved(pair, confidence):
    options = EpsilonOptions(confidence=confidence, bounds=MetricVersion.lacuna_2)
    answer = estimate_epsilons(*pair, protocol=ScoringProtocol.exact, options=options)
    expected = band_bound(pair[0][:, 0], pair[1][:, 0], confidence)
    assert answer.lower[0] == pytest.approx(min(expected, answer.estimate[0]), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("metric", MetricVersion)
def test_a_score_has_the_bounds_of_its_metric_whatever_the_options_say(metric):
    assert ScoringSpec(metric=metric, epsilon=EpsilonOptions(bounds=MetricVersion.lacuna_2)).epsilon.bounds is metric


@pytest.mark.parametrize(("law", "least"), [(lambda z: z + 2, 1.6), (lambda z: z + 4, 2.9), (lambda z: z / 2, 0.8)])
def test_the_bound_of_today_tells_more_than_that_of_lacuna_2(law, least):
    rng = np.random.default_rng(0)
    pair = law(rng.normal(size=(512, 4))), rng.normal(size=(512, 4))
    now, before = (
        estimate_epsilons(*pair, protocol=ScoringProtocol.exact, options=EpsilonOptions(bounds=bounds)).lower
        for bounds in (MetricVersion.lacuna_3, MetricVersion.lacuna_2)
    )
    assert (now > before).all()
    assert now.mean() > least


def test_a_hand_computed_example():
    """docs/metric.md, §5: the window [3, 4] holds three of four retrained models and one unlearned."""
    answer = exact(column(1, 2, 3.5, 5), column(3, 3.2, 4, 6))
    assert answer.estimate[0] == pytest.approx(np.log((1 - 1e-5 - 0.25) / 0.25))
    assert answer.attack == (Attack.interval,)


def test_equal_multisets_give_zero():
    values = np.random.default_rng(0).integers(0, 3, (9, 2)).astype(float)
    assert exact(values, values[::-1]).estimate.tolist() == [0.0, 0.0]


def test_equal_laws_in_pools_of_different_size_give_zero():
    assert exact(column(1, 2), column(1, 1, 2, 2)).estimate[0] == 0.0


def test_a_pool_inside_a_gap_of_the_other_is_separable():
    assert exact(column(4.9, 5, 5.1), column(1, 2, 8, 9)).estimate[0] == 50.0


def test_a_gap_of_one_unit_in_the_last_place_is_separable():
    assert exact(column(0.5, 1.0), column(np.nextafter(1.0, 2), 2.0)).estimate[0] == 50.0


@settings(max_examples=40)
@given(pools(), st.sampled_from([np.arctan, np.cbrt, lambda x: -x, lambda x: x * 4 - 8]))
def test_a_monotone_map_of_both_pools_changes_nothing(pair, change):
    mapped = [change(np.asarray(pool, np.float32).astype(np.float64)) for pool in pair]
    originals = [np.asarray(pool, np.float32).astype(np.float64) for pool in pair]
    distinct = len(np.unique(np.concatenate([p.ravel() for p in originals])))
    if len(np.unique(np.concatenate([p.ravel() for p in mapped]))) == distinct:  # rounding may merge values
        np.testing.assert_array_equal(exact(*mapped).estimate, exact(*originals).estimate)


@settings(max_examples=40)
@given(pools())
def test_swapping_the_pools_changes_nothing(pair):
    np.testing.assert_allclose(exact(*pair).estimate, exact(*pair[::-1]).estimate, atol=1e-12)


@settings(max_examples=40)
@given(pools(), st.randoms(use_true_random=False))
def test_the_order_of_models_never_matters(pair, random):
    shuffled = [pool[random.sample(range(len(pool)), len(pool))] for pool in pair]
    np.testing.assert_array_equal(exact(*shuffled).estimate, exact(*pair).estimate)


def test_the_lower_bound_holds_for_all_windows_at_once():
    """Same law: the true value is 0, so a positive bound is an error; allowed in 5 %, observed far less."""
    rng = np.random.default_rng(3)
    assert np.mean(exact(*rng.normal(size=(2, 60, 400))).lower > 0) < 0.05


def test_the_lower_bound_of_separable_pools_grows_with_the_models():
    bounds = [exact(np.zeros((n, 1)), np.ones((n, 1))).lower[0] for n in (50, 200, 800)]
    assert 0 < bounds[0] < bounds[1] < bounds[2] < 50
