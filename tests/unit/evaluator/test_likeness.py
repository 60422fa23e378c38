from dataclasses import replace

import numpy as np
import pytest

from evaluator import (
    EpsilonOptions,
    InvalidPool,
    Likeness,
    MetricVersion,
    ScoredPool,
    ScoringProtocol,
    ScoringSpec,
    score,
)
from evaluator.epsilon import compute_epsilons
from evaluator.likeness import measure_likeness
from evaluator.scored_pool import check_scored
from evaluator.sequential import compute_look
from tests.unit.evaluator.twins import rank_lacuna3

SPEC = ScoringSpec(metric=MetricVersion.lacuna_3, interval_resamples=4)
REPLICAS, EXAMPLES = 64, 40
ACCURATE = np.full(REPLICAS, 0.9)
RETRAINED = (0.0, 0.0, 0.0)
DRIFTED = (1.0, 1.0, 1.0)
REMEMBERS = (3.0, 0.0, 0.0)  # doing nothing with many originals: like retrained models but on the forget set
TABLE = (0.0, 1.0, 1.0)  # the answers to the forget set are known, nothing else is


def make_pool(shifts, *, seed, replicas=REPLICAS, examples=EXAMPLES, accuracy=0.9):
    """Confidences N(shift, 1) on the forget, test and retain examples."""
    rng = np.random.default_rng(seed)
    forget, test, retain = (shift + rng.normal(size=(replicas, examples)) for shift in shifts)
    ones = np.full(replicas, accuracy)
    return ScoredPool(forget, ones, ones, ones, test_confidences=test, retain_confidences=retain)


BANK = make_pool(RETRAINED, seed=0)


def rank(shifts, *, seed=1):
    return score(make_pool(shifts, seed=seed), BANK, spec=SPEC, protocols=()).score


def test_retraining_scores_near_1_and_doing_nothing_near_0():
    assert rank(RETRAINED) > 0.75  # of 40 examples; 0.9 of 128
    assert rank(REMEMBERS) < 0.02
    one_original = make_pool(RETRAINED, seed=2)
    copies = replace(
        one_original,
        **{
            name: np.repeat(np.asarray(getattr(one_original, name))[:1], REPLICAS, axis=0)
            for name in ("confidences", "test_confidences", "retain_confidences")
        },
    )
    assert score(copies, BANK, spec=SPEC, protocols=()).score < 0.01


def test_a_table_of_the_forget_set_ranks_below_the_entry_it_was_put_on():
    known = score(make_pool(TABLE, seed=1), BANK, spec=SPEC, protocols=())
    honest = score(make_pool(DRIFTED, seed=1), BANK, spec=SPEC, protocols=())
    assert known.forgetting_quality > 3 * honest.forgetting_quality  # what lacuna-2 ranks by
    assert known.score < 0.3 * honest.score


def test_knowing_just_enough_of_the_answers_pays_no_more_than_forgetting_would():
    """Whoever closes the gap between forget and test examples is held by the smallest of the three all the same."""
    for forget in (0.5, 0.7, 1.0):
        card = score(make_pool((forget, 1.0, 1.0), seed=1), BANK, spec=SPEC, protocols=())
        assert card.score <= min(card.likeness.test, card.likeness.retain)


def test_knowing_the_retained_examples_too_does_not_lift_a_score_above_that_of_unseen_ones():
    assert rank((0.0, 1.0, 0.0)) < rank(DRIFTED) * 1.05
    card = score(make_pool((0.0, 1.0, 0.0), seed=1), BANK, spec=SPEC, protocols=())
    assert card.score <= card.likeness.test


def test_memory_is_told_from_drift():
    remembers, drifted = (
        score(make_pool(shifts, seed=1), BANK, spec=SPEC, protocols=()) for shifts in ((1.0, 0.0, 0.0), DRIFTED)
    )
    assert remembers.forgetting_quality == pytest.approx(drifted.forgetting_quality, abs=0.1)
    assert remembers.likeness.balance < 0.4
    assert min(remembers.likeness.test, remembers.likeness.retain) > 0.8
    assert drifted.likeness.balance > 0.7
    assert max(drifted.likeness.test, drifted.likeness.retain) < 0.4
    assert remembers.score < drifted.score


@pytest.mark.parametrize(
    "direction", [(1, 0, 0), (0, 1, 1), (0, 0, 1), (1, 1, 1)], ids=["memory", "drift", "retain", "all"]
)
def test_every_step_away_costs(direction):
    scores = [rank(tuple(step * part for part in direction)) for step in (0.0, 0.5, 1.0, 2.0)]
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] < 0.1 * scores[0]


@pytest.mark.parametrize("lower", [0.5, 0.25, 0.0])
def test_making_test_or_retain_examples_worse_never_pays(lower):
    """A ratio of points once rewarded it: whoever remembers could drown the difference in drift."""
    kept = Likeness(forget=0.2, test=0.9, retain=0.9, memory=0.8)
    assert replace(kept, test=lower).quality <= kept.quality
    assert replace(kept, retain=lower).quality <= kept.quality


def test_moving_everything_the_other_way_hides_no_memory():
    """Forget examples half a step up and the others half a step down: alike in points, and still a step apart."""
    hidden = score(make_pool((0.5, -0.5, -0.5), seed=1), BANK, spec=SPEC, protocols=())
    drifted = score(make_pool((0.5, 0.5, 0.5), seed=1), BANK, spec=SPEC, protocols=())
    assert hidden.forgetting_quality == pytest.approx(drifted.forgetting_quality, abs=0.1)
    assert hidden.likeness.memory > 0.7
    assert hidden.score < 0.5 * drifted.score


def test_the_arithmetic():
    found = Likeness(forget=0.25, test=0.5, retain=0.4, memory=0.5)
    assert found.quality == pytest.approx(0.25)
    assert replace(found, memory=0.6).quality == pytest.approx(0.25 * 0.8**2)
    assert replace(found, memory=0.4).quality == pytest.approx(0.25 * 0.8**2)
    assert replace(found, memory=1.0).quality == 0
    assert replace(found, memory=0.6, noise=0.1).quality == 0.25  # no more than noise
    assert replace(found, memory=0.6, noise=0.06).quality == pytest.approx(0.25 * (1 - 2 * 0.08) ** 2)
    assert replace(found, forget=0.8, test=0.4).quality == pytest.approx(0.4 * 0.5**2)
    assert replace(found, test=0.5, forget=0.5, retain=0.3).quality == pytest.approx(0.3)
    assert replace(found, forget=0.0).quality == 0
    assert replace(found, test=0.0).quality == 0


def test_a_slow_twin_finds_the_same_score():
    """Folds follow from the outputs, so one example a pool is another draw of them: constants do not mind."""
    rng = np.random.default_rng(7)
    banks = [
        {split: np.repeat(rng.integers(0, 2, size=(1, 6)), 20, axis=0) * 1.0 for split in ("forget", "test", "retain")}
        for _ in range(2)
    ]
    accuracies = [{"RA": 0.99, "TA": 0.72}, {"RA": 0.9, "TA": 0.8}]
    pools = [
        ScoredPool(
            bank["forget"],
            np.full(20, accuracy["RA"]),
            np.full(20, accuracy["TA"]),
            np.full(20, 0.5),
            test_confidences=bank["test"],
            retain_confidences=bank["retain"],
        )
        for bank, accuracy in zip(banks, accuracies, strict=True)
    ]
    slow = rank_lacuna3(*({**bank, **accuracy} for bank, accuracy in zip(banks, accuracies, strict=True)), alone)
    assert 0 < slow < 1
    assert score(*pools, spec=SPEC, protocols=()).score == pytest.approx(slow)


def alone(left, right):
    return float(compute_epsilons(left, right).estimate[0])


def test_more_accuracy_than_retrained_models_earns_nothing():
    better = make_pool(RETRAINED, seed=1, accuracy=1.0)
    assert score(better, BANK, spec=SPEC, protocols=()).score == rank(RETRAINED)
    worse = make_pool(RETRAINED, seed=1, accuracy=0.45)
    assert score(worse, BANK, spec=SPEC, protocols=()).score == pytest.approx(rank(RETRAINED) / 4)


def test_the_interval_holds_the_score_and_the_looks_compare_the_same_number():
    entry, rival = make_pool(DRIFTED, seed=1), make_pool(RETRAINED, seed=2)
    card = score(entry, BANK, spec=SPEC, protocols=())
    assert card.interval.low <= card.score <= card.interval.high <= 1
    look = compute_look(entry, rival, BANK, spec=SPEC)
    assert look.difference == pytest.approx(card.score - rank(RETRAINED, seed=2))


def test_the_older_version_is_computed_as_ever_and_shows_the_columns():
    entry = make_pool(DRIFTED, seed=1)
    old = score(entry, BANK, spec=replace(SPEC, metric=MetricVersion.lacuna_2), protocols=())
    bare = replace(entry, test_confidences=None, retain_confidences=None)
    assert old.score == score(bare, BANK, spec=replace(SPEC, metric=MetricVersion.lacuna_2), protocols=()).score
    assert old.score == pytest.approx(old.forgetting_quality)
    assert old.metric_version == "lacuna-2"
    assert old.likeness is not None
    assert old.likeness == score(entry, BANK, spec=SPEC, protocols=()).likeness


def test_the_published_rules_rank_as_they_were_published():
    entry = make_pool(DRIFTED, seed=1)
    card = score(entry, BANK, spec=replace(SPEC, protocol=ScoringProtocol.exact), protocols=())
    assert card.likeness is None
    assert card.score == pytest.approx(card.forgetting_quality)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"test_confidences": None}, "lacuna-3 needs the test_confidences of both pools, and the unlearned one"),
        ({"retain_confidences": None}, "needs the retain_confidences"),
        ({"test_confidences": np.zeros((REPLICAS, 3))}, "test confidences are of 3 and 40 examples"),
        ({"retain_confidences": np.zeros((3, EXAMPLES))}, "are of 3 models, those on the forget set of 64"),
        ({"test_confidences": np.full((REPLICAS, EXAMPLES), np.nan)}, "not finite"),
        ({"test_confidences": np.zeros((REPLICAS, 0))}, "has no examples"),
    ],
    ids=["no test", "no retain", "other examples", "other models", "nan", "none at all"],
)
def test_what_is_missing_is_named(change, said):
    with pytest.raises(InvalidPool, match=said):
        score(replace(make_pool(DRIFTED, seed=1), **change), BANK, spec=SPEC)


def test_pools_of_unequal_sizes_and_without_variance_have_a_value():
    few = make_pool(DRIFTED, seed=1, replicas=16)
    assert 0 <= score(few, BANK, spec=SPEC, protocols=()).score <= 1
    still = ScoredPool(*[np.ones((8, 4)), *[np.ones(8)] * 3], None, np.ones((8, 4)), np.ones((8, 4)))
    found = measure_likeness(*[check_scored(still, "still")] * 2, EpsilonOptions(), forget=1.0)
    assert (found.test, found.retain) == (1.0, 1.0)
