"""The neighbour-class attack: what a model says of a forget example once its own class is left out.

Where a class is to be forgotten, a method may push the class's own logit down and leave the rest as it was. Retrained
models never learned the class, and spread its examples over the others in their own way.
"""

import numpy as np
from numpy.typing import ArrayLike

from evaluator.arrays import Floats, Ints
from evaluator.confidence import compute_confidence
from evaluator.errors import InvalidPool


def compute_neighbour_confidences(
    unlearned: ArrayLike, retrained: ArrayLike, labels: ArrayLike
) -> tuple[Floats, Floats]:
    """Confidence in each example's neighbour class, its own class left out: (R, N) and (R', N), in nats of log odds.

    unlearned, retrained: (R, N, K) and (R', N, K) logits, K at least 3; labels: (N,) classes. An example's neighbour
    is the other class of highest mean logit in the retrained models.
    Raises InvalidPool if there are fewer classes, or as compute_confidence does.
    Source: docs/metrics.md §3.
    """
    ours, theirs = np.asarray(unlearned), np.asarray(retrained)
    own = np.asarray(labels, np.int64)
    if ours.ndim != 3 or theirs.ndim != 3 or ours.shape[1:] != theirs.shape[1:] or own.shape != ours.shape[1:2]:
        raise InvalidPool(f"logits must be of one shape (models, examples, classes), got {ours.shape}, {theirs.shape}")
    if ours.shape[2] < 3:
        raise InvalidPool(f"a neighbour class beside others needs 3 classes, got {ours.shape[2]}")
    others = _list_others(own, ours.shape[2])
    nearest = np.take_along_axis(theirs.mean(axis=0, dtype=np.float64), others, axis=1).argmax(axis=1)
    return _read(ours, others, nearest), _read(theirs, others, nearest)


def _list_others(own: Ints, classes: int) -> Ints:
    """(N, K - 1) classes other than each example's own, ascending."""
    places = np.arange(classes - 1)[None]
    return np.asarray(places + (places >= own[:, None]))


def _read(logits: Floats, others: Ints, nearest: Ints) -> Floats:
    """One model at a time: all of them in float64 may be gigabytes."""
    return np.concatenate(
        [compute_confidence(np.take_along_axis(model, others, axis=1)[None], nearest) for model in logits]
    )
