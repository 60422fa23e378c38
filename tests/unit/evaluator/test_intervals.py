import numpy as np
import pytest

from evaluator.intervals import Span, compute_interval, compute_intervals


def interval(unlearned, retrained, **options):
    """The interval of a difference of means, whose standard error is known."""

    def rescore(left, right):
        return float(unlearned[left].mean() - retrained[right].mean())

    estimate = float(unlearned.mean() - retrained.mean())
    settings = {"resamples": 64, "level": 0.95, "seed": 0, **options}
    return compute_interval(estimate, rescore, sizes=(len(unlearned), len(retrained)), **settings)


def test_the_standard_error_of_a_mean_is_recovered():
    rng = np.random.default_rng(0)
    answer = interval(10 + rng.normal(size=400), rng.normal(size=400), resamples=800)
    assert answer.standard_error == pytest.approx(np.sqrt(2 / 400), rel=0.12)


def test_the_interval_of_a_mean_covers_about_its_level():
    rng = np.random.default_rng(1)
    answers = [interval(10 + rng.normal(size=60), rng.normal(size=60), seed=k) for k in range(300)]
    assert 0.90 <= np.mean([answer.low <= 10 <= answer.high for answer in answers]) <= 0.99


def test_every_draw_takes_distinct_models_of_each_pool():
    seen = []

    def rescore(left, right):
        seen.append((left, right))
        return 0.0

    compute_interval(0.0, rescore, sizes=(10, 7), resamples=5, level=0.9, seed=0)
    assert all(len(set(left)) == left.size for left, _ in seen)
    assert all(len(set(right)) == right.size for _, right in seen)


def test_a_score_is_never_reported_below_zero():
    assert interval(np.arange(20.0) / 100, np.arange(20.0) / 100).low == 0.0


def test_the_same_seed_gives_the_same_interval():
    values = np.random.default_rng(0).normal(size=(2, 40))
    assert interval(*values) == interval(*values)


def test_the_draws_of_a_pool_depend_on_its_own_size_and_the_seed_alone():
    seen = {}

    def watch(key):
        def rescore(left, right):
            seen.setdefault(key, []).append(right.tolist())
            return 0.0

        return rescore

    for key, size in (("short", 10), ("long", 30)):
        compute_interval(0.0, watch(key), sizes=(size, 20), resamples=4, level=0.9, seed=3)
    assert seen["short"] == seen["long"]


def test_the_draws_are_what_the_standard_error_was_made_from():
    answer = interval(*np.random.default_rng(0).normal(size=(2, 40)), resamples=16)
    assert len(answer.draws) == 16
    assert answer.standard_error == pytest.approx(np.std(answer.draws, ddof=1) * np.sqrt(1.5))


def test_two_replicas_have_no_draws_and_no_error_to_tell():
    answer = interval(np.arange(2.0), np.arange(2.0))
    assert (answer.low, answer.high, answer.draws) == (0.0, np.inf, ())


def test_a_slower_decay_of_the_variance_makes_the_error_larger():
    values = np.random.default_rng(0).normal(size=(2, 40))
    usual, slow = interval(*values), interval(*values, span=Span(decay=0.5))
    assert slow.standard_error == pytest.approx(usual.standard_error * (40 / 24) ** 0.25)
    assert slow.draws == usual.draws


def test_with_a_largest_value_the_interval_reaches_further_towards_the_middle():
    values = 0.9 + 0.3 * np.random.default_rng(0).normal(size=60)
    answer = interval(values, np.zeros(60), span=Span(most=1.0))
    estimate = values.mean()
    assert estimate - answer.low > answer.high - estimate > 0
    assert answer.high <= 1.0


def test_at_the_largest_value_the_interval_still_has_a_width():
    rng = np.random.default_rng(0)
    answer = compute_interval(
        1.0, lambda *_: 1.0 - 0.05 * rng.random(), sizes=(30, 30), resamples=32, level=0.95, seed=0, span=Span(most=1.0)
    )
    assert answer.low < 0.99
    assert answer.high == 1.0


def test_in_the_middle_the_interval_is_about_the_symmetric_one():
    values = 0.5 + 0.05 * np.random.default_rng(0).normal(size=60)
    answer, plain = interval(values, np.zeros(60), span=Span(most=1.0)), interval(values, np.zeros(60))
    assert (answer.low, answer.high) == pytest.approx((plain.low, plain.high), abs=1e-4)


def test_without_any_spread_the_interval_is_the_estimate_itself():
    answer = compute_interval(0.3, lambda *_: 0.3, sizes=(9, 9), resamples=4, level=0.95, seed=0, span=Span(most=1.0))
    assert (answer.low, answer.high) == (0.3, 0.3)


def test_the_interval_of_a_share_near_its_top_covers_about_its_level():
    """Shares of 60 models, 0.95 true: the symmetric interval of a proportion is known to cover too seldom there."""
    rng = np.random.default_rng(2)
    covered, plain = [], []
    for seed in range(200):
        values = (rng.random(60) < 0.95).astype(float)
        share = values.mean()
        for ends, most in ((covered, 1.0), (plain, np.inf)):
            answer = compute_interval(
                share,
                lambda left, _, values=values: float(values[left].mean()),
                sizes=(60, 60),
                resamples=32,
                level=0.95,
                seed=seed,
                span=Span(most=most),
            )
            ends.append(answer.low <= 0.95 <= answer.high)
    assert np.mean(covered) >= np.mean(plain)
    assert np.mean(covered) >= 0.9


def test_several_numbers_of_the_same_parts_get_the_intervals_each_would_get_alone():
    values = np.random.default_rng(0).normal(size=30)

    def both(left, _):
        return float(values[left].mean()), float(values[left].max())

    settings = {"sizes": (30, 30), "resamples": 8, "level": 0.9, "seed": 0}
    together = compute_intervals((values.mean(), values.max()), both, **settings)
    for place in (0, 1):
        alone = compute_interval(
            (values.mean(), values.max())[place], lambda left, right, at=place: both(left, right)[at], **settings
        )
        assert together[place] == alone


def test_a_value_that_may_be_negative_keeps_its_lower_end():
    values = np.arange(20.0) / 100
    assert interval(values, values).low == 0.0
    assert interval(values, values, span=Span(least=-np.inf)).low < 0.0


def test_an_end_reaches_as_far_as_the_draws_do_on_its_own_side():
    """Scores of parts: mostly 0.8, a few far lower. By hand: deviations of -0.3 and 0.1 from 0.7, three to one."""
    scores = iter([0.4, 0.8, 0.8, 0.8] * 8)
    settings = {"sizes": (30, 30), "resamples": 32, "level": 0.95, "seed": 0}
    skewed = compute_interval(0.75, lambda *_: next(scores), span=Span(is_skewed=True), **settings)
    scores = iter([0.4, 0.8, 0.8, 0.8] * 8)
    plain = compute_interval(0.75, lambda *_: next(scores), span=Span(), **settings)
    assert skewed.standard_error == plain.standard_error
    assert skewed.high == plain.high
    ratio = np.sqrt(2 * 0.09 / (0.09 + 3 * 0.01))
    assert 0.75 - skewed.low == pytest.approx(ratio * (0.75 - plain.low))


def test_draws_that_lie_evenly_give_the_plain_interval():
    scores = iter([0.4, 0.6] * 16)
    answer = compute_interval(
        0.5, lambda *_: next(scores), sizes=(9, 9), resamples=32, level=0.9, seed=0, span=Span(is_skewed=True)
    )
    assert 0.5 - answer.low == pytest.approx(answer.high - 0.5)
