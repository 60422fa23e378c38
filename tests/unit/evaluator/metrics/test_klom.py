import doctest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bench.bench_klom import SLOW
from evaluator.errors import InvalidPool
from evaluator.metrics import klom as module
from evaluator.metrics.histograms import compute_edges, count_by_bin
from evaluator.metrics.klom import (
    SATURATED,
    VARIANTS,
    compute_klom_excess_interval,
    compute_klom_interval,
    klom,
    klom_b25,
    klom_d24,
    klom_excess,
    klom_oracle_bins,
    summarise_klom,
)

MARGINS = st.floats(-200, 200, allow_nan=False, width=16)


@st.composite
def pools(draw):
    examples = draw(st.integers(1, 4))
    dtype = draw(st.sampled_from([np.float16, np.float32, np.float64]))
    shapes = [(draw(st.integers(2, 30)), examples) for _ in range(2)]
    values = draw(st.sampled_from([MARGINS, st.integers(-3, 3).map(float)]))  # the second: ties everywhere
    return tuple(draw(arrays.arrays(dtype, shape, elements=values)) for shape in shapes)


def draw_gaussians(seed, replicas, examples, dtype=np.float64, shift=0.0):
    rng = np.random.default_rng(seed)
    spread, centre = rng.uniform(0.1, 40, examples), 20 * rng.normal(size=examples)
    left, right = (rng.normal(size=(replicas, examples)) * spread + centre for _ in range(2))
    return (left + shift * spread).astype(dtype), right.astype(dtype)


@pytest.mark.parametrize("name", SLOW)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("replicas", [2, 7, 100, 300])
def test_every_published_version_equals_its_slow_twin_to_the_last_bit(name, dtype, replicas) -> None:
    unlearned, retrained = draw_gaussians(replicas, replicas, 60, dtype)
    assert VARIANTS[name](unlearned, retrained).tolist() == SLOW[name](unlearned, retrained).tolist()


@given(pools(), st.sampled_from(sorted(SLOW)))
@settings(max_examples=150)
def test_ties_clipped_values_and_unequal_pools_agree_with_the_slow_twin(given_pools, name) -> None:
    assert VARIANTS[name](*given_pools).tolist() == SLOW[name](*given_pools).tolist()


@given(pools())
@settings(max_examples=100)
def test_every_version_is_finite_bounded_and_leaves_its_input_alone(given_pools) -> None:
    before = [pool.copy() for pool in given_pools]
    for pool in given_pools:
        pool.flags.writeable = False
    for compute in VARIANTS.values():
        values = compute(*given_pools)
        assert values.dtype == np.float64
        assert np.isfinite(values).all()
        assert (values <= SATURATED + 2e-4).all()  # the older two normalise after the floor: ln 1.0002 more
        assert (values >= -2e-4).all()
    assert all(np.array_equal(*pair) for pair in zip(before, given_pools, strict=True))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("klom", 3.2011), ("klom_b25", 0.4055), ("klom_d24", 3.2013), ("klom_oracle_bins", 3.4714)],
)
def test_the_worked_example_of_the_documentation(name, expected) -> None:
    assert VARIANTS[name]([[0.0], [1.0], [9.0]], [[0.0], [1.0], [10.0]]) == pytest.approx([expected], abs=5e-5)


def test_the_docstring_example_holds() -> None:
    assert doctest.testmod(module).failed == 0


def test_the_edges_are_those_of_linspace_in_the_dtype_of_the_margins() -> None:
    rng = np.random.default_rng(0)
    for dtype in (np.float16, np.float32, np.float64):
        low = (100 * rng.normal(size=200)).astype(dtype)
        high = low + np.abs(rng.normal(size=200)).astype(dtype)
        expected = [np.linspace(a, b, 21) for a, b in zip(low, high, strict=True)]
        assert np.array_equal(compute_edges(low, high, 20), np.array(expected))


def test_edges_so_close_that_a_step_is_zero_are_those_of_linspace() -> None:
    low, high = np.zeros(2), np.array([5e-324, 1.0])
    assert np.array_equal(compute_edges(low, high, 20), np.array([np.linspace(0, b, 21) for b in high]))
    assert count_by_bin(np.array([[0.0, 0.5]]), compute_edges(low, high, 20)).sum() == 2


def test_a_quotient_of_floats_would_put_values_into_other_bins() -> None:
    """Why the edges decide: in float32 the arithmetic of a bin number disagrees with them."""
    unlearned, retrained = draw_gaussians(1, 100, 300, np.float32)
    low = np.minimum(unlearned.min(axis=0), retrained.min(axis=0))
    high = np.maximum(unlearned.max(axis=0), retrained.max(axis=0))
    quotient = np.floor((unlearned - low) * np.float32(20) / (high - low)).astype(int)
    counts = count_by_bin(unlearned, compute_edges(low, high, 20))
    different = sum(
        not np.array_equal(counts[j], np.bincount(quotient[:, j], minlength=21)[:20]) for j in range(unlearned.shape[1])
    )
    assert 0 < different < 30


@pytest.mark.parametrize("compute", VARIANTS.values())
def test_the_order_of_models_does_not_matter_and_examples_are_independent(compute) -> None:
    unlearned, retrained = draw_gaussians(3, 50, 20)
    values = compute(unlearned, retrained)
    assert np.array_equal(compute(unlearned[::-1], retrained[::-1]), values)
    assert np.array_equal(compute(unlearned[:, ::-1], retrained[:, ::-1]), values[::-1])


@pytest.mark.parametrize("compute", VARIANTS.values())
def test_equal_pools_are_at_zero(compute) -> None:
    pool, _ = draw_gaussians(4, 50, 20)
    assert np.abs(compute(pool / 4, pool / 4)).max() < 2e-4


@pytest.mark.parametrize("compute", VARIANTS.values())
def test_pools_of_one_and_the_same_value_are_at_zero(compute) -> None:
    assert compute(np.full((3, 2), 5.0), np.full((4, 2), 5.0)).tolist() == [0.0, 0.0]


def test_an_unlearned_pool_on_the_largest_value_is_free_in_the_published_version_alone() -> None:
    top, retrained = np.full((8, 1), 9.0), np.arange(8.0)[:, None]
    assert klom(top, retrained).tolist() == [0.0]
    assert klom_oracle_bins(top, retrained) == pytest.approx([SATURATED])
    assert klom_b25(retrained, top) == pytest.approx([SATURATED])
    assert klom_d24(top, retrained) == pytest.approx([SATURATED])


def test_the_direction_decides_whether_a_collapsed_pool_looks_good() -> None:
    unlearned, retrained = np.random.default_rng(5).normal(size=(2, 100, 200))
    assert klom(0.1 * unlearned, retrained).mean() < 2 < 5 < klom_b25(0.1 * unlearned, retrained).mean()


def test_one_broken_model_hides_a_shift_from_the_shared_bins_and_not_from_the_oracle_bins() -> None:
    unlearned, retrained = np.random.default_rng(6).normal(size=(2, 100, 200))
    broken = unlearned + 1
    broken[0] = 99.0
    assert klom(broken, retrained).mean() < 0.5 * klom(unlearned + 1, retrained).mean()
    assert klom_oracle_bins(broken, retrained).mean() > klom_oracle_bins(unlearned + 1, retrained).mean()


def test_the_noise_floor_of_a_hundred_models_is_a_third_of_a_nat() -> None:
    values = klom(*np.random.default_rng(7).normal(size=(2, 100, 1000)))
    summary = summarise_klom(values)
    assert summary.mean == pytest.approx(0.33, abs=0.03)
    assert summary.p95 == pytest.approx(0.65, abs=0.06)


def test_the_excess_takes_the_floor_off_with_or_without_a_control_bank() -> None:
    unlearned, retrained, control = np.random.default_rng(8).normal(size=(3, 100, 400))
    same = klom_excess(unlearned, retrained, control=control)
    halves = klom_excess(unlearned, retrained)
    assert abs(same.excess.mean()) < 0.03
    assert abs(halves.excess.mean()) < 0.05
    assert (same.retrained_replicas, halves.retrained_replicas) == (100, 50)
    assert klom_excess(unlearned + 0.5, retrained, control=control).excess.mean() > 0.1
    assert np.allclose(same.excess, same.value - same.floor)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((10, 2), (10, 2), (9, 2)), "as many control as unlearned"),
        (((3, 2), (3, 2), None), "needs four retrained"),
    ],
)
def test_an_excess_without_a_floor_of_equal_size_is_refused(shapes, message) -> None:
    made = [None if shape is None else np.zeros(shape) for shape in shapes]
    with pytest.raises(InvalidPool, match=message):
        klom_excess(made[0], made[1], control=made[2])


def test_the_interval_holds_the_mean_and_narrows_with_more_models() -> None:
    rng = np.random.default_rng(9)
    widths = []
    for replicas in (40, 160):
        unlearned, retrained = rng.normal(size=(2, replicas, 30))
        found = compute_klom_interval(unlearned + 1, retrained)
        assert found.low < klom(unlearned + 1, retrained).mean() < found.high
        widths.append(found.high - found.low)
    assert widths[1] < widths[0]


@pytest.mark.parametrize("compute", VARIANTS.values())
@pytest.mark.parametrize(
    ("unlearned", "retrained"),
    [
        (np.zeros((1, 2)), np.zeros((3, 2))),
        (np.zeros((3, 2)), np.zeros((3, 3))),
        (np.zeros((3, 0)), np.zeros((3, 0))),
        (np.array([[np.nan], [0.0]]), np.zeros((2, 1))),
        (np.zeros((2, 1)), np.array([[np.inf], [0.0]])),
        (np.array([["a"], ["b"]]), np.zeros((2, 1))),
        ([[0.0], [1.0, 2.0]], np.zeros((2, 1))),
    ],
)
def test_what_cannot_be_compared_is_refused(compute, unlearned, retrained) -> None:
    with pytest.raises(InvalidPool):
        compute(unlearned, retrained)


def test_an_infinite_range_of_what_the_oldest_version_does_not_clip_is_refused() -> None:
    with pytest.raises(InvalidPool, match="range is not finite"):
        klom_d24(np.zeros((2, 1)), np.array([[-1.7e308], [1.7e308]]))


def test_an_unknown_version_and_no_values_are_refused() -> None:
    with pytest.raises(InvalidPool, match="no KLOM version"):
        compute_klom_interval(np.zeros((3, 1)), np.zeros((3, 1)), variant="kl")
    with pytest.raises(InvalidPool):
        summarise_klom(np.array([]))


def test_lists_and_integers_are_margins_too_and_columns_may_be_strided() -> None:
    unlearned, retrained = draw_gaussians(10, 20, 8)
    assert klom([[0], [1], [9]], [[0], [1], [10]]) == pytest.approx([3.2011], abs=5e-5)
    assert np.array_equal(
        klom(unlearned[:, ::2], np.asfortranarray(retrained)[:, ::2]), klom(unlearned, retrained)[::2]
    )


def draw_three(seed: int, shift: float = 0.5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    left, right, control = rng.normal(size=(3, 40, 12))
    return left + shift, right, control


@pytest.mark.parametrize("with_control", [True, False])
def test_the_interval_of_the_excess_surrounds_it_and_is_wider_than_with_a_floor_that_is_known(with_control) -> None:
    left, right, control = draw_three(0)
    bank = control if with_control else None
    found = compute_klom_excess_interval(left, right, control=bank)
    excess = klom_excess(left, right, control=bank).excess.mean()
    assert found.low < excess < found.high
    assert (found.low + found.high) / 2 == pytest.approx(excess)
    assert len(found.draws) == 32


def test_the_floor_of_a_small_control_bank_is_part_of_the_uncertainty() -> None:
    """Value and floor against one retrained pool: were the floor known, the interval would be that of klom itself."""
    rng = np.random.default_rng(3)
    common = rng.normal(size=(3, 60, 1))
    left, right, control = np.sqrt(0.3) * rng.normal(size=(3, 60, 20)) + np.sqrt(0.7) * common
    whole = compute_klom_excess_interval(left, right, control=control)
    assert whole.standard_error > compute_klom_interval(left, right).standard_error / 2
    assert whole.low < 0 < whole.high


def test_the_interval_of_the_excess_covers_the_mean_of_fresh_pools() -> None:
    truth = np.mean([klom_excess(a, b, control=c).excess.mean() for a, b, c in map(draw_three, range(1000, 1200))])
    found = [compute_klom_excess_interval(a, b, control=c) for a, b, c in map(draw_three, range(100))]
    assert np.mean([one.low <= truth <= one.high for one in found]) >= 0.92


def test_an_excess_of_too_few_models_for_parts_has_no_finite_interval() -> None:
    left, right, _ = draw_three(0)
    for models in (4, 5):
        found = compute_klom_excess_interval(left[:models], right[:models])
        assert (found.low, found.high) == (-np.inf, np.inf)
    control = right[4:6]
    assert compute_klom_excess_interval(left[:2], right[:4], control=control).high == np.inf
