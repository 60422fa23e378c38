"""How fast a model learns the forget set again, against models that never saw it and stand where it stands."""

import numpy as np
from numpy.typing import ArrayLike

from evaluator.arrays import Floats
from evaluator.errors import InvalidPool


def find_target(retrained: ArrayLike, original_loss: float) -> float:
    """The loss to be reached: the original's, or the least that half of the retrained models reach, if that is more.

    retrained: (M, S + 1) losses on the forget set in nats, before the first step and after each of S; M >= 1.
    Raises InvalidPool as compute_relearn_steps does.
    """
    return max(float(original_loss), float(np.median(_check(retrained)[:, -1])))


def compute_relearn_steps(curves: ArrayLike, levels: ArrayLike) -> Floats:
    """Steps until a loss curve first comes down to a level, straight lines between steps.

    curves: (M, S + 1) losses in nats, M >= 1; levels: one level, or a vector (M,). Returns (M,), 0 where the curve
    begins at or below its level, S where it never gets there.
    Raises InvalidPool if a loss is negative or not finite, or there is no curve.
    Source: docs/flags.md, relearn_time.
    """
    losses = np.minimum.accumulate(_check(curves), axis=1)
    rows, last = len(losses), losses.shape[1] - 1
    goal = np.broadcast_to(np.asarray(levels, dtype=np.float64), (rows,))
    below = losses <= goal[:, None]
    after = np.where(below.any(axis=1), below.argmax(axis=1), last)
    before = np.maximum(after - 1, 0)
    high, low = losses[np.arange(rows), before], losses[np.arange(rows), after]
    drop = np.where(high > low, high - low, 1.0)
    part = np.where(below.any(axis=1), (high - goal) / drop, 1.0)
    steps: Floats = np.where(after == 0, 0.0, before + np.clip(part, 0.0, 1.0))
    return steps


def compute_relative_steps(unlearned: ArrayLike, retrained: ArrayLike, *, target: float) -> Floats:
    """Steps a model needs to the target over those the median retrained model needs from the same loss on.

    unlearned: (R, S + 1), retrained: (M, S + 1) losses in nats. Returns (R,): about 1 where nothing of the forget set
    is left that retrained models lack, less where something is; nan where retrained models need no step either.
    Raises InvalidPool as compute_relearn_steps does.
    Source: docs/flags.md, relearn_time.
    """
    theirs = _check(retrained)
    steps, starts = compute_relearn_steps(unlearned, target), _check(unlearned)[:, 0]
    arrived = compute_relearn_steps(theirs, target)
    needed = np.array([np.median(arrived - compute_relearn_steps(theirs, max(start, target))) for start in starts])
    relative: Floats = np.full(len(steps), np.nan)
    np.divide(steps, needed, out=relative, where=needed > 0)
    return relative


def _check(curves: ArrayLike) -> Floats:
    array = np.asarray(curves, dtype=np.float64)
    if array.ndim != 2 or array.shape[0] < 1 or array.shape[1] < 2:
        raise InvalidPool(f"loss curves must be (models, steps + 1), got shape {array.shape}")
    if not bool(np.isfinite(array).all()) or bool((array < 0).any()):
        raise InvalidPool("a loss is negative or not finite")
    return array
