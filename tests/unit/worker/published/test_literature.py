"""Metrics of papers from published files: each is what the evaluator computes, and stands where its inputs do."""

import numpy as np
import pytest

from evaluator import compute_confidence
from evaluator.metrics import divergences, membership
from evaluator.metrics.aggregates import Percents, compute_avg_gap
from worker.published.literature import Sets, describe_literature
from worker.published.reading import PublishedPool

RNG = np.random.default_rng(0)


def make_pool(examples: int, *, shift: float = 0.0, models: int = 4, has_logits: bool = True) -> PublishedPool:
    labels = np.arange(examples) % 3
    logits = RNG.normal(size=(models, examples, 3)).astype(np.float32)
    logits[:, np.arange(examples), labels] += np.float32(1 + shift)
    confidences = compute_confidence(logits, labels)
    beside = {"logits": logits, "labels": labels} if has_logits else {}
    return PublishedPool(confidences, "file", "logits" if has_logits else "margins", None, **beside)


def make_sets(*, shift: float = 0.0, has_logits: bool = True) -> Sets:
    sizes = (20, 40, 30)
    return Sets(*(make_pool(size, shift=shift, has_logits=has_logits) for size in sizes))


def test_everything_is_there_when_logits_of_all_sets_are() -> None:
    ours, theirs = make_sets(shift=1.0), make_sets()
    lines = {line.id: line for line in describe_literature(ours, theirs)}
    assert list(lines) == [
        *("ua", "fa", "ra", "ta", "mia_eff", "mia_sfr", "mia_add", "mia_kit", "d_kl", "js", "avg_gap", "sum", "avg_d")
    ]
    assert ours.retain is not None
    assert ours.test is not None
    right = (ours.forget.logits.argmax(2) == ours.forget.labels).mean()  # type: ignore[union-attr]
    assert lines["fa"].value == pytest.approx(100 * right)
    assert lines["ua"].value == pytest.approx(100 - 100 * right)
    sides = (ours.retain.confidences, ours.test.confidences, ours.forget.confidences)
    assert lines["mia_eff"].value == pytest.approx(membership.compute_mia_eff(*sides).mean())
    kl = divergences.compute_kl(ours.forget.logits, theirs.forget.logits)  # type: ignore[arg-type]
    assert lines["d_kl"].value == pytest.approx(kl.mean())
    assert lines["d_kl"].retrained is None
    percents = [
        Percents(*(getattr(lines[name], side) for name in ("ua", "ra", "ta", "mia_eff", "mia_sfr")))
        for side in ("value", "retrained")
    ]
    assert lines["avg_gap"].value == pytest.approx(compute_avg_gap(*percents))


def test_margins_allow_attacks_by_confidence_and_no_accuracy() -> None:
    lines = describe_literature(make_sets(has_logits=False), make_sets(has_logits=False))
    assert [line.id for line in lines] == ["mia_eff", "mia_add", "mia_kit"]


def test_accuracies_that_are_given_stand_in_for_outputs() -> None:
    ours, theirs = (Sets(make_pool(20), None, None, 0.9, 0.8) for _ in range(2))
    lines = {line.id: line for line in describe_literature(ours, theirs)}
    assert list(lines) == ["ua", "fa", "ra", "ta", "d_kl", "js"]
    assert (lines["ra"].value, lines["ta"].gap) == (90.0, 0.0)


def test_margins_of_the_forget_set_alone_allow_nothing() -> None:
    assert describe_literature(*(Sets(make_pool(20, has_logits=False)) for _ in range(2))) == ()
