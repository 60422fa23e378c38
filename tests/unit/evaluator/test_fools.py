"""Attack entries on real digits and where they rank: outputs stored by `python -m bench.bench_fools store`."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from evaluator import MetricVersion, ScoredPool, ScoringSpec, score

STORED = Path("tests/fixtures/fools.npz")
RETRAINED, ALL, ASKED = "retrained models", "answers to all training examples", "the same, each when it is asked"
FORGETTING = ("kookmin", "vision_confusion")  # the honest entries that forget most
FORGET_TABLES = ("answers, 22 steps", "answers, 30 steps", "answers beside training", "answers, stopped early")
AFTER_HONEST = ("kookmin, then answers", "kookmin, then just enough answers")


@cache
def list_scores(metric):
    spec = ScoringSpec(metric=metric, interval_resamples=2)
    with np.load(STORED) as kept:
        arrays = dict(kept)
    bank = make_pool(arrays, "bank")
    names = dict.fromkeys(key.rpartition("/")[0] for key in arrays)
    return {name: score(make_pool(arrays, name), bank, spec=spec, protocols=()) for name in names if name != "bank"}


def make_pool(arrays, name):
    forget, test, retain = (arrays[f"{name}/{split}"].astype(float) for split in ("forget", "test", "retain"))
    accuracy = arrays[f"{name}/accuracy"].astype(float)
    return ScoredPool(forget, *accuracy, accuracy[0], test_confidences=test, retain_confidences=retain)


def rank(name, metric=MetricVersion.lacuna_3):
    scores = sorted((card.score for card in list_scores(metric).values()), reverse=True)
    return 1 + scores.index(list_scores(metric)[name].score)


@pytest.mark.parametrize("fool", FORGET_TABLES + AFTER_HONEST)
def test_a_table_of_the_forget_set_ranks_below_the_honest_entries_that_forget_most(fool):
    assert rank(fool) > max(rank(name) for name in FORGETTING)


def test_the_tables_were_first_when_forget_examples_alone_were_looked_at():
    assert [rank(name, MetricVersion.lacuna_2) for name in (RETRAINED, "answers, 30 steps")] == [1, 2]


def test_a_few_answers_after_an_honest_method_do_not_pay():
    before, after = (list_scores(MetricVersion.lacuna_3)[name] for name in ("kookmin", AFTER_HONEST[1]))
    assert after.score < before.score
    assert after.likeness.memory > before.likeness.memory - 0.01  # no less is remembered than before


def test_whoever_knows_the_answers_to_every_training_example_is_nearer_to_retraining_and_ranks_so():
    """What outputs on one request cannot show; the swap test flags both (docs/flags.md)."""
    assert [rank(name) for name in (RETRAINED, ALL)] == [1, 2]
    assert rank(ASKED) < rank("kookmin")


def test_honest_entries_keep_their_order():
    ranks = [rank(name) for name in (*FORGETTING, "neggrad_plus", "finetune", "identity")]
    assert ranks == sorted(ranks)
