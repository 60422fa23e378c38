"""Array aliases and the checks every public function starts with."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaluator.errors import InvalidPool

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Pool = ArrayLike

MIN_REPLICAS = 2


def check_pool(pool: Pool, name: str) -> Floats:
    """Return the (R, N) pool as float64, or raise InvalidPool saying what is wrong with `name`."""
    array = _as_floats(pool, name)
    if array.ndim != 2:
        raise InvalidPool(f"the {name} pool must be (replicas, examples), got shape {array.shape}")
    if array.shape[0] < MIN_REPLICAS:
        raise InvalidPool(f"the {name} pool has {array.shape[0]} replicas, at least {MIN_REPLICAS} are needed")
    if array.shape[1] == 0:
        raise InvalidPool(f"the {name} pool has no examples")
    _check_finite(array, f"the {name} pool")
    return array


def check_pools(unlearned: Pool, retrained: Pool) -> tuple[Floats, Floats]:
    """Return both pools, (R, N) and (R', N), as float64; raises InvalidPool as check_pool does."""
    left, right = check_pool(unlearned, "unlearned"), check_pool(retrained, "retrained")
    if left.shape[1] != right.shape[1]:
        raise InvalidPool(f"the pools disagree on examples: {left.shape[1]} unlearned, {right.shape[1]} retrained")
    return left, right


def sort_by_example(pool: Floats) -> Floats:
    """The (R, N) pool as (N, R) rows in ascending order; a copy."""
    rows = np.array(pool.T, order="C")
    rows.sort(axis=1)
    return rows


def check_vector(values: ArrayLike, name: str, *, length: int | None = None) -> Floats:
    """Return a non-empty finite vector as float64, or raise InvalidPool."""
    array = _as_floats(values, name)
    if array.ndim != 1 or array.size == 0:
        raise InvalidPool(f"{name} must be a vector with at least one value, got shape {array.shape}")
    if length is not None and array.size != length:
        raise InvalidPool(f"{name} has {array.size} values, expected {length}")
    _check_finite(array, name)
    return array


def _as_floats(values: ArrayLike, name: str) -> Floats:
    try:
        array: NDArray[Any] = np.asarray(values)
    except ValueError as error:
        raise InvalidPool(f"{name} is not a rectangular array") from error
    if array.dtype.kind not in "fiu":
        raise InvalidPool(f"{name} must hold real numbers, got {array.dtype}")
    return array.astype(np.float64)


def _check_finite(array: Floats, name: str) -> None:
    if not np.isfinite(array).all():
        where = tuple(int(index) for index in np.argwhere(~np.isfinite(array))[0])
        raise InvalidPool(f"{name} is not finite at {where}: {array[where]}")
