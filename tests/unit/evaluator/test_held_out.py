import numpy as np
import pytest
from scipy.stats import norm

from evaluator import Attack, compute_epsilons, compute_forgetting_quality
from evaluator.held_out import compute_separable_estimate
from evaluator.splits import draw_folds
from tests.unit.evaluator.twins import HeldOutTwin

ALPHA = 0.05
SHAPES = ("normal", "rounded", "three values", "cauchy", "constant")


def draw(kind, rng, size):
    return {
        "normal": lambda: rng.normal(size=size),
        "rounded": lambda: np.round(2 * rng.normal(size=size)),
        "three values": lambda: rng.integers(0, 3, size).astype(float),
        "cauchy": lambda: rng.standard_cauchy(size),
        "constant": lambda: np.full(size, 0.25),
    }[kind]()


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("seed", range(4))
def test_counting_agrees_with_explicit_regions(kind, seed):
    rng = np.random.default_rng([seed, SHAPES.index(kind)])
    unlearned = draw(kind, rng, rng.integers(12, 40)) + 0.5 * (seed % 3)
    retrained = draw("normal" if seed == 3 else kind, rng, rng.integers(12, 40))
    settings = {"folds": 3, "split_seeds": 2, "seed": seed}
    answer = compute_epsilons(unlearned[:, None], retrained[:, None], alpha=0.1, **settings).estimate[0]
    folds = draw_folds(unlearned.size, retrained.size, count=3, split_seeds=2, seed=seed)
    assert answer == pytest.approx(HeldOutTwin(unlearned, retrained, folds, 0.1).estimate(), abs=1e-12)


@pytest.mark.parametrize("replicas", [2000, 8000])
@pytest.mark.parametrize("by", [0.5, 1.0, 2.0])
def test_the_estimate_approaches_the_closed_form_of_a_shift(by, replicas):
    rng = np.random.default_rng(0)
    unlearned, retrained = by + rng.normal(size=(replicas, 6)), rng.normal(size=(replicas, 6))
    closed_form = np.log(norm.cdf(by - norm.isf(ALPHA)) / ALPHA)
    estimate = compute_epsilons(unlearned, retrained, split_seeds=1).estimate.mean()
    assert estimate == pytest.approx(closed_form, abs=6 / np.sqrt(replicas))


def test_the_estimate_approaches_the_closed_form_of_a_narrower_law():
    rng = np.random.default_rng(0)
    unlearned, retrained = 0.5 * rng.normal(size=(4000, 6)), rng.normal(size=(4000, 6))
    closed_form = np.log(2 * norm.sf(norm.isf(ALPHA / 2) / 2) / ALPHA)
    assert compute_epsilons(unlearned, retrained, split_seeds=1).estimate.mean() == pytest.approx(closed_form, abs=0.1)


def test_the_same_law_scores_near_one():
    pools = np.random.default_rng(0).normal(size=(2, 512, 96))
    assert compute_forgetting_quality(*pools) >= 0.97


def test_quality_falls_with_every_shift():
    rng = np.random.default_rng(0)
    retrained = rng.normal(size=(256, 48))
    noise = rng.normal(size=(256, 48))
    qualities = [compute_forgetting_quality(noise + by, retrained) for by in (0, 0.5, 1, 1.5, 2, 3)]
    assert qualities == sorted(qualities, reverse=True)


@pytest.mark.parametrize("factors", [(1, 0.7, 0.5, 0.3, 0.1), (1, 1.5, 2, 3, 6)])
def test_quality_falls_with_every_change_of_scale(factors):
    rng = np.random.default_rng(0)
    retrained = rng.normal(size=(256, 48))
    noise = rng.normal(size=(256, 48))
    qualities = [compute_forgetting_quality(noise * by, retrained) for by in factors]
    assert qualities == sorted(qualities, reverse=True)


@pytest.mark.parametrize(
    ("make", "most"),
    [
        (lambda rng, shape: np.zeros(shape), 0.01),
        (lambda rng, shape: np.full(shape, 2.5), 0.01),
        (lambda rng, shape: np.sign(rng.normal(size=shape)), 0.02),
        (lambda rng, shape: np.round(rng.normal(size=shape)), 0.15),
        (lambda rng, shape: rng.standard_cauchy(size=shape), 0.25),
        (lambda rng, shape: np.where(rng.random(shape) < 0.5, 0.0, rng.normal(size=shape)), 0.1),
        (lambda rng, shape: np.clip(rng.normal(size=shape), -0.5, 0.5), 0.1),
    ],
    ids=["constant", "constant in the tail", "two values", "rounded", "cauchy", "half constant", "clipped"],
)
def test_odd_outputs_do_not_pay(make, most):
    rng = np.random.default_rng(0)
    retrained = rng.normal(size=(256, 32))
    assert compute_forgetting_quality(make(rng, (256, 32)), retrained) <= most


@pytest.mark.parametrize("replicas", [32, 64, 256])
def test_separable_pools_come_close_to_the_largest_estimate_and_earn_nothing(replicas):
    rng = np.random.default_rng(0)
    unlearned, retrained = rng.normal(size=(2, replicas, 8))
    most = compute_separable_estimate(replicas, replicas, ALPHA)
    estimate = compute_epsilons(unlearned + 100, retrained).estimate
    assert (estimate <= most + 1e-12).all()
    assert np.median(estimate) >= most - 0.3
    assert compute_forgetting_quality(unlearned + 100, retrained) <= 0.05


def test_two_different_constants_are_separable():
    epsilons = compute_epsilons(np.zeros((20, 1)), np.ones((20, 1)))
    assert epsilons.estimate[0] == pytest.approx(compute_separable_estimate(20, 20, ALPHA))


def test_equal_constants_and_identical_pools_give_zero():
    pool = np.random.default_rng(0).normal(size=(40, 3))
    pool[:, 0] = 7.0
    assert compute_epsilons(pool, pool).estimate[0] == 0.0
    assert compute_forgetting_quality(pool, pool) >= 0.75


def test_the_estimate_is_unchanged_by_the_unit_of_the_confidences():
    rng = np.random.default_rng(0)
    pools = rng.normal(size=(2, 60, 5))
    np.testing.assert_allclose(
        compute_epsilons(*(pools * 1024 + 512)).estimate, compute_epsilons(*pools).estimate, atol=1e-9
    )


def test_reordering_models_moves_the_estimate_only_as_another_seed_does():
    """Folds go by position, so the value is not invariant; its spread over orders is that over seeds."""
    rng = np.random.default_rng(0)
    unlearned, retrained = rng.normal(size=(128, 64)) + 0.5, rng.normal(size=(128, 64))
    by_order = [compute_forgetting_quality(unlearned[rng.permutation(128)], retrained) for _ in range(4)]
    from_seed = [compute_epsilons(unlearned, retrained, seed=seed).estimate.mean() for seed in range(4)]
    assert np.ptp(by_order) < 0.15
    assert np.ptp(from_seed) < 0.15


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others():
    pools = np.random.default_rng(0).normal(size=(2, 40, 8)) + np.array([0.7, 0.0])[:, None, None]
    first, again, other = (compute_epsilons(*pools, seed=seed).estimate for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("by", [0.0, 0.5, 1.0])
def test_the_lower_bound_covers_at_least_its_level(by):
    rng = np.random.default_rng(5)
    unlearned, retrained = by + rng.normal(size=(80, 300)), rng.normal(size=(80, 300))
    truth = np.log(norm.cdf(by - norm.isf(ALPHA)) / ALPHA)
    assert np.mean(compute_epsilons(unlearned, retrained).lower <= truth + 1e-9) >= 0.95


def test_the_attack_that_won_is_named():
    rng = np.random.default_rng(0)
    retrained = rng.normal(size=(200, 1))
    spiked = np.where(rng.random((200, 1)) < 0.5, 0.3, rng.normal(size=(200, 1)))
    assert compute_epsilons(spiked, retrained).attack == (Attack.interval,)


def test_no_more_folds_are_made_than_there_are_models():
    pools = np.random.default_rng(0).normal(size=(2, 4, 3))
    np.testing.assert_array_equal(compute_epsilons(*pools).estimate, compute_epsilons(*pools, folds=4).estimate)


def test_two_models_in_each_pool_are_enough_to_answer():
    assert np.isfinite(compute_epsilons(np.zeros((2, 1)), np.ones((2, 1))).estimate).all()
