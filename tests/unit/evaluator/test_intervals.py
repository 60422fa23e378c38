import numpy as np
import pytest

from evaluator.intervals import compute_interval


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
