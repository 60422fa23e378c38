import numpy as np

from evaluator.splits import compute_outputs_key, draw_folds


def test_folds_are_balanced_for_every_split_seed():
    folds = draw_folds(23, 40, count=5, split_seeds=3, seed=1)
    for row in folds.unlearned:
        assert sorted(np.bincount(row)) == [4, 4, 5, 5, 5]


def test_the_folds_of_one_pool_do_not_depend_on_the_size_of_the_other():
    small, large = (draw_folds(20, size, count=5, split_seeds=2, seed=3) for size in (10, 30))
    np.testing.assert_array_equal(small.unlearned, large.unlearned)


def test_other_outputs_put_the_unlearned_models_in_other_folds_and_the_retrained_ones_in_the_same():
    one, other = (draw_folds(20, 20, count=5, split_seeds=2, seed=3, outputs_key=key) for key in (10, 11))
    assert not np.array_equal(one.unlearned, other.unlearned)
    np.testing.assert_array_equal(one.retrained, other.retrained)


def test_the_key_of_the_outputs_is_that_of_any_order_of_examples_and_of_either_zero():
    rng = np.random.default_rng(0)
    unlearned, retrained = rng.normal(size=(2, 5, 4)).round(0)
    key = compute_outputs_key(unlearned, retrained)
    assert compute_outputs_key(unlearned[:, ::-1], np.where(retrained == 0, -0.0, retrained)[:, ::-1]) == key
    assert compute_outputs_key(unlearned, retrained + 1e-9) != key


def test_sizes_say_how_many_models_each_fold_leaves_out_and_keeps():
    folds = draw_folds(7, 12, count=3, split_seeds=2, seed=0)
    assert sorted(folds.held_sizes()[0, 0].tolist()) == [2, 2, 3]
    np.testing.assert_array_equal(folds.training_sizes()[1], 12 - folds.held_sizes()[1])
