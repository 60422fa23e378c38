"""A zip of PNG and JPEG files, a folder for each class; sizes are known before a pixel is decoded."""

import io
import math
import struct
from collections.abc import Iterable
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from core.domain.data_sets import MOST_CLASSES, MOST_PIXELS, MOST_UNPACKED_BYTES
from core.domain.errors import InvalidInput
from worker.data_sets.arrays import Tensors, make_tensors
from worker.data_sets.unpack import Archive, open_archive, show

FORMATS = ("PNG", "JPEG")  # few decoders, so that little hostile input is decoded
MODES = ("L", "RGB")
PARTS = ("train", "test")
# what Pillow raises for a damaged picture, or for orientations that are nonsense
DAMAGES = (OSError, SyntaxError, ValueError, EOFError, TypeError, KeyError, struct.error, Image.DecompressionBombError)
Part = tuple[npt.NDArray[Any], npt.NDArray[np.int64]]


def read_pictures(content: bytes) -> Tensors:
    with open_archive(content) as archive:
        placed = {name: _place(name) for name in _drop_common_folder(archive.names)}
        has_parts = {part for part, _ in placed.values()} & set(PARTS)
        if not placed or (has_parts and any(part not in PARTS for part, _ in placed.values())):
            raise InvalidInput("lay the images out as CLASS/FILE, or as train/CLASS/FILE and test/CLASS/FILE")
        classes = sort_classes({folder for _, folder in placed.values()})
        if len(classes) > MOST_CLASSES:
            raise InvalidInput(f"there are {len(classes)} folders; at most {MOST_CLASSES} classes are allowed")
        prefix = _find_prefix(archive.names)
        train = [(prefix + name, folder) for name, (part, folder) in placed.items() if part != "test"]
        test = [(prefix + name, folder) for name, (part, folder) in placed.items() if part == "test"]
        shape = _Shape(len(placed))
        parts = [_read_part(archive, files, classes, shape) if files else None for files in (train, test)]
    if parts[0] is None:
        raise InvalidInput("there are no training images")
    return replace(make_tensors(parts[0], parts[1], classes), left_out=archive.left_out)


def sort_classes(names: Iterable[str]) -> tuple[str, ...]:
    """By name; where all names are whole numbers, by value: 2 comes before 10."""
    listed = sorted(set(names))
    are_numbers = all(name.isascii() and name.isdecimal() for name in listed)
    return tuple(sorted(listed, key=lambda name: (int(name), name)) if are_numbers else listed)


class _Shape:
    """What every image must share with the first one."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._known: tuple[tuple[int, int], str] | None = None

    def check_undecoded(self, image: Image.Image, name: str) -> None:
        if image.mode not in MODES:
            raise InvalidInput(f"{show(name)} has the mode {image.mode}; save it as grey (L) or colour (RGB)")
        if max(image.size) > MOST_PIXELS:
            raise InvalidInput(f"{show(name)} is {image.size[0]}×{image.size[1]}; a side has at most {MOST_PIXELS}")

    def check(self, image: Image.Image, name: str, *, is_turned: bool) -> None:
        if self._known is None:
            self._known = (image.size, image.mode)
            if self._count * math.prod(image.size) * len(image.mode) * 4 > MOST_UNPACKED_BYTES:
                raise InvalidInput(f"the images take more than {MOST_UNPACKED_BYTES:,} bytes as float32")
        if self._known != (image.size, image.mode):
            (width, height), mode = self._known
            turned = ", once it is turned as its EXIF orientation says" if is_turned else ""
            raise InvalidInput(f"{show(name)} is not {width}×{height} {mode} as the first image is{turned}")


def _find_prefix(names: list[str]) -> str:
    """The one folder that all files lie in because the folder was zipped and not its contents."""
    tops = {PurePosixPath(name).parts[0] for name in names}
    deep = all(len(PurePosixPath(name).parts) >= 3 for name in names)
    top = next(iter(tops)) if len(tops) == 1 and deep else ""
    return f"{top}/" if top and top not in PARTS else ""


def _drop_common_folder(names: list[str]) -> list[str]:
    prefix = _find_prefix(names)
    return [name.removeprefix(prefix) for name in names]


def _place(name: str) -> tuple[str, str]:
    """Part (or nothing) and class of a file."""
    parts = PurePosixPath(name).parts
    if len(parts) == 2:
        return "", parts[0]
    if len(parts) == 3 and parts[0] in PARTS:
        return parts[0], parts[1]
    raise InvalidInput(f"{show(name)} is in no class folder: lay images out as CLASS/FILE or train/CLASS/FILE")


def _read_part(archive: Archive, files: list[tuple[str, str]], classes: tuple[str, ...], shape: _Shape) -> Part:
    images = [_decode(archive.read(name), name, shape) for name, _ in files]
    return np.stack(images), np.array([classes.index(folder) for _, folder in files], np.int64)


def _decode(content: bytes, name: str, shape: _Shape) -> npt.NDArray[np.uint8]:
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            shape.check_undecoded(image, name)
            image.load()
            turned = ImageOps.exif_transpose(image)  # as every viewer shows it
            shape.check(turned, name, is_turned=turned.size != image.size)
            return np.asarray(turned, np.uint8)
    except UnidentifiedImageError:
        raise InvalidInput(f"{show(name)} is neither a PNG nor a JPEG image") from None
    except DAMAGES as error:
        raise InvalidInput(f"{show(name)} cannot be decoded: {show(str(error))}") from None
