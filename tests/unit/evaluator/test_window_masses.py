"""Bounds of all windows at once: how often any of them fails, with and without atoms."""

import numpy as np
import pytest
from scipy.stats import beta

from evaluator.window_masses import bound_window_masses

MODELS = 24
ERROR = 0.2


def mass_of(low, high, atoms, *, closed):
    """Of [low, high] or (low, high) under the law uniform on 1..atoms, or on [0, 1] without atoms."""
    if atoms is None:
        return np.clip(high, 0, 1) - np.clip(low, 0, 1)
    points = np.arange(1, atoms + 1)
    inside = (points >= low) & (points <= high) if closed else (points > low) & (points < high)
    return inside.mean()


@pytest.mark.parametrize("atoms", [None, 3, 20])
def test_no_bound_of_any_window_fails_more_often_than_said(atoms):
    bounds, rng = bound_window_masses(MODELS, ERROR), np.random.default_rng(atoms or 0)
    failures = np.zeros(2)
    trials = 150
    for _ in range(trials):
        drawn = rng.random(MODELS) if atoms is None else rng.integers(1, atoms + 1, MODELS).astype(float)
        order = np.concatenate([[-np.inf], np.sort(drawn), [np.inf]])
        failed = [False, False]
        for i in range(MODELS + 2):
            for j in range(i + 1, MODELS + 2):
                at_end = i == 0 or j == MODELS + 1
                held = j - i + 1 - (i == 0) - (j == MODELS + 1)  # models of the closed span
                lower, upper = (
                    (bounds.half_line_lower, bounds.half_line_upper)
                    if at_end
                    else (bounds.window_lower, bounds.window_upper)
                )
                failed[0] |= bool(mass_of(order[i], order[j], atoms, closed=True) < lower[held] - 1e-12)
                failed[1] |= bool(mass_of(order[i], order[j], atoms, closed=False) > upper[j - i - 1] + 1e-12)
        failures += failed
    assert (failures / trials <= ERROR + 2 * np.sqrt(ERROR * (1 - ERROR) / trials)).all()


def test_a_half_line_has_the_bounds_of_clopper_and_pearson():
    bounds = bound_window_masses(MODELS, ERROR)
    error = ERROR / (4 * MODELS)
    for inside in range(1, MODELS):
        assert bounds.half_line_lower[inside] == pytest.approx(beta.ppf(error, inside, MODELS - inside + 1))
        assert bounds.half_line_upper[inside] == pytest.approx(beta.isf(error, inside + 1, MODELS - inside))


def test_bounds_grow_with_the_models_inside_and_stay_masses():
    for models in (2, 3, 24):
        bounds = bound_window_masses(models, 0.0125)
        for row in (bounds.half_line_lower, bounds.half_line_upper, bounds.window_lower, bounds.window_upper):
            assert (np.diff(row) >= 0).all()
            assert 0 <= row[0] <= row[-1] <= 1
        assert bounds.window_lower[0] == bounds.window_lower[1] == 0
        assert bounds.window_upper[-1] == 1
