import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from evaluator import InvalidPool
from evaluator.relearning import compute_relative_steps, compute_relearn_steps, find_target

LOSSES = hnp.arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(2, 6)), elements=st.floats(0, 5))


def count_slowly(curve, level):
    """Walk along the curve, a straight line between steps."""
    if curve[0] <= level:
        return 0.0
    lowest = curve[0]
    for step in range(1, len(curve)):
        if curve[step] <= level:
            return step - 1 + (lowest - level) / (lowest - curve[step])
        lowest = min(lowest, curve[step])
    return float(len(curve) - 1)


@given(LOSSES, st.floats(0, 5))
@settings(max_examples=60)
def test_steps_are_those_of_a_walk_along_the_curve(curves, level):
    expected = [count_slowly(curve, level) for curve in curves]
    np.testing.assert_allclose(compute_relearn_steps(curves, level), expected, rtol=1e-9, atol=1e-9)


def test_a_curve_worked_by_hand():
    assert compute_relearn_steps([[4.0, 2.0, 1.0], [1.0, 0.5, 0.2], [4.0, 4.0, 3.5]], 1.5).tolist() == [1.5, 0.0, 2.0]


def test_exponential_decay_needs_the_same_steps_from_every_loss_on():
    times = np.arange(60)
    retrained = np.exp(-0.1 * times)[None] * np.array([[2.0], [1.8]])
    same = np.exp(-0.1 * times)[None] * 1.2
    faster = np.exp(-0.3 * times)[None] * 1.9
    assert compute_relative_steps(same, retrained, target=0.1) == pytest.approx([1.0], rel=0.02)
    assert compute_relative_steps(faster, retrained, target=0.1) == pytest.approx([1 / 3], rel=0.03)


def test_where_nothing_is_to_be_learnt_there_is_no_ratio():
    retrained = [[1.0, 0.5, 0.1]]
    assert np.isnan(compute_relative_steps([[0.05, 0.05, 0.05]], retrained, target=0.1)).all()


def test_the_target_is_one_that_retrained_models_reach():
    assert find_target([[1.0, 0.3], [1.0, 0.5]], 0.1) == 0.4
    assert find_target([[1.0, 0.3], [1.0, 0.5]], 0.45) == 0.45


@pytest.mark.parametrize("curves", [[], [[1.0]], [1.0, 2.0], [[1.0, -1.0]], [[1.0, np.nan]], [[np.inf, 1.0]]])
def test_curves_that_are_none_are_refused(curves):
    with pytest.raises(InvalidPool):
        compute_relearn_steps(curves, 1.0)
