"""Every distinct threshold and every closed interval between sample values, without a grid."""

from dataclasses import dataclass

import numpy as np

from evaluator import exact_kernel as kernel
from evaluator.arrays import Floats
from evaluator.neurips2023 import make_log_rates
from evaluator.spec import EPSILON_CAP, Attack, MetricVersion
from evaluator.window_masses import WindowMasses, bound_by_band, bound_window_masses

_ATTACKS = {kernel.NONE: Attack.none, kernel.HALF_LINE: Attack.half_line, kernel.INTERVAL: Attack.interval}


@dataclass(frozen=True, slots=True)
class ExactAnswer:
    """(N,) epsilons in [0, 50], their lower confidence bounds (0 if not asked for) and attacks."""

    epsilon: Floats
    lower: Floats
    attack: tuple[Attack, ...]


def compute_exact_epsilons(
    unlearned: Floats,
    retrained: Floats,
    *,
    delta: float,
    confidence: float | None,
    metric: MetricVersion = MetricVersion.lacuna_3,
) -> ExactAnswer:
    """Epsilon of each example of two checked pools, given as ascending (N, R) and (N, R') rows.

    confidence: level of the lower bound; None leaves it out. The bound holds for all windows at once. The estimate
    takes a handful of linear passes and O(R) memory per example, the bound blocks of pairs of gaps.
    Source: docs/metric.md §7.
    """
    error = 1 - (confidence or 0.0)
    worths = [
        _weigh(bound_by_band(rows.shape[1], error / 2), delta)
        if metric is MetricVersion.lacuna_2
        else _weigh(bound_window_masses(rows.shape[1], error / 4), delta)
        for rows in (unlearned, retrained)
    ]
    errors, attacks, bounds = kernel.answer_examples(
        unlearned, retrained, delta, (worths[0], worths[1]), confidence is not None
    )
    left, right = (make_log_rates(rows.shape[1], delta) for rows in (unlearned, retrained))
    epsilon = np.maximum(right[1, errors[1]] - left[0, errors[0]], left[1, errors[0]] - right[0, errors[1]])
    epsilon[errors.sum(axis=0) == 0] = EPSILON_CAP
    epsilon[attacks == kernel.NONE] = 0.0
    return ExactAnswer(np.maximum(epsilon, 0.0), bounds, tuple(_ATTACKS[int(attack)] for attack in attacks))


def _weigh(masses: WindowMasses, delta: float) -> Floats:
    """What a count of models is worth to a bound: a kernel.Worth, (2, 4, R + 1)."""
    rows = []
    for lower, upper in (
        (masses.half_line_lower, masses.half_line_upper),
        (masses.window_lower, masses.window_upper),
    ):
        with np.errstate(divide="ignore"):
            predicted = np.log(np.maximum(lower - delta, 0.0)), -np.log(1 - lower)
            other = -np.log(upper), np.log(np.maximum(1 - upper - delta, 0.0))
        rows.append(np.stack([*predicted, *other]))
    return np.stack(rows)
