"""What a data package hands over, before anything is split."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Examples = npt.NDArray[np.float32] | npt.NDArray[np.int64]
Targets = npt.NDArray[np.int64] | npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class RawData:
    """x: (N, …), y: (N,), as the problem's kind says; an empty test part means that the data set has no fixed one."""

    train_x: Examples
    train_y: Targets
    test_x: Examples
    test_y: Targets
    class_names: tuple[str, ...] = ()  # none where a number is learnt
    input_names: tuple[str, ...] = ()  # of the columns of a row, or the words that tokens count
    groups: Mapping[str, npt.NDArray[np.int64]] = field(default_factory=dict)  # of training examples: who, what, where

    def __post_init__(self) -> None:
        for x, y in ((self.train_x, self.train_y), (self.test_x, self.test_y)):
            _check_part(x, y)
        if self.train_x.shape[1:] != self.test_x.shape[1:] or self.train_x.dtype != self.test_x.dtype:
            raise ValueError("training and test examples differ in shape or type")
        for name, values in self.groups.items():
            if values.dtype != np.int64 or values.shape != self.train_y.shape:
                raise ValueError(f"the column {name!r} must have one whole number for each training example")


def _check_part(x: npt.NDArray[Any], y: npt.NDArray[Any]) -> None:
    if y.ndim != 1 or len(x) != len(y):
        raise ValueError("there must be one label for each example")
