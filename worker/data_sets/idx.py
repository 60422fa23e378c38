"""The format of MNIST: a zip of images-idx3-ubyte and labels-idx1-ubyte, plain or .gz, for train and maybe t10k."""

import gzip
import io
import math
import struct
import zlib
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from core.domain.data_sets import MOST_UNPACKED_BYTES
from core.domain.errors import InvalidInput
from worker.data_sets.arrays import Tensors, make_tensors
from worker.data_sets.unpack import Archive, open_archive, show

UBYTE = 8
MOST_BYTES = MOST_UNPACKED_BYTES // 4  # of one file: there are four at most


def read_idx(content: bytes) -> Tensors:
    with open_archive(content) as archive:
        found = {_name_role(name): _read_array(archive, name) for name in archive.names}
        if len(found) < len(archive.names):
            raise InvalidInput("two files of the archive are the same part: it takes images and labels, once or twice")
    if ("train", "images") not in found or ("train", "labels") not in found:
        raise InvalidInput("the archive needs one file with `images` in its name and one with `labels`")
    if (("test", "images") in found) != (("test", "labels") in found):
        raise InvalidInput("images and labels of the test part come together or not at all")
    test = (found["test", "images"], found["test", "labels"]) if ("test", "images") in found else None
    return make_tensors((found["train", "images"], found["train", "labels"]), test, None)


def _name_role(name: str) -> tuple[str, str]:
    stem = PurePosixPath(name).name.lower()
    kinds = [kind for kind in ("images", "labels") if kind in stem]
    if len(kinds) != 1:
        raise InvalidInput(f"{show(name)}: a file's name must say `images` or `labels`")
    return "test" if "t10k" in stem or "test" in stem else "train", kinds[0]


def _read_array(archive: Archive, name: str) -> npt.NDArray[Any]:
    content = archive.read(name)
    if content[:2] == b"\x1f\x8b":
        content = _unpack(content, name)
    axes = content[3] if len(content) >= 4 else 0
    if content[:3] != bytes([0, 0, UBYTE]) or axes not in (1, 3) or len(content) < 4 + 4 * axes:
        raise InvalidInput(f"{show(name)} is not an IDX file of unsigned bytes with one or three axes")
    shape = struct.unpack(f">{axes}I", content[4 : 4 + 4 * axes])
    start = 4 + 4 * axes
    if math.prod(shape) != len(content) - start:
        raise InvalidInput(f"{show(name)} says that it has the shape {shape}, but its size is another")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _unpack(content: bytes, name: str) -> bytes:
    try:
        with gzip.open(io.BytesIO(content)) as stream:
            unpacked = stream.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidInput(f"{show(name)} is damaged: {show(str(error))}") from None
    if len(unpacked) > MOST_BYTES:
        raise InvalidInput(f"{show(name)} unpacks to more than {MOST_BYTES:,} bytes")
    return unpacked
