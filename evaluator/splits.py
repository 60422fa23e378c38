"""Folds of models, and how many models of each fold lie below every value of an example."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluator.arrays import Floats, Ints

Counts = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Folds:
    """Fold of every model under every split seed; the same for all examples."""

    unlearned: Ints  # (S, R_u), values in [0, K)
    retrained: Ints  # (S, R_r)
    count: int

    @property
    def split_seeds(self) -> int:
        return len(self.unlearned)

    def swapped(self) -> "Folds":
        return Folds(self.retrained, self.unlearned, self.count)


@dataclass(frozen=True, slots=True)
class FoldCounts:
    """Both pools of E examples in one ascending order, as counts by position.

    A position p in [0, M] stands for "the p smallest of the M pooled values"; a cut may only fall where the
    value changes, so ties are never split. Axes: example, split seed, fold, position.
    """

    unlearned: Counts  # (E, S, K, M + 1) models of the fold below the cut
    retrained: Counts
    previous_cut: Ints  # (E, M + 1) the last allowed cut at or before each position
    next_cut: Ints  # (E, M + 1) the first allowed cut at or after it


def draw_folds(unlearned: int, retrained: int, *, count: int, split_seeds: int, seed: int) -> Folds:
    """Balanced random folds; each pool has its own stream, so its folds do not depend on the other's size."""
    streams = np.random.SeedSequence(seed).spawn(2)
    left, right = (
        np.stack([rng.permutation(np.arange(size) % count) for _ in range(split_seeds)])
        for rng, size in zip(map(np.random.default_rng, streams), (unlearned, retrained), strict=True)
    )
    return Folds(left, right, count)


def count_by_fold(unlearned: Floats, retrained: Floats, folds: Folds) -> FoldCounts:
    """Sort the (E, R) samples of both pools together and count every fold below every position."""
    pooled = np.concatenate([unlearned, retrained], axis=1)
    order = np.argsort(pooled, axis=1, kind="stable")
    previous_cut, next_cut = find_cuts(np.take_along_axis(pooled, order, axis=1))
    codes = np.concatenate([folds.unlearned, folds.retrained + folds.count], axis=1)
    in_order = codes[:, order].transpose(1, 0, 2)[:, :, None, :]
    below = np.zeros((order.shape[0], folds.split_seeds, 2 * folds.count, order.shape[1] + 1), np.int32)
    np.cumsum(in_order == np.arange(2 * folds.count)[:, None], axis=3, dtype=np.int32, out=below[..., 1:])
    return FoldCounts(below[:, :, : folds.count], below[:, :, folds.count :], previous_cut, next_cut)


def find_cuts(ascending: Floats) -> tuple[Ints, Ints]:
    """Nearest positions, before and after each of 0..M, where the ascending (E, M) values change."""
    examples, size = ascending.shape
    allowed = np.ones((examples, size + 1), bool)
    allowed[:, 1:size] = ascending[:, 1:] != ascending[:, :-1]
    positions = np.arange(size + 1)
    previous_cut = np.maximum.accumulate(np.where(allowed, positions, 0), axis=1)
    next_cut = np.minimum.accumulate(np.where(allowed, positions, size)[:, ::-1], axis=1)[:, ::-1]
    return previous_cut, next_cut
