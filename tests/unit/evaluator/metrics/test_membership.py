import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedShuffleSplit, cross_val_score
from sklearn.svm import SVC

from evaluator import InvalidPool
from evaluator.metrics import membership
from evaluator.metrics.logistic import fit_rules

Array = np.ndarray[Any, Any]


def make_confidences(models: int, examples: int, *, mean: float, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(mean, 2.0, size=(models, examples)).astype(np.float32)


def make_sets(models: int = 2) -> tuple[Array, Array, Array]:
    return (
        make_confidences(models, 90, mean=5, seed=1),
        make_confidences(models, 70, mean=2, seed=2),
        make_confidences(models, 40, mean=3, seed=3),
    )


@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("shift", [0.0, 1.0, 100.0])
def test_all_models_at_once_fit_what_scikit_learn_fits_one_by_one(balanced: bool, shift: float) -> None:
    features = np.random.default_rng(0).normal(size=(4, 60))
    labels = np.arange(60) < 20
    features[:, labels] += shift
    rules = fit_rules(features, labels, balanced=balanced)
    for row, values in enumerate(features):
        slow = LogisticRegression(class_weight="balanced" if balanced else None, tol=1e-10, max_iter=10_000)
        slow.fit(values[:, None], labels)
        assert rules.slope[row] == pytest.approx(slow.coef_[0, 0], rel=1e-4, abs=1e-5)
        assert rules.intercept[row] == pytest.approx(slow.intercept_[0], rel=1e-4, abs=1e-4)


@settings(max_examples=40)
@given(arrays(np.float64, (3, 12), elements=st.floats(-104, 104)), st.booleans())
def test_a_fit_ends_at_a_minimum_on_any_features(features: Array, balanced: bool) -> None:
    labels = np.arange(12) % 3 == 0
    rules = fit_rules(features, labels, balanced=balanced)
    weights = np.where(labels, 12 / 8, 12 / 16) if balanced else np.ones(12)
    residual = weights * (1 / (1 + np.exp(-(rules.slope[:, None] * features + rules.intercept[:, None]))) - labels)
    np.testing.assert_allclose(residual.sum(axis=1), 0, atol=1e-4)
    np.testing.assert_allclose(rules.slope + (residual * features).sum(axis=1), 0, atol=1e-2)


def test_mia_eff_is_the_share_of_the_forget_set_taken_for_unseen() -> None:
    retain, test, forget = make_sets()
    chance = [1 / (1 + np.exp(-values.astype(np.float64))) for values in (retain[:, :70], test, forget)]
    for model, value in enumerate(membership.compute_mia_eff(retain, test, forget)):
        known = np.concatenate([chance[0][model], chance[1][model]])[:, None]
        machine = SVC(C=3, kernel="rbf", gamma=1.0).fit(known, [1] * 70 + [0] * 70)
        assert value == 100 * np.mean([machine.predict([[one]])[0] == 0 for one in chance[2][model]])


def test_mia_sfr_is_the_share_of_the_forget_set_taken_for_members() -> None:
    retain, test, forget = (np.abs(values) for values in make_sets())
    for model, value in enumerate(membership.compute_mia_sfr(retain, test, forget)):
        known = np.concatenate([retain[model], test[model]])[:, None]
        slow = LogisticRegression(class_weight="balanced", tol=1e-8).fit(known, [1] * 90 + [0] * 70)
        assert value == 100 * slow.predict(forget[model][:, None]).mean()


def test_mia_kit_is_what_the_starting_kit_computes() -> None:
    _, test, forget = make_sets()
    order = np.random.default_rng(0).permutation(40)
    for model, value in enumerate(membership.compute_mia_kit(forget, test)):
        kept = np.concatenate([test[model, :40], forget[model, order]]).astype(np.float64)
        losses = np.array([math.log1p(math.exp(-one)) for one in kept])[:, None]
        splits = StratifiedShuffleSplit(n_splits=10, random_state=0)
        scores = cross_val_score(
            LogisticRegression(tol=1e-10), losses, [0] * 40 + [1] * 40, cv=splits, scoring="accuracy"
        )
        assert value == pytest.approx(scores.mean(), abs=1e-12)


def test_scrub_asks_about_the_forgotten_classes_only() -> None:
    _, test, forget = make_sets()
    test_labels = np.arange(70) % 7
    forget_labels = np.arange(40) % 3
    other = test.copy()
    other[:, test_labels > 2] = 99.0
    labels = {"forget_labels": forget_labels, "test_labels": test_labels}
    found = membership.compute_mia_kit_scrub(forget, test, **labels)
    np.testing.assert_array_equal(found, membership.compute_mia_kit_scrub(forget, other, **labels))
    assert ((found >= 0) & (found <= 1)).all()
    assert found.shape == (2,)


def test_sets_that_differ_in_nothing_are_told_apart_by_luck_only() -> None:
    forget, test = make_confidences(30, 100, mean=3, seed=5), make_confidences(30, 100, mean=3, seed=6)
    for value, ideal in (
        (membership.compute_mia_add(forget, test), 50),
        (membership.compute_mia_kit(forget, test), 0.5),
    ):
        assert value.mean() == pytest.approx(ideal, abs=5 * value.std() / math.sqrt(30))


def test_sets_that_share_no_value_are_told_apart() -> None:
    forget, test = make_confidences(3, 50, mean=-30), make_confidences(3, 50, mean=30)
    assert (membership.compute_mia_add(forget, test) > 99).all()
    assert (membership.compute_mia_kit(forget, test) > 0.99).all()
    labels = {"forget_labels": np.zeros(50, int), "test_labels": np.zeros(50, int)}
    assert (membership.compute_mia_kit_scrub(forget, test, **labels) > 0.99).all()


def test_what_the_original_remembers_looks_like_a_member() -> None:
    retain, test = make_confidences(2, 200, mean=9), make_confidences(2, 200, mean=0, seed=1)
    remembered = make_confidences(2, 60, mean=9, seed=2)
    forgotten = make_confidences(2, 60, mean=0, seed=3)
    assert (membership.compute_mia_eff(retain, test, remembered) < 20).all()
    assert (membership.compute_mia_eff(retain, test, forgotten) > 80).all()


def test_constant_features_have_an_answer() -> None:
    flat = np.zeros((2, 30), np.float16)
    assert membership.compute_mia_eff(flat, flat, flat).shape == (2,)
    assert membership.compute_mia_sfr(flat, flat, flat).shape == (2,)
    assert membership.compute_mia_kit(flat, flat).tolist() == [0.5, 0.5]


def test_inputs_are_not_written_to() -> None:
    sets = make_sets()
    for values in sets:
        values.flags.writeable = False
    membership.compute_mia_eff(*sets)
    membership.compute_mia_sfr(*sets)
    membership.compute_mia_add(sets[2], sets[1])


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros(5),
        np.zeros((0, 20)),
        np.zeros((2, 0)),
        np.full((2, 20), np.nan),
        np.full((2, 20), np.inf),
        np.zeros((3, 20)),
        [[1.0, 2.0], [1.0]],
        [["a"] * 20] * 2,
    ],
)
def test_what_is_no_set_is_refused(bad: Any) -> None:
    retain, test, _ = make_sets()
    with pytest.raises(InvalidPool):
        membership.compute_mia_eff(retain, test, bad)
    with pytest.raises(InvalidPool):
        membership.compute_mia_sfr(retain, bad, test)
    with pytest.raises(InvalidPool):
        membership.compute_mia_kit(bad, test)


def test_sets_too_small_to_be_split_are_refused() -> None:
    few, many = np.zeros((2, 9)), np.zeros((2, 20))
    with pytest.raises(InvalidPool, match="needs 10 forget examples, got 9"):
        membership.compute_mia_add(few, many)
    with pytest.raises(InvalidPool, match="needs 10 test examples, got 0"):
        membership.compute_mia_kit_scrub(many, many, forget_labels=np.zeros(20, int), test_labels=np.ones(20, int))
    with pytest.raises(InvalidPool, match="do not fit"):
        membership.compute_mia_kit_scrub(many, many, forget_labels=np.zeros(3, int), test_labels=np.ones(20, int))
