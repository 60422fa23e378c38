import doctest
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from evaluator import Attack, InvalidPool, ScoringProtocol, compute_epsilons, explain
from evaluator.explain import Part, Side, explain_example, is_inside, solve_parabola

DOCUMENT = Path(__file__).resolve().parents[3] / "docs/report.md"
INF = np.inf
EXACT = ScoringProtocol.exact
REGION_FAMILIES = (Attack.half_line, Attack.interval, Attack.complement, Attack.likelihood_ratio)


def name_family(name: str) -> Attack:
    """Families may be known to the explanation before the evaluator has them, and the other way round."""
    return Attack(name) if name in {str(attack) for attack in Attack} else name  # type: ignore[return-value]


def count_rates(
    unlearned: NDArray[np.float64], retrained: NDArray[np.float64], low: float, high: float, *, names_unlearned: bool
) -> tuple[float, float]:
    """The slow twin: false positive and false negative rate of one closed window."""
    named, other = (unlearned, retrained) if names_unlearned else (retrained, unlearned)
    return (
        float(np.mean([low <= value <= high for value in other])),
        float(np.mean([not low <= value <= high for value in named])),
    )


def test_a_half_line_stands_between_the_pools_it_parts() -> None:
    region = explain_example([3.0, 4.0, 5.0], [0.0, 1.0, 2.0], attack=Attack.half_line)
    assert (region.predicts, region.parts) == (Side.unlearned, ((2.5, INF),))
    assert (region.false_positive_rate, region.false_negative_rate) == (0.0, 0.0)


def test_the_hand_computed_example_of_the_metric_has_one_error_each_way() -> None:
    region = explain_example([1, 2, 3, 4], [3, 5, 6, 7], attack=Attack.half_line, protocol=EXACT)
    assert region.parts == ((-INF, 3.5),) or region.parts == ((3.5, INF),)
    assert (region.false_positive_rate, region.false_negative_rate) == (0.25, 0.25)


def test_an_interval_holds_the_pool_between_two_groups_of_the_other() -> None:
    retrained = [0.0, 0.2, 0.4, 9.0, 9.2, 9.4]
    region = explain_example([4.0, 5.0, 6.0], retrained, attack=Attack.interval)
    assert (region.predicts, region.parts) == (Side.unlearned, ((2.2, 7.5),))


def test_the_complement_names_the_pool_on_both_sides() -> None:
    outside = [0.0, 0.2, 0.4, 9.0, 9.2, 9.4]
    region = explain_example(outside, [4.0, 5.0, 6.0], attack=Attack.complement)
    assert (region.predicts, region.parts) == (Side.unlearned, ((-INF, 2.2), (7.5, INF)))
    assert region.false_negative_rate == 0.0


def test_the_narrow_pool_is_named_by_the_range_guard() -> None:
    region = explain_example(np.linspace(0, 100, 11), [50.1, 50.2], attack=Attack.range_guard)
    assert (region.predicts, region.parts) == (Side.retrained, ((50.1, 50.2),))
    assert (region.false_positive_rate, region.false_negative_rate) == (0.0, 0.0)


@pytest.mark.parametrize("family", ["likelihood_ratio", "kernel_density"])
def test_a_wide_pool_around_a_narrow_one_is_named_on_both_sides(family: str) -> None:
    rng = np.random.default_rng(0)
    narrow, wide = rng.normal(1.0, 0.2, 200), rng.normal(1.0, 2.0, 200)
    region = explain_example(narrow, wide, attack=name_family(family))
    assert region.predicts is Side.retrained
    (start, low), (high, stop) = region.parts
    assert (start, stop) == (-INF, INF)
    assert 0.3 < low < 1 < high < 1.7


def test_the_density_of_two_heaps_gives_two_parts() -> None:
    rng = np.random.default_rng(1)
    heaps = np.concatenate([rng.normal(-4, 0.3, 100), rng.normal(4, 0.3, 100)])
    region = explain_example(heaps, rng.normal(0, 0.6, 200), attack=name_family("kernel_density"))
    inner = region if region.predicts is Side.unlearned else None
    assert inner is not None
    assert len(inner.parts) == 2
    assert is_inside([-4.0, 0.0, 4.0], inner.parts).tolist() == [True, False, True]


def test_two_shifted_gaussians_of_one_spread_are_parted_by_a_half_line() -> None:
    rng = np.random.default_rng(2)
    low = rng.normal(0, 1, 400)
    region = explain_example(low + 5, low, attack=Attack.likelihood_ratio)
    ((start, stop),) = region.parts
    assert region.predicts is Side.unlearned
    assert 0 < start < 5
    assert stop > 1e6


@pytest.mark.parametrize("family", ["none", "below_grid", "logistic_regression"])
def test_a_family_that_is_no_set_of_confidences_has_no_region(family: str) -> None:
    region = explain_example([1.0, 2.0], [3.0, 4.0], attack=name_family(family))
    assert (region.predicts, region.parts, region.false_positive_rate) == (None, (), None)


@pytest.mark.parametrize("family", [*REGION_FAMILIES, Attack.range_guard])
def test_pools_that_share_their_one_value_have_no_region(family: Attack) -> None:
    assert explain_example([1.0] * 4, [1.0] * 3, attack=family).parts == ()


@pytest.mark.parametrize(
    ("coefficients", "parts"),
    [
        ((1.0, 0.0, -4.0), ((-INF, -2.0), (2.0, INF))),
        ((-1.0, 0.0, 4.0), ((-2.0, 2.0),)),
        ((-1.0, 3.0, 0.0), ((0.0, 3.0),)),
        ((0.0, 2.0, -4.0), ((2.0, INF),)),
        ((0.0, -2.0, 4.0), ((-INF, 2.0),)),
        ((1.0, 0.0, 1.0), ((-INF, INF),)),
        ((-1.0, 0.0, -1.0), ()),
        ((0.0, 0.0, 1.0), ((-INF, INF),)),
        ((0.0, 0.0, -1.0), ()),
    ],
)
def test_a_parabola_is_at_least_zero_where_algebra_says(
    coefficients: tuple[float, float, float], parts: tuple[Part, ...]
) -> None:
    found = solve_parabola(*coefficients)
    assert np.ravel(found).tolist() == pytest.approx(np.ravel(parts).tolist())


POOLS = st.integers(2, 7).flatmap(
    lambda size: arrays(np.float64, size, elements=st.integers(-4, 4).map(float) | st.floats(-100, 100, width=32))
)


@given(POOLS, POOLS)
def test_no_window_of_the_exact_rule_does_better_than_the_one_drawn(
    unlearned: NDArray[np.float64], retrained: NDArray[np.float64]
) -> None:
    answer = compute_epsilons(unlearned[:, None], retrained[:, None], protocol=EXACT)
    attack = answer.attack[0]
    region = explain_example(unlearned, retrained, attack=attack, protocol=EXACT)
    if attack is Attack.none or region.predicts is None:
        return
    rates = (region.false_positive_rate or 0.0, region.false_negative_rate or 0.0)
    if answer.estimate[0] < 50:
        positive, negative = rates
        reached = max(
            np.log((1 - 1e-5 - positive) / negative) if positive < 1 else 0,
            np.log((1 - 1e-5 - negative) / positive) if negative < 1 else 0,
        )
        assert reached == pytest.approx(answer.estimate[0])


@given(POOLS, POOLS, st.sampled_from([*REGION_FAMILIES, "kernel_density"]), st.sampled_from(list(ScoringProtocol)))
def test_any_pools_have_a_region_whose_rates_are_counted_right(
    unlearned: NDArray[np.float64], retrained: NDArray[np.float64], attack: Attack, protocol: ScoringProtocol
) -> None:
    before = unlearned.copy(), retrained.copy()
    region = explain_example(unlearned, retrained, attack=attack, protocol=protocol)
    assert [np.array_equal(*pair) for pair in zip(before, (unlearned, retrained), strict=True)] == [True, True]
    assert list(region.parts) == sorted(region.parts)
    if len(region.parts) == 1:
        (low, high) = region.parts[0]
        wanted = count_rates(unlearned, retrained, low, high, names_unlearned=region.predicts is Side.unlearned)
        assert (region.false_positive_rate, region.false_negative_rate) == pytest.approx(wanted)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int64])
def test_other_number_types_and_read_only_strides_are_accepted(dtype: type) -> None:
    values: NDArray[Any] = np.arange(24).reshape(6, 4).astype(dtype)
    values.setflags(write=False)
    assert explain_example(values[:, 0], values[:, 1], attack=Attack.half_line).predicts is not None


def test_what_is_not_finite_or_out_of_range_is_refused() -> None:
    for pools in (([np.nan], [1.0]), ([1.0], [np.inf]), ([1e101], [0.0]), ([], [1.0])):
        with pytest.raises(InvalidPool):
            explain_example(*pools, attack=Attack.half_line)
    with pytest.raises(InvalidPool, match="alpha"):
        explain_example([1.0], [2.0], attack=Attack.half_line, alpha=0.0)


def test_the_examples_in_the_docstrings_and_in_the_document_run() -> None:
    for outcome in (doctest.testmod(explain), doctest.testfile(str(DOCUMENT), module_relative=False)):
        assert outcome.attempted > 0
        assert outcome.failed == 0
