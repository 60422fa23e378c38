import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import norm

from evaluator.errors import InvalidPool
from evaluator.metrics.ulira import compute_ulira, compute_ulira_intervals


def attack_slowly(unlearned, retrained, false_positive_rate, splits, seed):
    """One model, one example, one halving at a time; densities by the book."""
    rng = np.random.default_rng(seed)
    examples = unlearned.shape[1]
    accuracy, auc, recognised = [], [], []
    for _ in range(splits):
        orders = [rng.permutation(len(pool)) for pool in (unlearned, retrained)]
        for fit, judge in ((0, 1), (1, 0)):
            ratios = [[], []]
            rights, areas = [], []
            for example in range(examples):
                train = [
                    pool[order[fit::2], example] for pool, order in zip((unlearned, retrained), orders, strict=True)
                ]
                test = [
                    pool[order[judge::2], example] for pool, order in zip((unlearned, retrained), orders, strict=True)
                ]
                laws = [norm(values.mean(), values.std()) for values in train]
                scores = [[laws[0].logpdf(value) - laws[1].logpdf(value) for value in values] for values in test]
                right = [np.mean([score > 0 for score in scores[0]]), np.mean([score < 0 for score in scores[1]])]
                rights.append(np.mean(right))
                areas.append(np.mean([[(a > b) + (a == b) / 2 for b in scores[1]] for a in scores[0]]))
                ratios = [kept + new for kept, new in zip(ratios, scores, strict=True)]
            threshold = sorted(ratios[1], reverse=True)[int(false_positive_rate * len(ratios[1]))]
            accuracy.append(rights)
            auc.append(areas)
            recognised.append(np.mean([ratio > threshold for ratio in ratios[0]]))
    return np.mean(accuracy, axis=0), np.mean(auc, axis=0), np.mean(recognised)


@pytest.mark.parametrize("sizes", [(8, 8), (9, 14)])
def test_the_attack_equals_its_slow_twin(sizes) -> None:
    rng = np.random.default_rng(0)
    unlearned, retrained = (rng.normal(size=(size, 5)) for size in sizes)
    found = compute_ulira(unlearned + 0.7, retrained, false_positive_rate=0.1, splits=2, seed=3)
    accuracy, auc, recognised = attack_slowly(unlearned + 0.7, retrained, 0.1, 2, 3)
    assert found.accuracy == pytest.approx(accuracy, abs=1e-12)
    assert found.auc == pytest.approx(auc, abs=1e-12)
    assert found.true_positive_rate == pytest.approx(recognised, abs=1e-12)


@pytest.mark.parametrize("shift", [0.0, 0.5, 1.0, 2.0])
def test_gaussians_of_equal_spread_give_the_closed_forms(shift) -> None:
    unlearned, retrained = np.random.default_rng(1).normal(size=(2, 400, 150))
    found = compute_ulira(unlearned + shift, retrained, splits=1)
    assert found.mean_accuracy == pytest.approx(norm.cdf(shift / 2), abs=0.01)
    assert found.mean_auc == pytest.approx(norm.cdf(shift / np.sqrt(2)), abs=0.01)
    assert found.true_positive_rate == pytest.approx(norm.cdf(shift - norm.isf(0.01)), abs=0.02)


def test_a_different_spread_alone_is_recognised() -> None:
    """sd 1 against sd 1/2: the ratio changes sign at |x| = sqrt(2 ln 2 / 3)."""
    wide, narrow = np.random.default_rng(2).normal(size=(2, 400, 150))
    cut = np.sqrt(2 * np.log(2) / 3)
    expected = ((2 * norm.cdf(2 * cut) - 1) + 2 * norm.sf(cut)) / 2
    assert compute_ulira(wide, narrow / 2, splits=1).mean_accuracy == pytest.approx(expected, abs=0.01)


def test_separated_pools_are_always_and_equal_constants_half_the_time_told_apart() -> None:
    constant = np.full((6, 3), 2.0)
    assert compute_ulira(constant, constant).accuracy.tolist() == [0.5] * 3
    assert compute_ulira(constant, constant).auc.tolist() == [0.5] * 3
    apart = compute_ulira(constant + 1, constant)
    assert (apart.mean_accuracy, apart.mean_auc, apart.true_positive_rate) == (1.0, 1.0, 1.0)


def test_models_that_were_fitted_on_are_never_judged() -> None:
    """Small pools of one law: an attack judged on its own training models would seem to succeed."""
    unlearned, retrained = np.random.default_rng(3).normal(size=(2, 6, 3000))
    assert compute_ulira(unlearned, retrained).mean_accuracy == pytest.approx(0.5, abs=0.01)


def test_a_change_of_unit_changes_nothing() -> None:
    unlearned, retrained = np.random.default_rng(4).normal(size=(2, 20, 10))
    plain, scaled = compute_ulira(unlearned, retrained), compute_ulira(8 * unlearned + 4, 8 * retrained + 4)
    assert plain.accuracy == pytest.approx(scaled.accuracy)
    assert plain.auc == pytest.approx(scaled.auc)


@given(
    st.integers(1, 3).flatmap(
        lambda examples: st.tuples(
            *(arrays.arrays(np.float64, (rows, examples), elements=st.floats(allow_nan=False, allow_infinity=False))
              for rows in (4, 7))
        )
    )
)  # fmt: skip
@settings(max_examples=100)
def test_any_finite_pools_give_rates(pools) -> None:
    before = [pool.copy() for pool in pools]
    for pool in pools:
        pool.flags.writeable = False
    found = compute_ulira(*pools)
    for values in (found.accuracy, found.auc, np.array([found.true_positive_rate])):
        assert ((values >= 0) & (values <= 1)).all()
    assert all(np.array_equal(*pair) for pair in zip(before, pools, strict=True))


@pytest.mark.parametrize(
    ("shapes", "options"),
    [
        (((3, 2), (9, 2)), {}),
        (((9, 2), (9, 3)), {}),
        (((9, 2), (9, 2)), {"false_positive_rate": 0.0}),
        (((9, 2), (9, 2)), {"splits": 0}),
    ],
)
def test_what_cannot_be_attacked_is_refused(shapes, options) -> None:
    with pytest.raises(InvalidPool):
        compute_ulira(np.zeros(shapes[0]), np.zeros(shapes[1]), **options)


def test_the_intervals_surround_the_attack_and_cover_what_fresh_pools_give() -> None:
    def draw(seed: int) -> tuple[np.ndarray, np.ndarray]:
        left, right = np.random.default_rng(seed).normal(size=(2, 30, 6))
        return left + 0.8, right

    found = [compute_ulira_intervals(*draw(seed), resamples=16) for seed in range(40)]
    whole = [compute_ulira(*draw(seed)) for seed in range(40)]
    fresh = [compute_ulira(*draw(seed)) for seed in range(1000, 1100)]
    for name, mean in (("accuracy", "mean_accuracy"), ("auc", "mean_auc"), ("true_positive_rate",) * 2):
        ends = np.array([(getattr(one, name).low, getattr(one, name).high) for one in found])
        values = np.array([getattr(one, mean) for one in whole])
        assert ((ends[:, 0] <= values) & (values <= ends[:, 1])).all()
        truth = np.mean([getattr(one, mean) for one in fresh])
        assert np.mean((ends[:, 0] <= truth) & (truth <= ends[:, 1])) >= 0.9
        assert ends.max() <= 1


def test_pools_whose_parts_cannot_be_halved_have_no_finite_interval() -> None:
    pools = np.random.default_rng(0).normal(size=(2, 5, 3))
    assert compute_ulira_intervals(*pools).auc.high == np.inf
