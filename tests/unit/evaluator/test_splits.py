import numpy as np

from evaluator.splits import count_by_fold, draw_folds, find_cuts


def test_folds_are_balanced_for_every_split_seed():
    folds = draw_folds(23, 40, count=5, split_seeds=3, seed=1)
    for row in folds.unlearned:
        assert sorted(np.bincount(row)) == [4, 4, 5, 5, 5]


def test_the_folds_of_one_pool_do_not_depend_on_the_size_of_the_other():
    small, large = (draw_folds(20, size, count=5, split_seeds=2, seed=3) for size in (10, 30))
    np.testing.assert_array_equal(small.unlearned, large.unlearned)


def test_cuts_never_split_tied_values():
    before, after = find_cuts(np.array([[1.0, 2.0, 2.0, 2.0, 3.0]]))
    assert before.tolist() == [[0, 1, 1, 1, 4, 5]]
    assert after.tolist() == [[0, 1, 4, 4, 4, 5]]


def test_counts_say_how_many_models_of_a_fold_lie_below_each_cut():
    rng = np.random.default_rng(0)
    unlearned, retrained = rng.normal(size=(2, 3, 10))
    folds = draw_folds(10, 10, count=2, split_seeds=2, seed=0)
    counts = count_by_fold(unlearned, retrained, folds)
    pooled = np.sort(np.concatenate([unlearned, retrained], axis=1), axis=1)
    for example, split, fold, position in np.ndindex(3, 2, 2, 20):
        below = unlearned[example] < pooled[example, position]
        expected = (below & (folds.unlearned[split] == fold)).sum()
        assert counts.unlearned[example, split, fold, position] == expected
