"""Logits to the logit-scaled confidence of the true class."""

import numpy as np
from numpy.typing import ArrayLike

from evaluator.arrays import Floats
from evaluator.errors import InvalidPool

TINY = 1e-45


def compute_confidence(logits: ArrayLike, labels: ArrayLike) -> Floats:
    """Log odds of the true class against all others, per replica and example.

    logits: (R, N, K), K >= 2, any floating dtype; -inf allowed, nan and +inf not; labels: (N,) integers in [0, K).
    Returns (R, N) float64 confidences in [-103.62, 103.62] (= ±ln 1e45), natural logarithm.
    Raises InvalidPool if the shapes disagree, a label is no class, or a logit is nan or +inf.
    Source: docs/metric.md §1.

    >>> compute_confidence([[[0.0, 0.0, 0.0]]], [1]).round(4).tolist()
    [[-0.6931]]
    """
    scores, classes = _check_logits(logits, labels)
    scores = scores - scores.max(axis=2, keepdims=True)
    odds = np.exp(scores)
    odds /= odds.sum(axis=2, keepdims=True)
    here = classes[None, :, None]
    right = np.take_along_axis(odds, here, axis=2)[:, :, 0]
    # Summed, not 1 - right: the subtraction would lose the small masses the scalar is about.
    np.put_along_axis(odds, np.broadcast_to(here, (*odds.shape[:2], 1)), 0.0, axis=2)
    wrong = odds.sum(axis=2)
    confidence: Floats = np.log(right + TINY) - np.log(wrong + TINY)
    return confidence


def _check_logits(logits: ArrayLike, labels: ArrayLike) -> tuple[Floats, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    scores = np.asarray(logits)
    classes = np.asarray(labels)
    if scores.ndim != 3 or scores.shape[2] < 2 or scores.dtype.kind not in "fiu":
        raise InvalidPool(f"logits must be (replicas, examples, classes), got {scores.dtype} {scores.shape}")
    if classes.shape != (scores.shape[1],) or classes.dtype.kind not in "iu":
        raise InvalidPool(f"labels must be {scores.shape[1]} integers, got {classes.dtype} {classes.shape}")
    if classes.size and not (classes.min() >= 0 and classes.max() < scores.shape[2]):
        raise InvalidPool(f"labels must be in [0, {scores.shape[2]})")
    if np.isnan(scores).any() or np.isposinf(scores).any() or np.isneginf(scores).all(axis=2).any():
        raise InvalidPool("logits hold nan, +inf, or an example whose logits are all -inf")
    return scores.astype(np.float64), classes.astype(np.int64)
