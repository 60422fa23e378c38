import doctest

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics import roc_auc_score

from evaluator import InvalidPool, joint
from evaluator.joint import FOLDS, REPEATS, RIDGE, compute_auc, compute_joint_view, compute_null_spread, make_kernel


def draw(models, outputs=60, *, seed):
    return np.random.default_rng(seed).normal(size=(models, outputs))


def test_one_law_is_near_a_half():
    found = [compute_joint_view(draw(48, seed=2 * i), draw(48, seed=2 * i + 1)).auc for i in range(12)]
    assert abs(np.mean(found) - 0.5) < 0.05
    assert np.std(found) < 1.3 * compute_null_spread(48, 48)


def test_laws_that_differ_together_only_are_told_apart():
    """Every output is N(0, 1) in both pools; in one of them all outputs of a model share a factor."""
    rng = np.random.default_rng(1)
    shared = np.sqrt(0.5) * draw(64, seed=2) + np.sqrt(0.5) * rng.normal(size=(64, 1))
    assert compute_joint_view(shared, draw(64, seed=3)).auc > 0.9


def test_copies_of_a_few_models_with_noise_are_told_apart():
    few = draw(8, seed=4)
    copies = np.sqrt(0.8) * few[np.arange(64) % 8] + np.sqrt(0.2) * draw(64, seed=5)
    assert compute_joint_view(copies, draw(64, seed=6)).auc > 0.9


def test_a_library_fits_the_same():
    left, right = draw(20, 7, seed=7) + 0.5, draw(15, 7, seed=8)
    kernel = make_kernel(np.concatenate([left, right]))
    label = np.concatenate([np.full(20, 1 / 20), np.full(15, -1 / 15)])
    rng, areas = np.random.default_rng(0), []
    for _ in range(REPEATS):
        part = np.concatenate([rng.permutation(20) % FOLDS, rng.permutation(15) % FOLDS])
        for fold in range(FOLDS):
            train, held = part != fold, part == fold
            fit = KernelRidge(alpha=RIDGE, kernel="precomputed")
            fit.fit(kernel[np.ix_(train, train)], label[train] - label[train].mean())
            areas.append(roc_auc_score(label[held] > 0, fit.predict(kernel[np.ix_(held, train)])))
    assert compute_joint_view(left, right).auc == pytest.approx(np.mean(areas))


def test_an_area_counts_pairs():
    scores, kind = np.array([1.0, 2.0, 2.0, 0.0]), np.array([1, 1, -1, -1])
    assert compute_auc(scores, kind) == (1 + 0 + 1 + 0.5) / 4


def test_what_never_varies_says_nothing():
    still = np.ones((6, 3))
    assert compute_joint_view(still, still).auc == 0.5
    assert compute_joint_view(still, 2 * still).auc == 1.0
    one = draw(12, 2, seed=9)
    with_still = [np.column_stack([pool, np.ones(12)]) for pool in (one, draw(12, 2, seed=10))]
    assert compute_joint_view(*with_still) == compute_joint_view(one, draw(12, 2, seed=10))


def test_sizes_and_bad_values_are_refused_by_name():
    assert 0 <= compute_joint_view(draw(5, seed=1), draw(40, seed=2)).auc <= 1
    with pytest.raises(InvalidPool, match="needs 5 models in each pool, got 4 and 9"):
        compute_joint_view(draw(4, seed=1), draw(9, seed=2))
    with pytest.raises(InvalidPool, match="not finite"):
        compute_joint_view(np.full((6, 2), np.nan), draw(6, 2, seed=2))
    with pytest.raises(InvalidPool, match="disagree"):
        compute_joint_view(draw(6, 3, seed=1), draw(6, 2, seed=2))


def test_the_example_of_the_docstring_holds():
    assert doctest.testmod(joint).failed == 0
