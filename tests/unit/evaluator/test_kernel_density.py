import numpy as np
import pytest

from evaluator import Attack, compute_epsilons, compute_epsilons_by_attack, compute_gaussian_epsilon
from evaluator.held_out import choose_regions, draw_pool_folds
from evaluator.spec import EpsilonOptions
from tests.unit.evaluator import twins_held_out as twin

ALONE = EpsilonOptions(attacks=(Attack.kernel_density,), folds=3, split_seeds=2)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", ["normal", "heavy", "spiked", "constant and normal"])
def test_densities_on_the_grid_choose_what_sums_over_all_models_do(kind, seed):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(12, 40, 2)
    unlearned, retrained = rng.normal(size=sizes[0]) * 0.7 + 0.4, rng.normal(size=sizes[1])
    if kind == "heavy":
        unlearned = rng.standard_cauchy(size=sizes[0])
    if kind == "spiked":
        unlearned[::2] = 0.25
    if kind == "constant and normal":
        unlearned[:] = 0.3
    pools = unlearned[:, None], retrained[:, None]
    folds = draw_pool_folds(*pools, ALONE)
    choices = choose_regions(*pools, folds, ALONE)
    expected = twin.choose_densities(unlearned, retrained, folds, ALONE.alpha)
    np.testing.assert_allclose(np.stack([a[0, 0].ravel() for a in choices.arrays()], axis=1), expected)


@pytest.mark.parametrize(("shift", "ratio"), [(0.5, 1.0), (1.0, 1.0), (0.0, 0.5), (0.0, 2.0), (1.0, 0.5)])
def test_the_estimate_approaches_the_closed_form(shift, ratio):
    rng = np.random.default_rng(0)
    unlearned, retrained = shift + ratio * rng.normal(size=(4000, 4)), rng.normal(size=(4000, 4))
    estimate = compute_epsilons(unlearned, retrained, split_seeds=1, attacks=["kernel_density"]).estimate.mean()
    assert estimate == pytest.approx(compute_gaussian_epsilon(shift, ratio), abs=0.1)


def test_two_humps_are_told_from_one_better_than_by_any_single_interval():
    rng = np.random.default_rng(0)
    retrained = rng.normal(size=(512, 8))
    unlearned = 0.3 * rng.normal(size=(512, 8)) + rng.choice([-0.95, 0.95], size=(512, 8))
    alone = compute_epsilons_by_attack(unlearned, retrained)
    others = np.max([epsilons for attack, epsilons in alone.items() if attack is not Attack.kernel_density], axis=0)
    assert alone[Attack.kernel_density].mean() > others.mean() + 0.15


def test_equal_constants_are_equal_and_different_ones_separable():
    zeros, ones = np.zeros((20, 1)), np.ones((20, 1))
    assert compute_epsilons(zeros, zeros, attacks=["kernel_density"]).estimate[0] == 0.0
    assert compute_epsilons(zeros, ones, attacks=["kernel_density"]).estimate[0] == pytest.approx(2.9492, abs=1e-4)


def test_a_narrow_kernel_does_not_win_by_remembering_where_the_models_lie():
    rng = np.random.default_rng(0)
    estimates = compute_epsilons(*rng.normal(size=(2, 256, 200)), attacks=["kernel_density"]).estimate
    assert np.median(estimates) == 0.0
