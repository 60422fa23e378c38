"""Arrays of an .npz: their headers are read first, so that neither a pickle nor a lie about a size gets anywhere."""

import io
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from core.domain.errors import InvalidInput
from worker.data_sets.arrays import GROUP, Tensors, make_tensors
from worker.data_sets.unpack import Archive, open_archive, show

KNOWN = ("images", "labels", "test_images", "test_labels", "class_names")
HEADER_LIMIT = 10_000
MOST_GROUPS = 16
KINDS = {"images": "uf", "test_images": "uf", "labels": "iu", "test_labels": "iu", "class_names": "U"}


def read_npz(content: bytes) -> Tensors:
    with open_archive(content) as archive:
        arrays = {name.removesuffix(".npy"): _read_member(archive, name) for name in _check_names(archive.names)}
    for name in ("images", "labels"):
        if name not in arrays:
            raise InvalidInput(f"the file has no array {name!r}; save it with np.savez(path, images=…, labels=…)")
    if ("test_images" in arrays) != ("test_labels" in arrays):
        raise InvalidInput("test_images and test_labels come together or not at all")
    test = (arrays["test_images"], arrays["test_labels"]) if "test_images" in arrays else None
    groups = {name.removeprefix(GROUP): values for name, values in arrays.items() if name.startswith(GROUP)}
    return make_tensors((arrays["images"], arrays["labels"]), test, _read_names(arrays.get("class_names")), groups)


def _check_names(names: list[str]) -> list[str]:
    for name in names:
        is_known = name.removesuffix(".npy") in KNOWN or name.startswith(GROUP)
        if not is_known or not name.endswith(".npy"):
            raise InvalidInput(f"the file holds {show(name)}; the arrays are called {', '.join(KNOWN)} or {GROUP}…")
    if sum(name.startswith(GROUP) for name in names) > MOST_GROUPS:
        raise InvalidInput(f"the file has more than {MOST_GROUPS} columns beside its images")
    return names


def _read_member(archive: Archive, name: str) -> npt.NDArray[Any]:
    content = archive.read(name)
    stream = io.BytesIO(content)
    shape, is_fortran, dtype = _read_header(stream, name)
    kind = "iu" if name.startswith(GROUP) else KINDS[name.removesuffix(".npy")]
    if dtype.hasobject:
        raise InvalidInput(f"{name} holds Python objects, which only a pickle could bring; save plain numbers")
    if dtype.kind not in kind:
        raise InvalidInput(f"{name} holds values of the type {show(str(dtype))}: {_cure(name.removesuffix('.npy'))}")
    size = math.prod(shape) * dtype.itemsize
    if size != len(content) - stream.tell():
        raise InvalidInput(f"{name} says that it has the shape {show(str(shape))}, but its size is another")
    array = np.frombuffer(content, dtype, offset=stream.tell()).reshape(shape, order="F" if is_fortran else "C")
    return array.astype(dtype.newbyteorder("="), copy=False)


def _cure(name: str) -> str:
    if name == "class_names":
        return "save them as text, with class_names=np.array(names, dtype=str)"
    if "labels" in name or name.startswith(GROUP):
        return f"save whole numbers from 0, with {name}={name}.astype(np.int64)"
    return f"save {name}={name}.astype(np.uint8) if the values are 0 … 255, else {name}={name}.astype(np.float32)"


def _read_header(stream: io.BytesIO, name: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    try:
        version = np.lib.format.read_magic(stream)
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
        shape, is_fortran, dtype = read(stream, max_header_size=HEADER_LIMIT)
    except (ValueError, KeyError, TypeError, SyntaxError, RecursionError, MemoryError) as error:
        raise InvalidInput(f"{name} is not a saved array: {show(str(error))}") from None
    if any(side < 0 for side in shape):
        raise InvalidInput(f"{name} says that it has the shape {show(str(shape))}")
    return shape, is_fortran, dtype


def _read_names(array: npt.NDArray[Any] | None) -> tuple[str, ...] | None:
    if array is None:
        return None
    if array.ndim != 1:
        raise InvalidInput("class_names must be one text for each class")
    return tuple(str(name) for name in array)
