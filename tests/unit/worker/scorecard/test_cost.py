from dataclasses import dataclass, replace

import pytest

from core.domain.runtime import CpuClock
from core.problem_parts import Gate
from worker.replicas.seconds import MeasuredShard, RunSeconds, collect_seconds
from worker.scorecard.cost import RetrainCost, make_cost

RETRAIN = RunSeconds(wall=(2.1, 2.1), cpu=(1.05, 1.05))
IDLE = RunSeconds(wall=(0.1, 0.1, 9.0), cpu=(0.05, 0.05, 0.05))
COST = RetrainCost(RETRAIN, IDLE)


@dataclass(frozen=True, slots=True)
class FakeTimed:
    clock: CpuClock
    waited_seconds: float | None
    wall_seconds: float = 2.0
    cpu_seconds: float = 1.0


def test_the_cost_of_a_start_is_taken_off_both_sides() -> None:
    assert COST.compare(RunSeconds(wall=(0.3,), cpu=(0.15,)), Gate.CPU).estimate == pytest.approx(0.1)


def test_doing_nothing_costs_nothing() -> None:
    assert COST.compare(RunSeconds(wall=(0.1,), cpu=(0.05,)), Gate.CPU).estimate == 0


def test_a_busy_neighbour_counts_only_where_the_larger_ratio_does() -> None:
    slowed = RunSeconds(wall=(0.48,), cpu=(0.15,))
    assert COST.compare(slowed, Gate.CPU).estimate == pytest.approx(0.1)
    assert COST.compare(slowed, Gate.LARGER).estimate == pytest.approx(0.19)


def test_where_the_box_is_metered_nothing_hides_and_the_wall_does_not_judge() -> None:
    slept = RunSeconds(wall=(1.1,), cpu=(0.06,), clock=CpuClock.CGROUP)
    assert COST.compare(slept, Gate.CPU).estimate == pytest.approx(0.01)
    assert COST.compare(slept, Gate.LARGER).estimate == pytest.approx(0.5)


def test_one_replica_without_a_meter_makes_the_clock_of_all_the_weaker_one() -> None:
    metered, other = FakeTimed(CpuClock.CGROUP, 0.5), FakeTimed(CpuClock.PROCESS, None)
    assert (collect_seconds([metered, metered]).clock, collect_seconds([metered, metered]).waited) == ("cgroup", 0.25)
    assert (collect_seconds([metered, other]).clock, collect_seconds([other]).waited) == ("process", None)


def test_work_that_hides_from_the_processor_clock_shows_on_the_wall() -> None:
    hidden = RunSeconds(wall=(1.1,), cpu=(0.06,))
    assert COST.compare(hidden, Gate.CPU).estimate == pytest.approx(0.25)


def test_practice_begins_on_a_calibration_that_a_contest_repeats() -> None:
    """Two yardsticks a retraining that differ by a tenth: nobody knows the tie to 1.2 %, and anybody to 5 %."""
    yardsticks = tuple(0.2 + 0.02 * (place // 2 % 2) for place in range(32))
    runs, nothing = RunSeconds((2.0,) * 16, (2.0,) * 16), RunSeconds((0.1,), (0.1,))
    cost = make_cost([MeasuredShard(runs, RunSeconds(yardsticks, yardsticks), nothing)])
    assert "yardsticks differ" in cost.find_doubt()
    assert cost.find_doubt(for_practice=True) == ""
    waiting = replace(runs, wall=(5.0,) * 16)
    steady = RunSeconds((0.2,) * 32, (0.2,) * 32)
    loaded = make_cost([MeasuredShard(waiting, steady, nothing)])
    assert "the clocks disagree" in loaded.find_doubt()
    assert loaded.find_doubt(for_practice=True) == ""
    lost = make_cost([MeasuredShard(runs, RunSeconds((), ()), nothing)])
    assert "no yardstick" in lost.find_doubt(for_practice=True)
