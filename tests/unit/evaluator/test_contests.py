"""Contests over several originals and requests: by hand, by simulation, and what one alone cannot say."""

import math

import numpy as np
import pytest
from scipy.stats import norm, t

from evaluator import InvalidPool
from evaluator.contests import ContestNoise, compute_agreement, compute_contest_interval, estimate_contest_noise

CELLS = np.full((2, 2), 0.01)


def simulate(rng, shape, replicas, originals, requests, both):
    """Scores of one contest whose true mean is 0, and their errors, known from 32 draws."""
    scores = originals * rng.normal(size=(shape[0], 1)) + requests * rng.normal(size=(1, shape[1]))
    scores = scores + both * rng.normal(size=shape) + replicas * rng.normal(size=shape)
    return scores, replicas * np.sqrt(rng.chisquare(31, size=shape) / 31)


def test_two_by_two_by_hand():
    """Rows 0.22 and 0.28, columns 0.23 and 0.27: mean squares 2 (0.03^2 + 0.03^2), 2 (0.02^2 + 0.02^2) and 0."""
    answer = compute_contest_interval([[0.20, 0.24], [0.26, 0.30]], CELLS)
    squares = 0.0036, 0.0016
    error = math.sqrt(sum(squares) / 4)
    freedom = sum(squares) ** 2 / (squares[0] ** 2 + squares[1] ** 2)
    assert (answer.estimate, answer.standard_error, answer.freedom) == pytest.approx((0.25, error, freedom))
    assert answer.high - answer.estimate == pytest.approx(t.ppf(0.975, freedom) * error)
    assert answer.noise.originals == pytest.approx(0.0018)
    assert answer.noise.requests == pytest.approx(0.0008)
    assert answer.noise.both == 0
    total = 0.0001 / 4 + 0.0018 / 2 + 0.0008 / 2
    assert answer.shares == pytest.approx(
        {"replicas": 0.000025 / total, "originals": 0.0009 / total, "requests": 0.0004 / total, "both": 0.0}
    )


def test_one_original_and_one_request_have_the_noise_of_replicas_alone():
    answer = compute_contest_interval([[0.2]], [[0.01]])
    assert (answer.low, answer.high) == pytest.approx((0.2 - 0.01 * norm.ppf(0.975), 0.2 + 0.01 * norm.ppf(0.975)))
    assert not answer.is_of_fresh_originals
    assert not answer.is_of_fresh_requests
    assert (answer.noise.originals, answer.noise.requests, answer.shares) == (None, None, {"replicas": 1.0})


@pytest.mark.parametrize("shape", [(4, 1), (1, 4)])
def test_several_of_one_kind_are_a_t_interval_about_their_mean(shape):
    scores = np.array([0.1, 0.2, 0.3, 0.6]).reshape(shape)
    answer = compute_contest_interval(scores, np.full(shape, 0.001))
    error = scores.std(ddof=1) / 2
    assert (answer.standard_error, answer.freedom) == pytest.approx((error, 3))
    assert answer.low == pytest.approx(0.3 - t.ppf(0.975, 3) * error)
    assert (answer.is_of_fresh_originals, answer.is_of_fresh_requests) == (shape[0] > 1, shape[1] > 1)
    assert (answer.noise.originals is None, answer.noise.requests is None) == (shape[0] == 1, shape[1] == 1)


def test_equal_scores_still_have_the_noise_of_replicas():
    answer = compute_contest_interval(np.full((3, 3), 0.4), np.full((3, 3), 0.03))
    assert answer.standard_error == pytest.approx(0.01)
    assert answer.shares == {"replicas": 1.0, "originals": 0.0, "requests": 0.0, "both": 0.0}


def test_without_any_noise_the_interval_is_the_score():
    answer = compute_contest_interval([[0.4]], [[0.0]])
    assert (answer.low, answer.high, answer.shares) == (0.4, 0.4, {})


@pytest.mark.parametrize("shape", [(2, 2), (5, 3), (4, 1), (1, 5)])
@pytest.mark.parametrize(
    "noise", [(1, 0, 0, 0), (1, 1, 0, 0), (1, 0, 1, 0), (0.1, 1, 1, 0), (0.3, 0.5, 0.5, 0.5)], ids=str
)
def test_the_interval_covers_where_each_source_varies(shape, noise):
    rng = np.random.default_rng([*shape, round(100 * sum(noise))])
    # of one alone the truth is that one's: it does not vary
    noise = (noise[0], noise[1] * (shape[0] > 1), noise[2] * (shape[1] > 1), noise[3] * (min(shape) > 1))
    covered = 0
    for _ in range(400):
        answer = compute_contest_interval(*simulate(rng, shape, *noise))
        covered += answer.low <= 0 <= answer.high
    assert covered / 400 >= 0.90


def test_the_noise_of_each_source_is_recovered():
    rng = np.random.default_rng(0)
    found = [estimate_contest_noise(*simulate(rng, (8, 6), 0.3, 0.5, 0.4, 0.2)) for _ in range(600)]
    for name, sd in (("replicas", 0.3), ("originals", 0.5), ("requests", 0.4), ("both", 0.2)):
        assert np.mean([getattr(each, name) for each in found]) == pytest.approx(sd**2, rel=0.12)


@pytest.mark.parametrize("gap", [0.0, 0.02, 0.05, 0.2])
def test_two_contests_agree_as_often_as_is_said(gap):
    rng, noise = np.random.default_rng(1), (0.02, 0.03, 0.01, 0.01)
    claimed = compute_agreement(gap, ContestNoise(*(part**2 for part in noise)), originals=2, requests=3, replicas=1)
    signs = [simulate(rng, (2, 3), *noise)[0].mean() + gap > 0 for _ in range(8000)]
    assert claimed == pytest.approx(np.mean(np.array(signs[::2]) == np.array(signs[1::2])), abs=0.02)


def test_more_of_anything_makes_contests_agree_more_often():
    noise = ContestNoise(0.0004, 0.0004, 0.0002, 0.0001)
    plans = [{"originals": 1, "requests": 1}, {"originals": 2, "requests": 1}, {"originals": 2, "requests": 3}]
    chances = [compute_agreement(0.03, noise, **plan) for plan in plans]
    chances.append(compute_agreement(0.03, noise, originals=2, requests=3, replicas=4))
    assert chances == sorted(set(chances))
    assert compute_agreement(0.03, ContestNoise(0.0, 0.0, 0.0, 0.0), originals=1, requests=1) == 1.0


@pytest.mark.parametrize(
    ("scores", "errors"),
    [
        ([0.1, 0.2], [0.1, 0.2]),
        ([[0.1, 0.2]], [[0.1], [0.2]]),
        ([[0.1, math.nan]], [[0.1, 0.1]]),
        ([[0.1]], [[-0.1]]),
        ([[]], [[]]),
        ([["a"]], [["b"]]),
    ],
)
def test_what_is_no_table_of_scores_is_refused(scores, errors):
    with pytest.raises(InvalidPool):
        compute_contest_interval(scores, errors)


@pytest.mark.parametrize("change", [{"originals": 0}, {"requests": 0}, {"replicas": 0.0}])
def test_a_contest_of_nothing_is_refused(change):
    with pytest.raises(InvalidPool):
        compute_agreement(0.1, ContestNoise(0.1, None, None, None), **{"originals": 1, "requests": 1, **change})
    with pytest.raises(InvalidPool):
        compute_contest_interval([[0.1]], [[0.1]], level=1.0)
