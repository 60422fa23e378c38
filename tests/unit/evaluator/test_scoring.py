from dataclasses import replace

import numpy as np
import pytest

from evaluator import InvalidPool, ScoredPool, ScoringProtocol, ScoringSpec, compute_control, score
from evaluator.spec import Attack, EpsilonOptions

FAST = ScoringSpec(interval_resamples=4)


def make_pool(confidences, *, retain=0.9, test=0.8, forget=0.7):
    ones = np.ones(len(confidences))
    return ScoredPool(confidences, retain * ones, test * ones, forget * ones)


def make_pools(*, shift=0.0, replicas=64, examples=24, seed=0, **accuracies):
    rng = np.random.default_rng(seed)
    retrained = make_pool(rng.normal(size=(replicas, examples)))
    return make_pool(shift + rng.normal(size=(replicas, examples)), **accuracies), retrained


def test_the_score_is_forgetting_quality_times_utility():
    card = score(*make_pools(shift=0.5, retain=0.45, test=0.4), spec=FAST)
    assert card.score == pytest.approx(card.forgetting_quality * 0.5 * 0.5)
    assert card.forgetting_quality == pytest.approx(card.points.mean())


def test_all_three_protocols_are_reported_and_held_out_ranks():
    card = score(*make_pools(), spec=FAST)
    assert [entry.protocol for entry in card.protocols] == list(ScoringProtocol)
    assert card.ranked_by is ScoringProtocol.held_out
    assert card.score == card.under(ScoringProtocol.held_out).score


def test_another_protocol_can_rank():
    card = score(*make_pools(), spec=ScoringSpec(protocol=ScoringProtocol.exact, interval_resamples=4))
    assert card.epsilons.protocol is ScoringProtocol.exact
    assert card.score == card.under(ScoringProtocol.exact).score


def test_accuracies_are_shown_in_percent_with_unlearning_as_the_complement_of_forget():
    card = score(*make_pools(forget=0.25), spec=FAST)
    assert card.unlearned_accuracies.unlearning_percent == pytest.approx(75)
    assert card.retrained_accuracies.retain_percent == pytest.approx(90)
    assert card.retrained_accuracies.test_percent == pytest.approx(80)


def test_a_second_retrained_bank_scores_near_the_top_and_a_copied_model_at_the_bottom():
    control, retrained = make_pools(replicas=256)
    assert compute_control(retrained, control, spec=FAST).score > 0.9
    untouched = make_pool(np.repeat(np.asarray(control.confidences)[:1], 256, axis=0))
    assert score(untouched, retrained, spec=FAST).score < 0.01


def test_the_interval_contains_the_score_and_narrows_with_more_models():
    widths = []
    for replicas in (32, 256):
        card = score(*make_pools(shift=1.5, replicas=replicas, examples=48), spec=ScoringSpec(interval_resamples=16))
        assert card.interval.low <= card.score <= card.interval.high
        widths.append(card.interval.high - card.interval.low)
    assert widths[1] < widths[0]


def test_the_scorecard_says_what_it_was_made_from():
    card = score(*make_pools(replicas=20), spec=FAST)
    assert (card.unlearned_replicas, card.retrained_replicas, card.examples) == (20, 20, 24)
    assert card.metric_version == FAST.metric == "lacuna-2"
    assert card.spec is FAST


@pytest.mark.parametrize("replicas", [2, 3, 5, 6])
def test_a_handful_of_replicas_still_gets_a_score_and_an_interval_around_it(replicas):
    card = score(*make_pools(replicas=replicas), spec=FAST)
    assert card.interval.low <= card.score <= card.interval.high


def test_the_same_input_gives_the_same_scorecard():
    first, again = (score(*make_pools(shift=0.3), spec=FAST) for _ in range(2))
    assert (first.score, first.interval) == (again.score, again.interval)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"retain_accuracy": np.ones(3)}, "expected 64"),
        ({"test_accuracy": np.full(64, 80.0)}, "fractions"),
        ({"forget_accuracy": np.full(64, np.nan)}, "not finite"),
        ({"confidences": np.zeros((64, 0))}, "no examples"),
        ({"confidences": np.zeros((64, 3))}, "disagree on examples"),
    ],
)
def test_a_pool_that_cannot_be_scored_is_refused_with_its_reason(change, reason):
    unlearned, retrained = make_pools()
    fields = {name: getattr(unlearned, name) for name in ScoredPool.__slots__}
    with pytest.raises(InvalidPool, match=reason):
        score(ScoredPool(**{**fields, **change}), retrained, spec=FAST)


def test_a_retrained_pool_without_any_accuracy_is_refused():
    unlearned, retrained = make_pools()
    with pytest.raises(InvalidPool, match="accuracy 0"):
        score(unlearned, make_pool(retrained.confidences, test=0.0), spec=FAST)


def test_an_impossible_spec_is_refused():
    with pytest.raises(InvalidPool):
        ScoringSpec(interval_resamples=1)


def test_the_scorecard_carries_the_corrected_score_the_draws_and_one_mu_per_example():
    card = score(*make_pools(shift=1.0), spec=FAST)
    assert 0 <= card.corrected <= card.utility.product
    assert len(card.interval.draws) == FAST.interval_resamples
    assert card.mu.shape == (24,)


def test_entries_against_one_retrained_pool_have_paired_draws():
    """The same noise in the retrained pool: the draws of two entries go up and down together."""
    common = 2 * np.random.default_rng(5).normal(size=(64, 1))
    retrained = make_pool(common + np.random.default_rng(0).normal(size=(64, 24)))
    entries = [make_pool(np.random.default_rng(seed).normal(size=(64, 24)) + 1.5) for seed in (1, 2)]
    draws = [score(entry, retrained, spec=ScoringSpec(interval_resamples=16)).interval.draws for entry in entries]
    assert np.corrcoef(draws)[0, 1] > 0.3


def test_features_reach_the_attack_that_reads_them_in_the_score_its_interval_and_mu():
    rng = np.random.default_rng(0)
    unlearned, retrained = make_pools(replicas=20, examples=3)
    outputs = rng.normal(size=(2, 20, 3, 2))
    outputs[0] += [3.0, -3.0]
    spec = ScoringSpec(epsilon=EpsilonOptions(attacks=(Attack.logistic_regression,)), interval_resamples=4)
    pools = [replace(pool, features=values) for pool, values in zip((unlearned, retrained), outputs, strict=True)]
    card = score(*pools, spec=spec)
    assert set(card.epsilons.attack) == {Attack.logistic_regression}
    assert card.mu.min() > 1.5
    assert card.score < 0.1
    assert max(card.interval.draws) < 0.3
    with pytest.raises(InvalidPool, match="needs unlearned_features"):
        score(unlearned, retrained, spec=spec)
    with pytest.raises(InvalidPool, match="features must be"):
        score(replace(unlearned, features=outputs[0][:, :2]), pools[1], spec=spec)


def test_a_pool_of_models_that_are_always_wrong_scores_zero_with_a_defined_interval():
    unlearned, retrained = make_pools(test=0.0)
    card = score(unlearned, retrained, spec=FAST)
    assert (card.score, card.interval.low, card.interval.high, card.corrected) == (0.0, 0.0, 0.0, 0.0)


def test_the_upper_end_allows_for_the_noise_of_the_utility():
    rng = np.random.default_rng(0)
    confidences = rng.normal(size=(2, 40, 6))
    steady = [make_pool(pool) for pool in confidences]
    noisy = [replace(pool, retain_accuracy=rng.uniform(0.7, 1.0, 40)) for pool in steady]
    spec = ScoringSpec(interval_resamples=16)
    assert score(*steady, spec=spec).interval.high <= 1.0
    card = score(*noisy, spec=spec)
    assert card.interval.high > card.utility.product > 0
