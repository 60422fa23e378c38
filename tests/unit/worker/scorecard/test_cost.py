import pytest

from core.problems import Gate
from worker.scorecard.cost import RetrainCost, RunSeconds

RETRAIN = RunSeconds(wall=(2.1, 2.1), cpu=(1.05, 1.05))
IDLE = RunSeconds(wall=(0.1, 0.1, 9.0), cpu=(0.05, 0.05, 0.05))
COST = RetrainCost(RETRAIN, IDLE)


def test_the_cost_of_a_start_is_taken_off_both_sides() -> None:
    assert COST.compare(RunSeconds(wall=(0.3,), cpu=(0.15,)), Gate.CPU).estimate == pytest.approx(0.1)


def test_doing_nothing_costs_nothing() -> None:
    assert COST.compare(RunSeconds(wall=(0.1,), cpu=(0.05,)), Gate.CPU).estimate == 0


def test_a_busy_neighbour_counts_only_where_the_larger_ratio_does() -> None:
    slowed = RunSeconds(wall=(0.48,), cpu=(0.15,))
    assert COST.compare(slowed, Gate.CPU).estimate == pytest.approx(0.1)
    assert COST.compare(slowed, Gate.LARGER).estimate == pytest.approx(0.19)


def test_work_that_hides_from_the_processor_clock_shows_on_the_wall() -> None:
    hidden = RunSeconds(wall=(1.1,), cpu=(0.06,))
    assert COST.compare(hidden, Gate.CPU).estimate == pytest.approx(0.25)
