"""A mean over originals and requests: against slow twins, by simulation, and what two entries are compared by."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import t

from evaluator import InvalidPool, ScoringSpec, score
from evaluator.averaging import average_scores
from evaluator.contests import compute_contest_interval
from tests.unit.evaluator.test_scoring import make_pool, make_pools

FAST = ScoringSpec(interval_resamples=16)
PLAIN = score(*make_pools(shift=0.5, replicas=16, examples=8), spec=FAST)


def make_cards(scores, draws):
    """Scorecards whose draws spread as their errors say: scores (K, Q), draws (K, Q, B)."""
    return [
        [
            replace(
                PLAIN,
                score=float(value),
                corrected=float(value) / 2,
                interval=replace(PLAIN.interval, standard_error=float(drawn.std(ddof=1)), draws=tuple(drawn.tolist())),
            )
            for value, drawn in zip(values, parts, strict=True)
        ]
        for values, parts in zip(scores, draws, strict=True)
    ]


def draw_contest(rng, shape, *, own, bank, originals=0.0, requests=0.0, both=0.0, resamples=32):
    """Cards of one contest whose true mean is 0.5: every request has a retrained pool that its originals share."""
    true = originals * rng.normal(size=(shape[0], 1)) + requests * rng.normal(size=(1, shape[1]))
    true = 0.5 + true + both * rng.normal(size=shape)
    scores = true + own * rng.normal(size=shape) + bank * rng.normal(size=(1, shape[1]))
    parts = own * rng.normal(size=(*shape, resamples)) + bank * rng.normal(size=(1, shape[1], resamples))
    return make_cards(scores, scores[:, :, None] + parts)


def find_variance_slowly(cards):
    """The variance of a mean, one sum after the other, from docs/metric.md §14."""
    originals, requests = len(cards), len(cards[0])
    pairs = [(k, q) for k in range(originals) for q in range(requests)]
    scores = {(k, q): cards[k][q].score for k, q in pairs}
    mean = sum(scores.values()) / len(pairs)
    by_original = [sum(scores[k, q] for q in range(requests)) / requests for k in range(originals)]
    by_request = [sum(scores[k, q] for k in range(originals)) / originals for q in range(requests)]
    squares_k = requests * sum((value - mean) ** 2 for value in by_original) / max(originals - 1, 1)
    squares_q = originals * sum((value - mean) ** 2 for value in by_request) / max(requests - 1, 1)
    own = bank = 0.0
    for q in range(requests):
        errors = [cards[k][q].interval.standard_error ** 2 for k in range(originals)]
        each = sum(errors) / originals
        moved = [np.array(cards[k][q].interval.draws) - np.mean(cards[k][q].interval.draws) for k in range(originals)]
        of_mean = float(np.var(sum(moved) / originals, ddof=1))
        shared = each - (each - of_mean) * originals / (originals - 1) if originals > 1 else 0.0
        shared = min(max(shared, 0.0), each)
        own, bank = own + (each - shared) / requests, bank + shared / requests
    floor = own / (originals * requests) + bank / requests
    found = (squares_k + squares_q) / (originals * requests) + (bank if requests == 1 else 0.0)
    return max(found, floor), squares_k / (originals * requests), squares_q / (originals * requests)


@pytest.mark.parametrize("shape", [(2, 1), (1, 2), (2, 2), (4, 1), (3, 4)])
@pytest.mark.parametrize("seed", range(3))
def test_the_error_is_that_of_the_slow_twin(shape, seed):
    rng = np.random.default_rng([seed, *shape])
    cards = draw_contest(rng, shape, own=0.03, bank=0.02, originals=0.02, requests=0.04, both=0.01)
    found = average_scores(cards)
    variance, _, _ = find_variance_slowly(cards)
    assert found.interval.standard_error == pytest.approx(math.sqrt(variance))
    assert found.score == pytest.approx(np.mean([[card.score for card in row] for row in cards]))
    assert found.corrected == pytest.approx(found.score / 2)
    assert found.score - found.interval.low == pytest.approx(
        t.ppf(0.975, found.interval.freedom) * found.interval.standard_error
    )
    assert 0 <= found.low <= found.score <= found.high <= 1


@pytest.mark.parametrize("shape", [(2, 1), (1, 3), (2, 2), (4, 3)])
def test_draws_spread_as_replicas_originals_and_requests_do(shape):
    rng = np.random.default_rng(shape)
    cards = draw_contest(rng, shape, own=0.03, bank=0.02, originals=0.02, requests=0.04)
    found = average_scores(cards)
    of_replicas = np.var(np.mean([[card.interval.draws for card in row] for row in cards], axis=(0, 1)), ddof=1)
    _, of_originals, of_requests = find_variance_slowly(cards)
    assert np.mean(found.draws) == pytest.approx(found.score)
    assert np.var(found.draws, ddof=1) == pytest.approx(of_replicas + of_originals + of_requests)


def test_two_entries_are_compared_by_their_differences_pair_by_pair():
    """What a request does to both alike is in neither's lead."""
    rng = np.random.default_rng(5)
    requests = np.array([[0.1, -0.1, 0.2]])
    base = 0.4 + requests + np.zeros((2, 3))
    one, other = (
        average_scores(make_cards(base + gap, base[:, :, None] + gap + 1e-4 * rng.normal(size=(2, 3, 32))))
        for gap in (0.0, 0.05)
    )
    assert np.std(np.subtract(one.draws, other.draws), ddof=1) < 1e-3 < 0.05 < one.interval.standard_error


@pytest.mark.parametrize("shape", [(4, 1), (3, 3), (2, 4)])
@pytest.mark.parametrize("sources", [{}, {"originals": 0.03}, {"requests": 0.03}, {"both": 0.03}], ids=str)
def test_the_interval_covers_where_a_request_shares_its_retrained_pool(shape, sources):
    sources = {name: value for name, value in sources.items() if shape[1] > 1 or name == "originals"}
    rng = np.random.default_rng([*shape, len(sources)])
    answers = [average_scores(draw_contest(rng, shape, own=0.01, bank=0.02, **sources)).interval for _ in range(300)]
    assert np.mean([answer.low <= 0.5 <= answer.high for answer in answers]) >= 0.91


def test_what_originals_share_is_no_less_for_more_of_them():
    rng = np.random.default_rng(3)
    answers = [average_scores(draw_contest(rng, (6, 1), own=0.01, bank=0.03)).interval for _ in range(200)]
    assert np.mean([answer.noise.bank for answer in answers]) == pytest.approx(0.03**2, rel=0.1)
    assert np.mean([answer.noise.replicas for answer in answers]) == pytest.approx(0.01**2, rel=0.1)
    assert min(answer.standard_error for answer in answers) > 0.015


def test_real_scorecards_of_two_originals_are_averaged():
    bank = make_pools(replicas=32, examples=24)[1]
    pools = [make_pool(np.random.default_rng(place).normal(shift, 1, (32, 24))) for place, shift in enumerate((0, 1))]
    cards = [[score(pool, bank, spec=FAST)] for pool in pools]
    found = average_scores(cards)
    assert found.score == pytest.approx((cards[0][0].score + cards[1][0].score) / 2)
    assert (found.interval.is_of_fresh_originals, found.interval.is_of_fresh_requests) == (True, False)
    assert sum(found.interval.shares.values()) == pytest.approx(1)


@pytest.mark.parametrize("cards", [[[PLAIN]], [[PLAIN, PLAIN], [PLAIN]], [[]]])
def test_what_is_no_table_of_pairs_is_refused(cards):
    with pytest.raises(InvalidPool):
        average_scores(cards)


def test_pools_too_small_to_be_drawn_from_are_refused():
    small = score(*make_pools(replicas=2, examples=4), spec=FAST)
    with pytest.raises(InvalidPool, match="three replicas"):
        average_scores([[small], [small]])


@pytest.mark.parametrize("shared", [[-0.1], [0.2], [0.01, 0.01], [math.nan]])
def test_what_is_shared_is_part_of_the_errors(shared):
    with pytest.raises(InvalidPool):
        compute_contest_interval([[0.1], [0.2]], [[0.1], [0.1]], shared=shared)
