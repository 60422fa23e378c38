"""The sequential rule: errors between equals, symmetry, and what may never be decided."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator import EpsilonOptions, InvalidPool, ScoredPool, ScoringSpec, score
from evaluator.sequential import Look, Standing, compute_boundary, compute_look, decide_place

QUICK = ScoringSpec(interval_resamples=4, epsilon=EpsilonOptions(folds=2, split_seeds=1))
DIFFERENCES = st.floats(-1, 1)
ERRORS = st.floats(1e-6, 1)
OPPOSITE = {Standing.ahead: Standing.behind, Standing.behind: Standing.ahead, Standing.open: Standing.open}


def _make_looks(differences: list[float], error: float, *, first: int = 64) -> list[Look]:
    return [Look(first * place, value, error) for place, value in enumerate(differences, start=1)]


def _make_pool(shift: float, *, seed: int, replicas: int = 40, accuracy: float = 1.0) -> ScoredPool:
    rng = np.random.default_rng(seed)
    ones = np.full(replicas, accuracy)
    return ScoredPool(rng.normal(size=(replicas, 6)) + shift, ones, ones, ones)


def _cut(pool: ScoredPool, replicas: int) -> ScoredPool:
    parts = (pool.confidences, pool.retain_accuracy, pool.test_accuracy, pool.forget_accuracy)
    return ScoredPool(*(np.asarray(part)[:replicas] for part in parts))


@pytest.mark.parametrize("stops", [[64, 128, 192], list(range(64, 512, 8))])
def test_equals_are_decided_with_at_most_the_stated_chance_over_all_looks(stops: list[int]) -> None:
    rng = np.random.default_rng(7)
    wrong = 0
    for _ in range(2000):
        means = rng.normal(size=512).cumsum() / np.arange(1, 513)
        # the standard error is measured from 64 parts, so it is noisy itself
        errors = np.sqrt(rng.chisquare(63, size=len(stops)) / 63 / np.array(stops))
        looks = [Look(stop, float(means[stop - 1]), float(error)) for stop, error in zip(stops, errors, strict=True)]
        wrong += decide_place(looks, alpha=0.05, min_replicas=64).standing is not Standing.open
    assert wrong / 2000 <= 0.05


def test_a_real_difference_is_decided_on_its_own_side() -> None:
    decision = decide_place(_make_looks([-0.05, -0.06, -0.055], 0.015))
    assert (decision.standing, decision.replicas) == (Standing.behind, 64)
    assert decision.low < decision.difference < decision.high < 0


def test_the_first_look_that_decides_counts_and_later_ones_change_nothing() -> None:
    looks = _make_looks([0.0, -0.2, 0.9], 0.02)
    assert decide_place(looks) == decide_place(looks[:2])
    assert decide_place(looks).replicas == 128


@given(st.lists(DIFFERENCES, min_size=1, max_size=6), ERRORS)
def test_swapping_the_entries_swaps_the_answer(differences: list[float], error: float) -> None:
    looks = _make_looks(differences, error)
    one, other = decide_place(looks), decide_place([_swap(look) for look in looks])
    assert other.standing is OPPOSITE[one.standing]
    assert (other.low, other.high) == (-one.high, -one.low)


@given(DIFFERENCES, ERRORS, st.floats(0, 1), st.floats(0, 1), st.integers(64, 512))
def test_a_larger_deficit_or_a_smaller_error_never_undoes_a_decision(
    difference: float, error: float, further: float, share: float, replicas: int
) -> None:
    if decide_place([Look(replicas, difference, error)]).standing is Standing.behind:
        stronger = Look(replicas, difference - further, error * max(share, 1e-9))
        assert decide_place([stronger]).standing is Standing.behind


@given(DIFFERENCES, ERRORS, st.integers(1, 63))
def test_fewer_models_than_asked_for_decide_nothing(difference: float, error: float, replicas: int) -> None:
    assert decide_place([Look(replicas, difference, error)], min_replicas=64).standing is Standing.open


@pytest.mark.parametrize("error", [0.0, math.inf])
def test_an_error_that_was_not_measured_decides_nothing(error: float) -> None:
    assert decide_place([Look(128, -0.5, error)]).standing is Standing.open


def test_the_boundary_is_the_published_one_and_narrowest_where_it_is_tuned() -> None:
    # by hand for t rho^2 = 3, alpha = 1 / 2: sqrt(2 * 4 / 3 * ln(2 / 0.5))
    rho_squared = (2 * math.log(2) + math.log(2 * math.log(2) + 1)) / 100
    replicas = 3 / rho_squared
    assert compute_boundary(round(replicas), alpha=0.5, tuned_replicas=100) == pytest.approx(
        math.sqrt(8 / 3 * math.log(4)), rel=1e-3
    )
    widths = {replicas: compute_boundary(replicas, tuned_replicas=64) / math.sqrt(replicas) for replicas in (64, 256)}
    tuned_elsewhere = compute_boundary(64, tuned_replicas=256) / 8
    assert widths[64] < tuned_elsewhere
    assert widths[256] < widths[64]


@given(st.integers(1, 5000), st.floats(0.001, 0.5))
def test_the_boundary_is_wider_than_that_of_a_single_look(replicas: int, alpha: float) -> None:
    # Ville's inequality at one time only: never below sqrt(2 ln(1 / alpha)), itself above the normal quantile
    assert compute_boundary(replicas, alpha=alpha) > math.sqrt(2 * math.log(1 / alpha))


@pytest.mark.parametrize(
    ("looks", "options"),
    [
        ([], {}),
        ([Look(64, 0.0, 0.1)], {"alpha": 0.0}),
        ([Look(64, 0.0, 0.1)], {"alpha": math.nan}),
        ([Look(64, 0.0, 0.1)], {"min_replicas": 8}),
        ([Look(64, 0.0, 0.1), Look(64, 0.0, 0.1)], {}),
        ([Look(128, 0.0, 0.1), Look(64, 0.0, 0.1)], {}),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(looks: list[Look], options: dict[str, float]) -> None:
    with pytest.raises(InvalidPool):
        decide_place(looks, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("values", [(0, 0.0, 0.1), (64, math.nan, 0.1), (64, 0.0, -1.0), (64, 0.0, math.nan)])
def test_a_look_that_makes_no_sense_is_refused(values: tuple[int, float, float]) -> None:
    with pytest.raises(InvalidPool):
        Look(*values)


def test_a_look_is_the_difference_of_the_two_scores() -> None:
    entry, rival, bank = _make_pool(1.0, seed=1, accuracy=0.9), _make_pool(0.2, seed=2), _make_pool(0.0, seed=3)
    look = compute_look(entry, rival, bank, spec=QUICK)
    one, other = (score(pool, bank, spec=QUICK).score for pool in (entry, rival))
    assert look.difference == pytest.approx(one - other)
    assert look.standard_error > 0
    assert look.replicas == 40


def test_the_standard_error_is_that_of_parts_drawn_without_replacement() -> None:
    entry, rival, bank = _make_pool(1.0, seed=1), _make_pool(0.2, seed=2), _make_pool(0.0, seed=3)
    rng = np.random.default_rng(0)
    differences = []
    for _ in range(4):  # the slow twin: cut both pools by hand and score them
        models = np.sort(rng.permutation(40)[:24])
        parts = [ScoredPool(np.asarray(pool.confidences)[models], *([np.ones(24)] * 3)) for pool in (entry, rival)]
        one, other = (score(part, bank, spec=QUICK).score for part in parts)
        differences.append(one - other)
    expected = np.std(differences, ddof=1) * math.sqrt(24 / 16)
    assert compute_look(entry, rival, bank, spec=QUICK).standard_error == pytest.approx(expected)


def test_the_same_two_pools_the_other_way_round_give_the_opposite_look() -> None:
    entry, rival, bank = _make_pool(0.7, seed=4), _make_pool(0.2, seed=5), _make_pool(0.0, seed=6)
    assert compute_look(rival, entry, bank, spec=QUICK) == _swap(compute_look(entry, rival, bank, spec=QUICK))


def test_a_pool_is_level_with_itself() -> None:
    pool, bank = _make_pool(0.7, seed=4), _make_pool(0.0, seed=6)
    look = compute_look(pool, pool, bank, spec=QUICK)
    assert (look.difference, look.standard_error) == (0.0, 0.0)
    assert decide_place([look]).standing is Standing.open


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_narrow_and_read_only_pools_are_taken_and_left_as_they_were(dtype: type) -> None:
    pools = [_make_pool(shift, seed=seed) for seed, shift in enumerate((0.7, 0.2, 0.0))]
    narrow = [
        ScoredPool(np.asarray(pool.confidences, dtype=dtype), *([np.ones(40, dtype=dtype)] * 3)) for pool in pools
    ]
    kept = [np.asarray(pool.confidences).copy() for pool in narrow]
    for pool in narrow:
        np.asarray(pool.confidences).setflags(write=False)
    assert math.isfinite(compute_look(*narrow, spec=QUICK).standard_error)
    for pool, values in zip(narrow, kept, strict=True):
        np.testing.assert_array_equal(np.asarray(pool.confidences), values)


def test_pools_of_different_length_do_not_compare() -> None:
    entry, rival, bank = _make_pool(0.7, seed=4), _make_pool(0.2, seed=5, replicas=41), _make_pool(0.0, seed=6)
    with pytest.raises(InvalidPool, match="cut them alike"):
        compute_look(entry, rival, bank, spec=QUICK)


def test_two_replicas_have_a_difference_but_no_error() -> None:
    entry, rival = _cut(_make_pool(0.7, seed=4), 2), _cut(_make_pool(0.2, seed=5), 2)
    assert compute_look(entry, rival, _make_pool(0.0, seed=6), spec=QUICK).standard_error == math.inf


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_values_that_are_not_finite_are_refused(bad: float) -> None:
    entry, rival, bank = _make_pool(0.7, seed=4), _make_pool(0.2, seed=5), _make_pool(0.0, seed=6)
    np.asarray(rival.confidences)[3, 2] = bad
    with pytest.raises(InvalidPool, match="rival"):
        compute_look(entry, rival, bank, spec=QUICK)


def _swap(look: Look) -> Look:
    """The same look, from the rival's side."""
    return Look(look.replicas, -look.difference, look.standard_error)
