import numpy as np
import pytest

from evaluator import Attack, InvalidPool, compute_epsilons, compute_epsilons_by_attack, compute_gaussian_epsilon
from evaluator.held_out import draw_pool_folds
from evaluator.logistic import choose_logistic_regions, fit_logistic
from evaluator.spec import EpsilonOptions
from tests.unit.evaluator import twins_held_out as twin

ALPHA = 0.05


def make_features(seed, shape, distance):
    """Two Gaussians of one covariance, `distance` apart in Mahalanobis' sense."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(shape[2], shape[2]))
    direction = rng.normal(size=shape[2])
    unlearned = rng.normal(size=shape) + distance * direction / np.linalg.norm(direction)
    return unlearned @ mixing, rng.normal(size=shape) @ mixing


@pytest.mark.parametrize("distance", [0.0, 1.0, 30.0])
def test_newtons_method_finds_what_scikit_learn_does(distance):
    unlearned, retrained = make_features(1, (25, 3, 4), distance)
    outputs = np.concatenate([unlearned, retrained]).transpose(1, 0, 2)
    label, train = np.arange(50) < 25, np.arange(50) % 5 != 0
    scores = fit_logistic(outputs, label, train).score(outputs)
    for example in range(3):
        np.testing.assert_allclose(scores[example], twin.regress(outputs[example], label, train), atol=1e-3)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("distance", [0.0, 1.0])
def test_thresholds_come_from_scores_of_fits_that_saw_neither_fold(seed, distance):
    features = make_features(seed, (24, 1, 3), distance)
    options = EpsilonOptions(folds=3, split_seeds=2, seed=seed)
    folds = draw_pool_folds(features[0][..., 0], features[1][..., 0], options)
    choices = choose_logistic_regions(features, folds, ALPHA)
    expected = twin.choose_regressions(features[0][:, 0], features[1][:, 0], folds, ALPHA)
    np.testing.assert_allclose(np.stack([a[0, 0].ravel() for a in choices.arrays()], axis=1), expected)


@pytest.mark.parametrize("distance", [0.5, 1.0, 2.0])
def test_the_estimate_approaches_the_closed_form_of_two_gaussians_of_one_covariance(distance):
    features = make_features(0, (3000, 4, 5), distance)
    estimate = compute_epsilons(
        features[0][..., 0],
        features[1][..., 0],
        split_seeds=1,
        attacks=[Attack.logistic_regression],
        unlearned_features=features[0],
        retrained_features=features[1],
    ).estimate
    assert estimate.mean() == pytest.approx(compute_gaussian_epsilon(distance), abs=0.1)


def test_a_difference_the_confidence_does_not_show_is_seen_in_the_features():
    rng = np.random.default_rng(0)
    pools, features = rng.normal(size=(2, 128, 6)), rng.normal(size=(2, 128, 6, 2))
    features[0, :, :, 1] += 2
    alone = compute_epsilons_by_attack(*pools, unlearned_features=features[0], retrained_features=features[1])
    assert alone[Attack.logistic_regression].min() > 1.5
    assert alone[Attack.half_line].mean() < 0.5


def test_many_useless_features_do_not_win_by_remembering_the_models():
    rng = np.random.default_rng(0)
    pools, features = rng.normal(size=(2, 60, 40)), rng.normal(size=(2, 60, 40, 12))
    answer = compute_epsilons(
        *pools,
        attacks=[Attack.logistic_regression],
        unlearned_features=features[0],
        retrained_features=features[1],
    )
    assert np.median(answer.estimate) == 0.0


def test_constant_and_repeated_features_are_no_obstacle():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(2, 40, 1, 1)) + np.array([3.0, 0.0])[:, None, None, None]
    features = np.concatenate([features, features, np.ones_like(features)], axis=3)
    alone = compute_epsilons_by_attack(
        *features[..., 0], unlearned_features=features[0], retrained_features=features[1]
    )
    assert alone[Attack.logistic_regression][0] > 2


@pytest.mark.parametrize(
    ("unlearned", "retrained", "says"),
    [
        (None, None, "needs unlearned_features and retrained_features"),
        (np.zeros((6, 1, 2)), None, "retrained features must be"),
        (np.zeros((6, 1)), np.zeros((6, 1, 2)), "unlearned features must be"),
        (np.zeros((6, 2, 2)), np.zeros((6, 1, 2)), "unlearned features must be"),
        (np.zeros((6, 1, 0)), np.zeros((6, 1, 0)), "unlearned features must be"),
        (np.zeros((6, 1, 3)), np.zeros((6, 1, 2)), "features disagree"),
        (np.full((6, 1, 2), np.nan), np.zeros((6, 1, 2)), "not finite"),
    ],
)
def test_features_that_do_not_fit_are_refused(unlearned, retrained, says):
    with pytest.raises(InvalidPool, match=says):
        compute_epsilons(
            np.zeros((6, 1)),
            np.ones((6, 1)),
            attacks=[Attack.logistic_regression],
            unlearned_features=unlearned,
            retrained_features=retrained,
        )


def test_two_models_are_too_few_to_score_a_fold_by_the_others():
    with pytest.raises(InvalidPool, match="3 folds"):
        compute_epsilons_by_attack(
            np.zeros((2, 1)),
            np.ones((2, 1)),
            unlearned_features=np.zeros((2, 1, 1)),
            retrained_features=np.ones((2, 1, 1)),
        )
