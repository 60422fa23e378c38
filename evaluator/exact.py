"""Every distinct threshold and every closed interval between sample values, without a grid."""

from dataclasses import dataclass

import numpy as np

from evaluator import exact_kernel as kernel
from evaluator.arrays import Floats
from evaluator.neurips2023 import make_log_rates
from evaluator.spec import EPSILON_CAP, Attack

_ATTACKS = {kernel.NONE: Attack.none, kernel.HALF_LINE: Attack.half_line, kernel.INTERVAL: Attack.interval}


@dataclass(frozen=True, slots=True)
class ExactAnswer:
    """(N,) epsilons in [0, 50], their lower confidence bounds (0 if not asked for) and attacks."""

    epsilon: Floats
    lower: Floats
    attack: tuple[Attack, ...]


def compute_exact_epsilons(
    unlearned: Floats, retrained: Floats, *, delta: float, confidence: float | None
) -> ExactAnswer:
    """Epsilon of each example of two checked pools, given as ascending (N, R) and (N, R') rows.

    confidence: level of the lower bound; None leaves it out. The bound holds for all windows at once: every mass
    moves by at most twice the DKW distance (Massart 1990). A handful of linear passes and O(R) memory per example.
    Source: docs/metric.md §7.
    """
    error = (1 - (confidence or 0.0)) / 2
    slack = [float(2 * np.sqrt(np.log(2 / error) / (2 * rows.shape[1]))) for rows in (unlearned, retrained)]
    errors, attacks, bounds = kernel.answer_examples(
        unlearned, retrained, delta, (slack[0], slack[1]), confidence is not None
    )
    left, right = (make_log_rates(rows.shape[1], delta) for rows in (unlearned, retrained))
    epsilon = np.maximum(right[1, errors[1]] - left[0, errors[0]], left[1, errors[0]] - right[0, errors[1]])
    epsilon[errors.sum(axis=0) == 0] = EPSILON_CAP
    epsilon[attacks == kernel.NONE] = 0.0
    return ExactAnswer(np.maximum(epsilon, 0.0), np.log(bounds), tuple(_ATTACKS[int(attack)] for attack in attacks))
