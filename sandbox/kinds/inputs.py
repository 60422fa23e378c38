"""What examples are made of."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from sandbox.kinds.parts import Array, Picture, Shown, Words

SHOWN_COLUMNS = 16
SHOWN_TOKENS = 60
PADDING = 0  # the token that fills up short texts


class Images:
    """(C, H, W), or flat: any number of channels."""

    dtype: np.dtype[Any] = np.dtype(np.float32)
    noun = "image"

    def check(self, x: Array, names: Sequence[str]) -> None:
        del names  # pixels have none
        _check_finite(x, self.dtype)

    def show(self, example: Array, names: Sequence[str]) -> Shown | None:
        """Square flat examples are pictures too; of other numbers of channels than one and three, the first."""
        del names
        pixels = _arrange(np.asarray(example, np.float64))
        return None if pixels is None or not np.isfinite(pixels).all() else Picture(pixels)


class Rows:
    """(D,): numbers in named columns."""

    dtype: np.dtype[Any] = np.dtype(np.float32)
    noun = "row"

    def check(self, x: Array, names: Sequence[str]) -> None:
        _check_finite(x, self.dtype)
        if x.ndim != 2:
            raise ValueError(f"rows must be (examples, columns), not of shape {x.shape}")
        if len(names) not in (0, x.shape[1]):
            raise ValueError(f"there are {len(names)} names for {x.shape[1]} columns")

    def show(self, example: Array, names: Sequence[str]) -> Shown | None:
        named = names or [f"column {place}" for place in range(len(example))]
        parts = [f"{name} {value:.4g}" for name, value in zip(named, example.tolist(), strict=True)]
        more = ", …" if len(parts) > SHOWN_COLUMNS else ""
        return Words(", ".join(parts[:SHOWN_COLUMNS]) + more)


class Tokens:
    """(L,): places in a vocabulary, filled up with PADDING."""

    dtype: np.dtype[Any] = np.dtype(np.int64)
    noun = "text"

    def check(self, x: Array, names: Sequence[str]) -> None:
        if x.dtype != self.dtype or x.ndim != 2:
            raise ValueError(f"texts must be int64 (examples, tokens), not {x.dtype} of shape {x.shape}")
        if x.size and (int(x.min()) < 0 or int(x.max()) >= len(names)):
            raise ValueError(f"a token is outside the vocabulary of {len(names)} words")

    def show(self, example: Array, names: Sequence[str]) -> Shown | None:
        words = [names[token] for token in example.tolist() if token != PADDING]
        return Words(" ".join(words[:SHOWN_TOKENS]) + (" …" if len(words) > SHOWN_TOKENS else ""))


def _check_finite(x: Array, dtype: np.dtype[Any]) -> None:
    if x.dtype != dtype:
        raise ValueError(f"examples must be {dtype}, not {x.dtype}")
    if not np.isfinite(x).all():
        raise ValueError("examples hold values that are not finite")


def _arrange(values: Array) -> Array | None:
    """(1, H, W) or (3, H, W)."""
    if values.ndim == 1:
        side = math.isqrt(values.size)
        return values.reshape(1, side, side) if side > 1 and side * side == values.size else None
    if values.ndim == 3 and values.shape[0] == 3:
        return values
    if values.ndim == 3 and values.shape[0] > 0:
        values = values[0]
    return values[None] if values.ndim == 2 and values.size else None
