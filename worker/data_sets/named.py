"""Data sets that the server has as files: nothing is uploaded, and what is kept is the same as for an upload."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.domain.data_sets import NAMED_SETS
from core.domain.errors import InvalidInput
from sandbox.problems.digits import data as digits
from sandbox.problems.errors import DataDamaged, DataMissing
from sandbox.problems.fashion_mnist import data as fashion_mnist
from sandbox.problems.raw import RawData
from sandbox.problems.torchvision_sets import data as torchvision_sets
from worker.data_sets.arrays import Tensors, make_tensors


def read_named(name: str, folder: Path | None) -> Tensors:
    if name not in NAMED_SETS:
        raise InvalidInput(f"there is no data set named {name!r} here; there are: {', '.join(NAMED_SETS)}")
    try:
        raw = _load(name, folder)
    except (DataMissing, DataDamaged) as error:
        raise InvalidInput(str(error)) from None
    test = (_put_channels_last(raw.test_x), raw.test_y) if len(raw.test_y) else None
    return make_tensors((_put_channels_last(raw.train_x), raw.train_y), test, raw.class_names)


def _load(name: str, folder: Path | None) -> RawData:
    if name == "digits":
        return digits.load()
    if name == "fashion-mnist":
        return fashion_mnist.load(folder)
    return torchvision_sets.load(folder, name=name, scale="bytes")


def _put_channels_last(x: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """As an upload has them; whole values of bytes become bytes again."""
    if x.ndim == 2:  # flat: the digits are 8×8
        side = round(x.shape[1] ** 0.5)
        x = x.reshape(len(x), side, side, 1)
    else:
        x = x.transpose(0, 2, 3, 1)
    as_bytes = x.astype(np.uint8) if x.min(initial=0) >= 0 and x.max(initial=0) <= 255 else x
    return as_bytes if np.array_equal(as_bytes, x) else x
