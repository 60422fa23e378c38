import numpy as np
import pytest

from evaluator import InvalidPool
from evaluator.paired import (
    EXTRA_LOOKS,
    GATE_ALPHA,
    Block,
    Ratio,
    Standing,
    combine_ratios,
    compute_paired_runtime,
    compute_ratio,
    find_standing,
    measure_noise,
    settle,
    split_alpha,
)


def make_blocks(rng: np.random.Generator, *, count: int, cost: float, noise: float) -> list[Block]:
    """Runs of a cost in yardsticks, start 1, on a machine whose speed wanders."""
    speed = np.exp(0.3 * rng.standard_normal(count))
    entry, yardstick = (
        speed * (1 + seconds * np.exp(noise * rng.standard_normal(count) - noise**2 / 2)) for seconds in (cost, 1.0)
    )
    return [Block(e, 1, y, s) for e, y, s in zip(entry, yardstick, speed, strict=True)]


def test_what_slows_the_whole_machine_changes_nothing():
    quiet = [Block(1.5, 20, 2.0, 1.0), Block(1.5, 20, 2.0, 1.0)]
    slowed = [quiet[0], Block(4.5, 20, 6.0, 3.0)]
    assert compute_ratio(quiet).estimate == compute_ratio(slowed).estimate == 0.5
    assert compute_ratio(slowed).error == 0


def test_doing_nothing_costs_nothing():
    assert compute_ratio([Block(0.9, 1, 2.0, 1.0), Block(0.9, 1, 2.0, 1.0)]).estimate == 0


def test_noise_of_the_start_counts_where_a_run_costs_other_than_a_yardstick():
    half, same = [Block(1.5, 1, 2.0, 1.0)] * 2, [Block(2.0, 1, 2.0, 1.0)] * 2
    assert compute_ratio(half, idle_error=0.1).error == pytest.approx(0.05)
    assert compute_ratio(same, idle_error=0.1).error == 0


@pytest.mark.parametrize(
    "block",
    [Block(1.0, 1, 1.0, 1.0), Block(1.0, 1, 0.5, 1.0), Block(float("nan"), 1, 2.0, 1.0), Block(1.0, 0, 2.0, 1.0)],
)
def test_a_clock_that_stood_still_or_jumped_makes_no_ratio(block):
    assert not block.is_usable
    with pytest.raises(InvalidPool):
        compute_ratio([Block(1.5, 1, 2.0, 1.0), block])


def test_one_block_tells_nothing():
    with pytest.raises(InvalidPool):
        compute_ratio([Block(1.5, 1, 2.0, 1.0)])


@pytest.mark.parametrize("is_noise_measured", [False, True])
@pytest.mark.parametrize("alpha", [0.01, 0.05])
def test_the_truth_lies_below_the_lower_bound_no_more_often_than_said(alpha, is_noise_measured):
    rng = np.random.default_rng(1)
    below = 0
    for _ in range(1500):
        tie = compute_ratio(make_blocks(rng, count=16, cost=10.0, noise=0.05))
        blocks = make_blocks(rng, count=14, cost=1.0, noise=0.1)
        noise = measure_noise([[block.yardstick - block.idle for block in blocks]]) if is_noise_measured else None
        run = compute_ratio(blocks, noise=noise)
        below += compute_paired_runtime(run, tie, alpha=alpha).low > 0.1
    assert below / 1500 <= 1.6 * alpha


def test_an_entry_whose_runs_differ_gains_no_width_by_that():
    blocks = [Block(1.0 + 2.4 * (place % 2), 20, 2.0, 1.0) for place in range(14)]
    yardsticks = [[1.0, 1.02] * 7]
    assert compute_ratio(blocks).error > 0.3
    assert compute_ratio(blocks, noise=measure_noise(yardsticks)).error < 0.01


def test_extra_measurements_weigh_by_what_they_tell():
    found = combine_ratios([Ratio(1.0, 0.1, 5), Ratio(1.2, 0.05, 60)])
    assert found.estimate == pytest.approx(1.16)
    assert (found.error, found.degrees) == (pytest.approx(0.0447, abs=1e-4), 65)
    assert combine_ratios([Ratio(1.0, 0.0, 5), Ratio(1.2, 0.05, 60)]) == Ratio(1.0, 0.0, 5)
    with pytest.raises(InvalidPool):
        combine_ratios([])


def test_noise_is_of_neighbours_in_one_box_and_not_of_the_drift_between_boxes():
    assert measure_noise([[1.0, 1.0], [5.0, 5.0]]).variance == 0
    assert measure_noise([[1.0, np.e], [-1.0]]).variance == pytest.approx(0.5)
    with pytest.raises(InvalidPool):
        measure_noise([[1.0], [2.0], [0.0, 3.0]])


def test_a_paused_box_widens_the_interval_and_decides_nothing():
    blocks = [Block(1.9, 20, 2.0, 1.0) for _ in range(7)] + [Block(300.0, 20, 2.0, 1.0)]
    found = compute_paired_runtime(compute_ratio(blocks), Ratio(10.0, 0.0, 16), alpha=GATE_ALPHA)
    assert find_standing(found, 0.1) is Standing.undecided


@pytest.mark.parametrize(("ratio", "standing"), [(0.5, Standing.under), (1.0, Standing.under), (1.001, Standing.over)])
def test_without_noise_exactly_the_budget_passes(ratio, standing):
    found = compute_paired_runtime(Ratio(ratio, 0.0, 9), Ratio(10.0, 0.0, 9), alpha=0.01)
    assert find_standing(found, 0.1) is standing


@pytest.mark.parametrize("shards", [1, 5, 100])
def test_all_looks_together_err_no_more_often_than_one_may(shards):
    together = shards * split_alpha(shards=shards, is_last=False) + (1 + EXTRA_LOOKS) * split_alpha(
        shards=shards, is_last=True
    )
    assert together == pytest.approx(GATE_ALPHA)


def test_each_earlier_evaluation_halves_what_is_left_to_err():
    parts = [split_alpha(shards=1, is_last=True, earlier=count) for count in range(30)]
    assert parts[3] == parts[0] / 8
    assert sum(parts) < 2 * parts[0]


def test_more_runs_cannot_decide_what_the_retraining_leaves_open():
    vague, exact = Ratio(10.0, 0.5, 30), Ratio(10.0, 0.0, 30)
    run = Ratio(1.01, 0.02, 30)
    costs = [compute_paired_runtime(settle(run), tie, alpha=0.001) for tie in (vague, exact)]
    assert [find_standing(cost, 0.1) for cost in costs] == [Standing.undecided, Standing.over]


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_an_impossible_level_is_refused(alpha):
    with pytest.raises(InvalidPool):
        compute_paired_runtime(Ratio(1.0, 0.1, 9), Ratio(10.0, 0.1, 9), alpha=alpha)


def test_a_retraining_that_took_no_time_is_refused():
    with pytest.raises(InvalidPool):
        compute_paired_runtime(Ratio(1.0, 0.1, 9), Ratio(0.0, 0.1, 9), alpha=0.01)
