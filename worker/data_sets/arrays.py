"""A data set as it is kept: images channels first, labels, names of the classes; and what makes one unusable."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load, save

from core.domain.data_sets import MOST_CLASSES, MOST_EXAMPLES, MOST_PIXELS, MOST_UNPACKED_BYTES
from core.domain.errors import InvalidInput
from sandbox.problems.raw import RawData

Images = npt.NDArray[Any]  # (N, C, H, W), uint8 or float32
Labels = npt.NDArray[np.int64]  # (N,)
SCALES = ("standard", "bytes")
FEWEST_EXAMPLES = 8
NAME_CHARS = 60
GROUP = "group_"  # begins the name of a column beside the images
COLUMN = re.compile(r"[a-z][a-z0-9_]{0,30}")


@dataclass(frozen=True, slots=True)
class Tensors:
    """An empty test part means that there is no fixed one."""

    train_x: Images
    train_y: Labels
    test_x: Images
    test_y: Labels
    class_names: tuple[str, ...]
    groups: Mapping[str, Labels] = field(default_factory=dict)  # columns beside the training images: who, when, where
    left_out: tuple[str, ...] = ()  # files of the upload that are no part of it; never packed


def make_tensors(
    train: tuple[Images, npt.NDArray[Any]],
    test: tuple[Images, npt.NDArray[Any]] | None,
    class_names: tuple[str, ...] | None,
    groups: Mapping[str, npt.NDArray[Any]] | None = None,
) -> Tensors:
    """Check everything that training relies on; raises InvalidInput with the first thing that is wrong."""
    train_x, train_y = _check_part("train", *train)
    test_x, test_y = _check_part("test", *test) if test else (train_x[:0], train_y[:0])
    if train_x.shape[1:] != test_x.shape[1:] or train_x.dtype != test_x.dtype:
        raise InvalidInput(
            f"train images are {_name_shape(train_x)} and test images {_name_shape(test_x)}: they must be alike"
        )
    if len(train_x) < FEWEST_EXAMPLES:
        raise InvalidInput(f"{len(train_x)} training examples are too few; at least {FEWEST_EXAMPLES} are needed")
    columns = {name: _check_group(name, values, len(train_y)) for name, values in sorted((groups or {}).items())}
    return Tensors(train_x, train_y, test_x, test_y, _check_classes(train_y, test_y, class_names), columns)


def pack_tensors(tensors: Tensors) -> bytes:
    """Equal tensors give equal bytes: their digest is the version's identity."""
    names = np.frombuffer(json.dumps(tensors.class_names).encode(), np.uint8)
    parts = {name: getattr(tensors, name) for name in ("train_x", "train_y", "test_x", "test_y")}
    parts |= {GROUP + name: values for name, values in tensors.groups.items()}
    return bytes(save({**{name: np.ascontiguousarray(part) for name, part in parts.items()}, "class_names": names}))


def unpack_tensors(packed: bytes) -> Tensors:
    parts = load(packed)
    names = tuple(json.loads(parts.pop("class_names").tobytes()))
    groups = {name.removeprefix(GROUP): values for name, values in sorted(parts.items()) if name.startswith(GROUP)}
    return Tensors(parts["train_x"], parts["train_y"], parts["test_x"], parts["test_y"], names, groups)


def scale_tensors(tensors: Tensors, scale: str = "standard") -> RawData:
    """`scale` is "standard" (per channel, from the training part) or "bytes" (the values as they were uploaded)."""
    if scale not in SCALES:
        raise ValueError(f'scale must be "standard" or "bytes", not {scale!r}')
    train_x, test_x = (part.astype(np.float32) for part in (tensors.train_x, tensors.test_x))
    if scale == "standard":
        mean = train_x.mean(axis=(0, 2, 3), keepdims=True, dtype=np.float64).astype(np.float32)
        spread = train_x.std(axis=(0, 2, 3), keepdims=True, dtype=np.float64).astype(np.float32)
        spread = np.where(spread > 0, spread, np.float32(1))
        train_x, test_x = (train_x - mean) / spread, (test_x - mean) / spread
    return RawData(
        train_x=train_x,
        train_y=tensors.train_y,
        test_x=test_x,
        test_y=tensors.test_y,
        class_names=tensors.class_names,
        groups=tensors.groups,
    )


def summarise(tensors: Tensors) -> dict[str, Any]:
    classes = len(tensors.class_names)
    counts = [np.bincount(part, minlength=classes).tolist() for part in (tensors.train_y, tensors.test_y)]
    return {
        "train": len(tensors.train_y),
        "test": len(tensors.test_y),
        "shape": list(tensors.train_x.shape[1:]),
        "dtype": tensors.train_x.dtype.name,
        "classes": [
            {"name": name, "train": train, "test": test}
            for name, train, test in zip(tensors.class_names, *counts, strict=True)
        ],
        "left_out": list(tensors.left_out),
    }


def _check_part(part: str, x: Images, y: npt.NDArray[Any]) -> tuple[Images, Labels]:
    if x.dtype.kind == "f":
        if not np.isfinite(x).all():
            raise InvalidInput(f"the {part} images hold values that are not finite (NaN or infinity)")
        if np.abs(x).max(initial=0) > np.finfo(np.float32).max:
            raise InvalidInput(f"the {part} images hold values that are too large for float32")
        x = x.astype(np.float32)
    elif x.dtype != np.uint8:
        raise InvalidInput(f"the {part} images have the type {x.dtype}; use uint8 (0 … 255), float32 or float64")
    x = _put_channels_first(part, x)
    if y.ndim != 1 or y.dtype.kind not in "iu":
        raise InvalidInput(f"the {part} labels must be one whole number for each image, not {y.dtype} of {y.shape}")
    if len(x) != len(y):
        raise InvalidInput(f"the {part} part has {len(x)} images and {len(y)} labels")
    if len(y) and (int(y.min()) < 0 or int(y.max()) >= MOST_CLASSES):
        raise InvalidInput(f"the {part} labels must lie between 0 and {MOST_CLASSES - 1}")
    return x, y.astype(np.int64)


def _check_group(name: str, values: npt.NDArray[Any], examples: int) -> Labels:
    if not COLUMN.fullmatch(name):
        raise InvalidInput(f"the array {(GROUP + name)[:80]!r} must be called group_ and a name of a-z, 0-9 and _")
    if values.dtype.kind not in "iu" or values.shape != (examples,):
        raise InvalidInput(
            f"{GROUP}{name} must be one whole number for each training image, not {values.dtype} of {values.shape}"
        )
    if len(values) and not -(2**31) <= int(values.min()) <= int(values.max()) < 2**31:
        raise InvalidInput(f"{GROUP}{name} holds numbers of more than 32 bits")
    return values.astype(np.int64)


def _put_channels_first(part: str, x: Images) -> Images:
    """(N, H, W) and (N, H, W, C) become (N, C, H, W)."""
    if x.ndim not in (3, 4):
        raise InvalidInput(f"the {part} images have the shape {x.shape}; it must be (N, H, W) or (N, H, W, C)")
    x = x[:, None] if x.ndim == 3 else x.transpose(0, 3, 1, 2)
    if x.shape[1] not in (1, 3):
        raise InvalidInput(f"the {part} images have {x.shape[1]} channels; 1 and 3 are allowed, as the last axis")
    if not (0 < x.shape[2] <= MOST_PIXELS and 0 < x.shape[3] <= MOST_PIXELS):
        raise InvalidInput(f"the {part} images are {x.shape[2]}×{x.shape[3]}; a side has 1 to {MOST_PIXELS} pixels")
    if len(x) > MOST_EXAMPLES:
        raise InvalidInput(f"the {part} part has {len(x):,} images; at most {MOST_EXAMPLES:,} are allowed")
    if 4 * math.prod(x.shape) > MOST_UNPACKED_BYTES:
        raise InvalidInput(f"the {part} images take more than {MOST_UNPACKED_BYTES:,} bytes as float32")
    return np.ascontiguousarray(x)


def _check_classes(train_y: Labels, test_y: Labels, names: tuple[str, ...] | None) -> tuple[str, ...]:
    highest = int(max(train_y.max(), test_y.max(initial=0)))
    counted = np.bincount(train_y, minlength=highest + 1)
    if names is None:
        names = tuple(str(label) for label in range(len(counted)))
    if len(names) <= highest:
        raise InvalidInput(f"there are {len(names)} class names, and a label {highest}")
    if len(names) < 2:
        raise InvalidInput("there is one class only; at least two are needed")
    if len(set(names)) < len(names) or not all(name.isprintable() and 0 < len(name) <= NAME_CHARS for name in names):
        raise InvalidInput(f"class names must differ, be printable, and have 1 to {NAME_CHARS} characters")
    empty = [name for label, name in enumerate(names) if label >= len(counted) or not counted[label]]
    if empty:
        raise InvalidInput(f"no training image has the label {', '.join(map(repr, empty[:3]))}: labels count from 0")
    return names


def _name_shape(x: Images) -> str:
    return f"{x.dtype} of {'×'.join(map(str, x.shape[1:]))}"
