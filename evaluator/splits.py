"""Folds of models: drawn by a stored seed, the same for all examples."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluator.arrays import Floats, Ints

Codes = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Folds:
    """Fold of every model under every split seed; the same for all examples."""

    unlearned: Ints  # (S, R_u), values in [0, K)
    retrained: Ints  # (S, R_r)
    count: int

    @property
    def split_seeds(self) -> int:
        return len(self.unlearned)

    def codes(self) -> Codes:
        """(S, M) for all models, unlearned ones first: the fold, plus the number of folds for retrained models."""
        return np.concatenate([self.unlearned, self.retrained + self.count], axis=1).astype(np.int8)

    def held_sizes(self) -> Ints:
        """(2, S, K) models of each pool, unlearned first, in the fold left out."""
        pools = (self.unlearned, self.retrained)
        sizes: Ints = np.stack([(pool[:, :, None] == np.arange(self.count)).sum(axis=1) for pool in pools])
        return sizes

    def training_sizes(self) -> Ints:
        """(2, S, K) models of each pool outside the fold left out."""
        held = self.held_sizes()
        sizes: Ints = held.sum(axis=2, keepdims=True) - held
        return sizes


def draw_folds(
    unlearned: int, retrained: int, *, count: int, split_seeds: int, seed: int, outputs_key: int = 0
) -> Folds:
    """Balanced random folds; the retrained pool's follow from the seed and its size alone.

    outputs_key is drawn into the unlearned pool's: an entry that knew the fold of a replica beforehand could answer
    differently in each fold, and a region chosen on the others would say nothing about it.
    """
    streams = (
        np.random.SeedSequence([seed, outputs_key], spawn_key=(0,)),
        np.random.SeedSequence(seed, spawn_key=(1,)),
    )
    left, right = (
        np.stack([rng.permutation(np.arange(size) % count) for _ in range(split_seeds)])
        for rng, size in zip(map(np.random.default_rng, streams), (unlearned, retrained), strict=True)
    )
    return Folds(left, right, count)


def compute_outputs_key(unlearned: Floats, retrained: Floats) -> int:
    """A number nobody knows without both (R, N) pools; the same for any order of the examples."""
    return sum(int(np.sum((pool + 0.0).view(np.uint64), dtype=np.uint64)) for pool in (unlearned, retrained))
