"""One vector per model from its stored outputs, and distances in units of how far retrained models lie apart."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaluator.arrays import MIN_REPLICAS, Floats, check_pool
from evaluator.errors import InvalidPool

COLUMNS = 4096  # of logits and of confidences each: enough to tell models apart, few enough for any problem
ROUNDING = 1e-12  # what is left of equal rows when their products are taken off their squares
SCALE_FLOOR = 0.1  # of the typical spread: no output that all retrained models share may rule the distance


@dataclass(frozen=True, slots=True)
class Reference:
    """What a submission is compared with: models that never saw the forget set, and the originals.

    Fingerprints are centred on the members' mean and divided by the members' spread, column by column, so that two
    independent members lie about the square root of two apart.
    """

    members: Floats  # (M, F), retrained and control
    originals: Floats  # (O, F)
    centre: Floats  # (F,)
    scale: Floats  # (F,)
    spacing: float  # distance of the two members that are nearest to each other
    travel: float  # median distance from a member to its nearest original

    def standardise(self, prints: ArrayLike) -> Floats:
        """Raw fingerprints (R, F), R >= 1, in this reference's units; raises InvalidPool if F is another one."""
        array = np.asarray(prints, dtype=np.float64)
        if array.ndim != 2 or array.shape[1] != len(self.scale) or not bool(np.isfinite(array).all()):
            raise InvalidPool(f"fingerprints must be finite and (R, {len(self.scale)}), got shape {array.shape}")
        return np.asarray((array - self.centre) / self.scale)


def compute_fingerprints(forget_logits: ArrayLike, retain_confidence: ArrayLike) -> Floats:
    """Describe each model by its centred logits on forget and its confidences on retain.

    forget_logits: (R, N, K); retain_confidence: (R, P), nats. Returns (R, F) float64, F <= 2 x COLUMNS: of more values,
    COLUMNS evenly spaced ones are taken. A constant added to all logits of an example changes nothing; a single output
    per example, K = 1, is a prediction and taken as it is.
    Raises InvalidPool if the shapes disagree or a value is not finite.
    Source: docs/flags.md.
    """
    logits, confidence = np.asarray(forget_logits), np.asarray(retain_confidence)
    if logits.ndim != 3 or confidence.ndim != 2 or len(logits) != len(confidence) or 0 in logits.shape:
        raise InvalidPool(f"logits of shape {logits.shape} do not go with confidences of shape {confidence.shape}")
    example, label = np.divmod(_choose(logits.shape[1] * logits.shape[2]), logits.shape[2])
    centred = logits[:, example, label].astype(np.float64)
    if logits.shape[2] > 1:
        centred -= logits.mean(axis=2, dtype=np.float64)[:, example]
    retained = confidence[:, _choose(confidence.shape[1])].astype(np.float64)
    prints: Floats = np.concatenate([centred, retained], axis=1)
    if not bool(np.isfinite(prints).all()):
        raise InvalidPool("a fingerprint is not finite")
    return prints


def make_reference(members: ArrayLike, originals: ArrayLike) -> Reference:
    """Learn the units of distance from the models that never saw the forget set.

    members: (M, F) raw fingerprints of retrained and control models, M >= 2; originals: (O, F), O >= 1.
    Raises InvalidPool if the shapes disagree or a value is not finite.
    """
    known, starts = check_pool(members, "reference"), np.asarray(originals, dtype=np.float64)
    spread = known.std(axis=0, ddof=1)
    floor = SCALE_FLOOR * float(np.sqrt(np.mean(spread**2)))
    scale = np.maximum(spread, floor) if floor > 0 else np.ones_like(spread)
    plain = Reference(known, starts, known.mean(axis=0), scale, 0.0, 0.0)
    own, begun = plain.standardise(known), plain.standardise(starts)
    return Reference(
        members=own,
        originals=begun,
        centre=plain.centre,
        scale=scale,
        spacing=float(find_nearest_twins(own).min()),
        travel=float(np.median(find_nearest(own, begun))),
    )


def compute_distances(left: Floats, right: Floats) -> Floats:
    """Root mean square difference, (A, B), of every row of left (A, F) to every row of right (B, F)."""
    norms = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1)[None]
    squares = norms - 2 * left @ right.T
    distances: Floats = np.sqrt(np.where(squares > ROUNDING * norms, squares, 0.0) / left.shape[1])
    return distances


def find_nearest(left: Floats, right: Floats) -> Floats:
    """Distance of each row of left (A, F) to the nearest row of right (B, F), B >= 1. Returns (A,)."""
    nearest: Floats = compute_distances(left, right).min(axis=1)
    return nearest


def find_nearest_twins(prints: Floats) -> Floats:
    """Distance of each row of prints (R, F) to the nearest other row. Returns (R,); raises InvalidPool if R < 2."""
    if len(prints) < MIN_REPLICAS:
        raise InvalidPool("a model alone has no nearest other")
    distances = compute_distances(prints, prints)
    np.fill_diagonal(distances, np.inf)
    nearest: Floats = distances.min(axis=1)
    return nearest


def _choose(size: int) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, size - 1, min(size, COLUMNS)).round().astype(np.int64))
