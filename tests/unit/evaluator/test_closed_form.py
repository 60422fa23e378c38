import numpy as np
import pytest
from scipy.stats import norm

from evaluator import InvalidPool, compute_gaussian_epsilon

GRID = np.linspace(-12, 12, 400_001)


def best_mass_ratio(unlearned, retrained, alpha):
    """Fill a region with the cells of largest density ratio until it holds alpha of the retrained law."""
    gain, cost = unlearned.pdf(GRID), retrained.pdf(GRID)
    order = np.argsort(-(unlearned.logpdf(GRID) - retrained.logpdf(GRID)))
    step = GRID[1] - GRID[0]
    inside = np.cumsum(cost[order]) * step <= alpha
    return np.log(gain[order][inside].sum() * step / alpha)


@pytest.mark.parametrize("shift", [0.0, 0.3, -1.0, 2.0])
@pytest.mark.parametrize("ratio", [0.3, 0.8, 0.999, 1.0, 1.3, 3.0])
@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_it_is_the_best_of_all_regions_found_cell_by_cell(shift, ratio, alpha):
    laws = norm(shift, ratio), norm(0, 1)
    expected = max(best_mass_ratio(*laws, alpha), best_mass_ratio(*laws[::-1], alpha))
    assert compute_gaussian_epsilon(shift, ratio, alpha) == pytest.approx(expected, abs=2e-3)


def test_it_does_not_depend_on_which_law_is_called_which():
    assert compute_gaussian_epsilon(1.0, 0.5) == pytest.approx(compute_gaussian_epsilon(-2.0, 2.0))


def test_the_same_law_gives_zero_and_far_ones_the_largest_value():
    assert compute_gaussian_epsilon(0.0) == 0.0
    assert compute_gaussian_epsilon(40.0) == pytest.approx(np.log(20))


def test_it_is_continuous_where_the_spreads_become_equal():
    values = [compute_gaussian_epsilon(0.7, ratio) for ratio in (1 - 1e-4, 1.0, 1 + 1e-4)]
    assert np.ptp(values) < 1e-3


def test_it_grows_with_every_shift_and_every_change_of_scale():
    assert np.all(np.diff([compute_gaussian_epsilon(shift) for shift in np.linspace(0, 3, 31)]) > 0)
    assert np.all(np.diff([compute_gaussian_epsilon(0, ratio) for ratio in np.linspace(1, 4, 31)]) > 0)


@pytest.mark.parametrize("arguments", [(np.nan, 1), (0, 0), (0, -1), (0, np.inf), (0, 1, 0), (0, 1, 0.6)])
def test_arguments_out_of_range_are_refused(arguments):
    with pytest.raises(InvalidPool):
        compute_gaussian_epsilon(*arguments)
