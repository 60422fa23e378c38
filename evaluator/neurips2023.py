"""The published rule of the NeurIPS 2023 contest: fixed grids of thresholds, judged on all models."""

import numpy as np

from evaluator import neurips2023_kernel as kernel
from evaluator.arrays import Floats
from evaluator.errors import InvalidPool
from evaluator.spec import EPSILON_CAP, Attack

LARGEST_VALUE = 1e9  # confidences reach 104; far beyond, a grid in units of the confidence has no representable steps

_ATTACKS = {
    kernel.NONE: Attack.none,
    kernel.RANGE_GUARD: Attack.range_guard,
    kernel.HALF_LINE: Attack.half_line,
    kernel.INTERVAL: Attack.interval,
    kernel.BELOW_GRID: Attack.below_grid,
}


def compute_published_epsilons(unlearned: Floats, retrained: Floats, delta: float) -> tuple[Floats, tuple[Attack, ...]]:
    """One epsilon in [0, 50] per example of two checked pools, given as ascending (N, R) and (N, R') rows.

    The cost per example does not depend on the range of the values. Raises InvalidPool if a value lies beyond 1e9.
    Source: docs/metric.md §3 to §5.
    """
    if max(abs(rows[:, end]).max() for rows in (unlearned, retrained) for end in (0, -1)) > LARGEST_VALUE:
        raise InvalidPool(f"neurips2023 needs confidences of at most {LARGEST_VALUE:g} in absolute value")
    epsilons, attacks = kernel.answer_examples(
        unlearned, retrained, make_log_rates(unlearned.shape[1], delta), make_log_rates(retrained.shape[1], delta)
    )
    epsilons[np.isneginf(epsilons)] = EPSILON_CAP  # the published code stops here: nothing survives
    return np.minimum(epsilons, EPSILON_CAP), tuple(_ATTACKS[int(attack)] for attack in attacks)


def make_log_rates(replicas: int, delta: float) -> Floats:
    """ln(k / R) and ln(1 - delta - k / R) for k = 0..R errors, (2, R + 1); see evaluator.neurips2023_kernel."""
    rates = np.arange(replicas + 1) / replicas
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.stack([np.log(rates), np.log(1 - delta - rates)])
    logs[1] = np.where(np.isnan(logs[1]), -np.inf, np.maximum(logs[1], np.finfo(float).min))
    logs[:, 0] = np.inf, -np.inf
    return logs
