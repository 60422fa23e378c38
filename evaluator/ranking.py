"""The models of both pools in the order of their confidence, per example.

Numbers sort faster than their indices do. A confidence read as an integer sorts as it does as a float (with all but
the sign inverted where it is negative), so the index takes the place of its last bits, and one sort of integers
answers both. Rows in which two confidences differ in those bits alone, and came out wrong, are sorted again, slowly.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluator.arrays import Floats, Ints
from evaluator.compiled import compiled

ALL_BUT_THE_SIGN = 0x7FFF_FFFF_FFFF_FFFF


@dataclass(frozen=True, slots=True)
class Ranked:
    """Both pools of N examples, M models in all, in ascending order; unlearned models have the lower indices."""

    order: Ints  # (N, M) index of the model at each position; ties in any order
    ascending: Floats  # (N, M) confidences


def rank_models(unlearned: Floats, retrained: Floats) -> Ranked:
    """Sort the (R, N) pools together, per example."""
    models = len(unlearned) + len(retrained)
    pooled = np.empty((unlearned.shape[1], models))
    pooled[:, : len(unlearned)] = unlearned.T
    pooled[:, len(unlearned) :] = retrained.T
    keys, index_mask = pooled.view(np.int64).copy(), (1 << (models - 1).bit_length()) - 1
    _take_indices(keys, index_mask)
    keys.sort(axis=1)
    ascending = np.empty_like(pooled)
    unsorted = _read_indices(keys, index_mask, pooled, ascending)
    if unsorted.any():
        keys[unsorted] = np.argsort(pooled[unsorted], axis=1)
        ascending[unsorted] = np.take_along_axis(pooled[unsorted], keys[unsorted], axis=1)
    return Ranked(keys, ascending)


@compiled
def _take_indices(keys: Ints, index_mask: int) -> None:
    """From bits of floats to integers of the same order, whose last bits are the index in the row."""
    for row in keys:
        for index in range(row.size):
            key = row[index] ^ ((row[index] >> 63) & ALL_BUT_THE_SIGN)
            row[index] = (key & ~index_mask) | index


@compiled
def _read_indices(keys: Ints, index_mask: int, pooled: Floats, ascending: Floats) -> NDArray[np.bool_]:
    """Leave the indices alone in the sorted keys, look the confidences up, and tell which rows do not ascend."""
    unsorted = np.zeros(len(keys), np.bool_)
    for example in range(len(keys)):
        order, values, given, falls = keys[example], ascending[example], pooled[example], 0
        for position in range(order.size):
            index = order[position] & index_mask
            order[position] = index
            values[position] = given[index]
        for position in range(1, order.size):
            falls += values[position] < values[position - 1]
        unsorted[example] = falls > 0
    return unsorted
