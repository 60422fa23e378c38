import numpy as np
import pytest
from scipy.stats import norm

from evaluator import Attack, compute_epsilons, compute_forgetting_quality, compute_gaussian_epsilon
from evaluator.held_out import choose_regions, compute_held_out_counts, compute_separable_estimate, draw_pool_folds
from evaluator.regions import CUT_FAMILIES
from evaluator.spec import DEFAULT_ATTACKS, HELD_OUT_ATTACKS, EpsilonOptions
from evaluator.splits import draw_folds
from tests.unit.evaluator import twins_held_out as twin

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
@pytest.mark.parametrize("alpha", [0.05, 0.1, 0.23])
def test_every_family_chooses_and_counts_what_explicit_regions_do(kind, seed, alpha):
    rng = np.random.default_rng([seed, SHAPES.index(kind)])
    unlearned = draw(kind, rng, rng.integers(12, 40)) + 0.5 * (seed % 3)
    retrained = draw("normal" if seed == 3 else kind, rng, rng.integers(12, 40))
    options = EpsilonOptions(folds=3, split_seeds=2, seed=seed, alpha=alpha)
    pools = unlearned[:, None], retrained[:, None]
    folds = draw_pool_folds(*pools, options)
    choices = choose_regions(*pools, folds, options)
    for index, attack in enumerate(options.attacks):
        expected = twin.choose(unlearned, retrained, folds, alpha, attack)
        np.testing.assert_allclose(np.stack([a[index, 0].ravel() for a in choices.arrays()], axis=1), expected)


def test_the_estimate_pools_the_family_of_largest_merit_over_folds():
    rng = np.random.default_rng(0)
    unlearned, retrained = rng.normal(size=(30, 1)) + 0.7, rng.normal(size=(40, 1))
    options = EpsilonOptions(folds=4, split_seeds=3)
    folds = draw_pool_folds(unlearned, retrained, options)
    by_family = [twin.choose(unlearned[:, 0], retrained[:, 0], folds, ALPHA, attack) for attack in options.attacks]
    best = [max(row, key=lambda choice: choice[0]) for row in zip(*by_family, strict=True)]
    answer = compute_epsilons(unlearned, retrained, folds=4, split_seeds=3).estimate[0]
    assert answer == pytest.approx(twin.pool_estimates(best, folds, ALPHA))


@pytest.mark.parametrize("left_out", range(5))
def test_what_is_chosen_does_not_depend_on_the_models_it_is_judged_on(left_out):
    """Whatever stands in the fold left out, merit, family and way round of its choice stay the same."""
    rng = np.random.default_rng(left_out)
    pools = [rng.normal(size=(40, 6)) + 0.5, rng.normal(size=(50, 6))]
    options = EpsilonOptions(split_seeds=1, attacks=HELD_OUT_ATTACKS)
    folds = draw_pool_folds(*pools, options)
    others = [
        np.where((fold[0] == left_out)[:, None], rng.normal(size=pool.shape) * 5 - 3, pool)
        for pool, fold in zip(pools, (folds.unlearned, folds.retrained), strict=True)
    ]
    before, after = (
        choose_regions(*values, folds, options, tuple(pool[:, :, None] for pool in values))
        for values in (pools, others)
    )
    np.testing.assert_allclose(after.merit[..., left_out], before.merit[..., left_out], rtol=1e-9)
    np.testing.assert_array_equal(after.way[..., left_out], before.way[..., left_out])
    assert not np.array_equal(after.gain[..., left_out], before.gain[..., left_out])


def test_reordering_the_models_left_out_changes_nothing_at_all():
    rng = np.random.default_rng(0)
    pools = rng.normal(size=(2, 40, 6))
    options = EpsilonOptions(split_seeds=1)
    folds = draw_pool_folds(*pools, options)
    members = np.flatnonzero(folds.unlearned[0] == 2)
    shuffled = pools[0].copy()
    shuffled[members] = pools[0][rng.permutation(members)]
    before, after = (choose_regions(values, pools[1], folds, options) for values in (pools[0], shuffled))
    for one, other in zip(before.arrays(), after.arrays(), strict=True):
        np.testing.assert_array_equal(one[..., 2], other[..., 2])


@pytest.mark.parametrize("attacks", [DEFAULT_ATTACKS, HELD_OUT_ATTACKS])
def test_no_choice_is_rewarded_where_there_is_nothing_to_find(attacks):
    """Before it is cut off at 0, the mean log ratio of two pools of one law is not above 0."""
    rng = np.random.default_rng(0)
    pools, features = rng.normal(size=(2, 128, 400)), tuple(rng.normal(size=(2, 128, 400, 2)))
    options = EpsilonOptions(split_seeds=1, attacks=attacks)
    counts = compute_held_out_counts(*pools, options, features)
    raw = np.log((counts.gain + 1) / (counts.gain_size + 2)) - np.log(
        np.maximum((counts.cost + 1) / (counts.cost_size + 2), ALPHA)
    )
    assert raw.mean() <= 0


def test_answers_that_differ_by_fold_do_not_pay_because_nobody_knows_the_folds():
    """With folds known beforehand each could spike at a place of its own, which no other fold gives away."""
    rng = np.random.default_rng(0)
    retrained = rng.normal(size=(250, 40))
    options = EpsilonOptions(attacks=[Attack.interval], split_seeds=1)
    foreseen = draw_folds(250, 250, count=5, split_seeds=1, seed=options.seed)
    unlearned = np.quantile(retrained, [0.1, 0.3, 0.5, 0.7, 0.9], axis=0)[foreseen.unlearned[0]]
    fooled, blind = (
        choose_regions(unlearned, retrained, folds, options)
        for folds in (foreseen, draw_pool_folds(unlearned, retrained, options))
    )
    assert fooled.gain.sum() < fooled.cost.sum()
    assert blind.gain.sum() > 3 * blind.cost.sum()
    assert compute_forgetting_quality(unlearned, retrained) < 0.4


@pytest.mark.parametrize("replicas", [2000, 8000])
@pytest.mark.parametrize("by", [0.5, 1.0, 2.0])
def test_the_estimate_approaches_the_closed_form_of_a_shift(by, replicas):
    rng = np.random.default_rng(0)
    unlearned, retrained = by + rng.normal(size=(replicas, 6)), rng.normal(size=(replicas, 6))
    estimate = compute_epsilons(unlearned, retrained, split_seeds=1).estimate.mean()
    assert estimate == pytest.approx(compute_gaussian_epsilon(by), abs=6 / np.sqrt(replicas))


@pytest.mark.parametrize(("shift", "ratio"), [(0.0, 0.5), (0.0, 2.0), (1.0, 0.5), (0.5, 1.5)])
def test_the_estimate_approaches_the_closed_form_of_a_change_of_scale(shift, ratio):
    rng = np.random.default_rng(0)
    unlearned, retrained = shift + ratio * rng.normal(size=(4000, 6)), rng.normal(size=(4000, 6))
    estimate = compute_epsilons(unlearned, retrained, split_seeds=1).estimate.mean()
    assert estimate == pytest.approx(compute_gaussian_epsilon(shift, ratio), abs=0.1)


@pytest.mark.parametrize("attacks", [DEFAULT_ATTACKS, HELD_OUT_ATTACKS[:-1]])
def test_the_same_law_scores_near_one(attacks):
    pools = np.random.default_rng(0).normal(size=(2, 512, 96))
    assert compute_forgetting_quality(*pools, options=EpsilonOptions(attacks=attacks)) >= 0.97


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


TRANSFORMS = {
    "rounded to tenths": lambda rng, pool: np.round(pool, 1),
    "rounded to integers": lambda rng, pool: np.round(pool),
    "clipped": lambda rng, pool: np.clip(pool, -1, 1),
    "half constant": lambda rng, pool: np.where(rng.random(pool.shape) < 0.5, 0.2, pool),
    "one in ten far out": lambda rng, pool: np.where(rng.random(pool.shape) < 0.1, 1e6, pool),
    "Cauchy noise": lambda rng, pool: pool + 0.3 * rng.standard_cauchy(pool.shape),
}


@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
@pytest.mark.parametrize("shift", [0.0, 2.0])
def test_disfiguring_the_outputs_does_not_raise_the_quality(transform, shift):
    rng = np.random.default_rng(0)
    retrained, unlearned = rng.normal(size=(256, 64)), rng.normal(size=(256, 64)) + shift
    honest, disfigured = (
        compute_forgetting_quality(pool, retrained) for pool in (unlearned, transform(rng, unlearned))
    )
    assert disfigured <= honest + 0.02


def test_half_of_the_models_copied_from_a_retrained_law_and_half_constant_earn_little():
    rng = np.random.default_rng(0)
    unlearned = rng.normal(size=(256, 64))
    unlearned[::2] = rng.normal(size=64)
    assert compute_forgetting_quality(unlearned, rng.normal(size=(256, 64))) <= 0.1


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


@pytest.mark.parametrize("seed", range(3))
def test_the_hand_computed_example_of_the_document_holds_for_any_folds(seed):
    """20 zeros against 10 zeros and 10 ones: always "retrained if 1", of which every fold holds all and none."""
    epsilons = compute_epsilons(np.zeros((20, 1)), np.repeat([0.0, 1.0], 10)[:, None], seed=seed)
    assert epsilons.estimate[0] == pytest.approx(np.log(10))
    assert epsilons.attack == (Attack.half_line,)


@pytest.mark.parametrize("increase", [np.exp, np.arctan, lambda pool: pool**3], ids=["exp", "arctan", "cubed"])
def test_an_increasing_map_of_both_pools_leaves_what_cuts_choose_on_the_same_folds(increase):
    pools = np.random.default_rng(0).normal(size=(2, 60, 5))
    options = EpsilonOptions(attacks=CUT_FAMILIES)
    folds = draw_pool_folds(*pools, options)
    straight, mapped = (choose_regions(*values, folds, options) for values in (pools, increase(pools)))
    for one, other in zip(straight.arrays(), mapped.arrays(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("attacks", [DEFAULT_ATTACKS, HELD_OUT_ATTACKS[:-1]])
def test_models_far_out_on_one_side_hide_a_narrow_pool_from_four_families_but_not_from_densities(attacks):
    rng = np.random.default_rng(0)
    narrow, retrained = 0.5 * rng.normal(size=(512, 32)), rng.normal(size=(512, 32))
    disguised = np.where(rng.random(narrow.shape) < 0.1, 1e6, narrow)
    gained = compute_forgetting_quality(disguised, retrained, options=EpsilonOptions(attacks=attacks)) - 0.125
    assert (gained < 0.01) == (Attack.kernel_density in attacks)


def test_equal_constants_and_identical_pools_give_zero():
    pool = np.random.default_rng(0).normal(size=(40, 3))
    pool[:, 0] = 7.0
    assert compute_epsilons(pool, pool).estimate[0] == 0.0
    assert compute_forgetting_quality(pool, pool) >= 0.75


def test_the_unit_of_the_confidences_does_not_change_what_is_chosen():
    rng = np.random.default_rng(0)
    pools = rng.normal(size=(2, 60, 5))
    options = EpsilonOptions()
    folds = draw_pool_folds(*pools, options)
    straight, scaled = (choose_regions(*values, folds, options) for values in (pools, pools * 1024 + 512))
    for one, other in zip(straight.arrays(), scaled.arrays(), strict=True):
        np.testing.assert_allclose(one, other)


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
