"""Which training examples are memorised most: the gap between models that learned an example and models without it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from core.domain.errors import InvalidInput
from core.domain.pools import PoolKind
from worker.problems import LoadedProblem, Split
from worker.replicas.measurement import compute_forget_confidence
from worker.training.chunks import pool_chunks, train_chunk

FOLDS = 4  # every model without an example lacks a quarter of the others too
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Memorised:
    """The examples of the training part, the most memorised first."""

    ids: npt.NDArray[np.int64]  # (N,) places in the data set
    gaps: Floats  # (N,) mean confidence of models with it less that of models without it, in nats


def rank_memorised(
    problem: LoadedProblem,
    models: int,
    *,
    device: str = "cpu",
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Memorised:
    """Order the training part by the gap between originals and retrained models, `models` of each to a quarter.

    Feldman and Zhang 2020, with confidences in place of correctness, and quarters in place of random parts.
    """
    splits = problem.splits
    train = join(splits.retain, splits.forget)
    if len(train) < FOLDS * 2:
        raise InvalidInput(f"{len(train)} training examples are too few to be divided by {FOLDS}")
    folds = np.random.default_rng([problem.spec.split.seed, 7]).permutation(len(train)) % FOLDS
    gaps = np.zeros(len(train), np.float64)
    for fold in range(FOLDS):
        on_progress(fold, FOLDS)
        left_out = folds == fold
        parts = replace(splits, retain=train.take(~left_out), forget=train.take(left_out))
        part = replace(problem, splits=parts)
        learned, without = (_average(part, kind, models, device) for kind in (PoolKind.ORIGINAL, PoolKind.RETRAINED))
        gaps[left_out] = learned - without
    on_progress(FOLDS, FOLDS)
    order = np.argsort(-gaps, kind="stable")
    return Memorised(train.ids[order], gaps[order])


def join(left: Split, right: Split) -> Split:
    """Both parts in the order of their ids."""
    ids = np.concatenate([left.ids, right.ids])
    order = np.argsort(ids)
    x, y = np.concatenate([left.x, right.x]), np.concatenate([left.y, right.y])
    return Split(x=x[order], y=y[order], ids=ids[order])


def _average(problem: LoadedProblem, kind: PoolKind, models: int, device: str) -> Floats:
    """Mean confidence in each example that is left out, over members of one kind."""
    found = [train_chunk(problem, chunk, device=device).outputs for chunk in pool_chunks(problem, kind, models)]
    confidences = np.concatenate([compute_forget_confidence(problem, part) for part in found])
    return np.asarray(confidences.mean(axis=0))
