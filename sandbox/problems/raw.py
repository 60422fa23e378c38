"""What a data package hands over, before anything is split."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class RawData:
    """x: float32 (N, …), y: int64 (N,); an empty test part means that the data set has no fixed one."""

    train_x: npt.NDArray[np.float32]
    train_y: npt.NDArray[np.int64]
    test_x: npt.NDArray[np.float32]
    test_y: npt.NDArray[np.int64]
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        _check_part(self.train_x, self.train_y, len(self.class_names))
        _check_part(self.test_x, self.test_y, len(self.class_names))
        if self.train_x.shape[1:] != self.test_x.shape[1:]:
            raise ValueError("training and test examples differ in shape")


def _check_part(x: npt.NDArray[Any], y: npt.NDArray[Any], classes: int) -> None:
    if x.dtype != np.float32 or y.dtype != np.int64:
        raise ValueError("examples must be float32 and labels int64")
    if y.ndim != 1 or len(x) != len(y):
        raise ValueError("there must be one label for each example")
    if len(y) and (int(y.min()) < 0 or int(y.max()) >= classes):
        raise ValueError("a label is outside the classes")
