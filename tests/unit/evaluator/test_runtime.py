import numpy as np
import pytest

from evaluator import InvalidPool, compute_gated_runtime, compute_relative_runtime, is_over_budget


def test_relative_runtime_is_the_ratio_of_means():
    runtime = compute_relative_runtime([1.0, 3.0], [30.0, 10.0])
    assert runtime.estimate == pytest.approx(0.1)
    assert runtime.low < 0.1 < runtime.high


def test_the_interval_covers_about_its_level():
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(300):
        runtime = compute_relative_runtime(rng.gamma(20, 0.005, 40), rng.gamma(20, 0.05, 40))
        hits += runtime.low <= 0.1 <= runtime.high
    assert 0.91 <= hits / 300 <= 0.99


def test_the_gate_takes_the_larger_of_wall_and_cpu():
    wall, cpu = compute_relative_runtime([1.0], [20.0]), compute_relative_runtime([3.0], [20.0])
    assert compute_gated_runtime(wall=wall, cpu=cpu) == cpu


@pytest.mark.parametrize(("ratio", "over"), [(0.05, False), (0.1, False), (0.1001, True), (float("nan"), True)])
def test_only_more_than_the_budget_is_over_it(ratio, over):
    assert is_over_budget(ratio, 0.1) is over


@pytest.mark.parametrize(("top", "bottom"), [([], [1.0]), ([1.0], [0.0]), ([-1.0], [1.0]), ([np.nan], [1.0])])
def test_impossible_times_are_refused(top, bottom):
    with pytest.raises(InvalidPool):
        compute_relative_runtime(top, bottom)
