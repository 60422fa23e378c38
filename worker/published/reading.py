"""Pools that others published: margins or logits in numpy, safetensors or torch files, never by unpickling.

A place is FILE, FILE:KEY where the file holds several arrays, or a folder with one file a model. Where and how to look
is the caller's word (InvalidInput); what the numbers are is the file's (InvalidPool).
"""

import importlib
import json
import re
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from core.domain.errors import InvalidInput
from evaluator import InvalidPool, compute_confidence

BFLOAT16 = "BF16"
SUFFIXES = (".npy", ".npz", ".safetensors", ".pt", ".pth")
LABELS, ORIGINALS = "labels", "originals"  # what may lie beside a pool in its file
SHOWN_KEYS = 12
PROBABILITY_SLACK = 1e-2  # of a sum over classes, in half precision


class Originals(StrEnum):
    """What the unlearned models started from; scores of the two do not compare."""

    ONE = "one"
    MANY = "many"


@dataclass(frozen=True, slots=True)
class PublishedPool:
    confidences: NDArray[Any]  # (R, N), margins in the dtype they came in
    place: str
    made_from: str  # margins or logits
    originals: Originals | None
    logits: NDArray[Any] | None = None  # (R, N, K), where it was made from them
    labels: NDArray[Any] | None = None  # (N,), as far as its file or the caller told them


@dataclass(frozen=True, slots=True)
class _Content:
    """One file: the pool's array, and what lay beside it."""

    array: NDArray[Any]
    labels: NDArray[Any] | None
    originals: Originals | None


def read_pool(place: str, *, labels: NDArray[Any] | None = None) -> PublishedPool:
    """The (R, N) confidences at a place; logits (R, N, K) need labels, given or in the same file.

    Raises InvalidInput if there is no such file or key, InvalidPool if its content is no pool.
    """
    path, key = _split(place)
    content = _read_folder(path, key) if path.is_dir() else _read_file(path, key)
    array = content.array
    if array.ndim == 3:
        known = content.labels if labels is None else labels
        if known is None:
            raise InvalidPool(
                f"{place}: {_describe_array(array)} looks like logits of (models, examples, classes): give labels"
            )
        _check_logits(place, array)
        confidences: NDArray[Any] = compute_confidence(array, known)
        return PublishedPool(
            confidences, place, "logits", content.originals, array, _settle_labels(place, content, known)
        )
    if array.ndim != 2 or array.dtype.kind not in "fiu":
        raise InvalidPool(
            f"{place}: {_describe_array(array)}; a pool is (models, examples), logits (models, examples, classes)"
        )
    return PublishedPool(array, place, "margins", content.originals, labels=content.labels)


def _check_logits(place: str, array: NDArray[Any]) -> None:
    """Probabilities given as logits give other confidences, and no error."""
    if array.dtype.kind != "f" or not array.size or array.min() < 0 or array.max() > 1:
        return
    if np.abs(array.astype(np.float64).sum(axis=2) - 1).max() < PROBABILITY_SLACK:
        raise InvalidPool(
            f"{place} holds probabilities (every row is in [0, 1] and sums to 1), not logits: save their logarithms,"
            " np.log(probabilities)"
        )


def _settle_labels(place: str, content: _Content, known: NDArray[Any]) -> NDArray[Any]:
    if content.labels is not None and not np.array_equal(content.labels, known):
        raise InvalidPool(f"the labels in {place} are not those that are given")
    return known


def check_labels(*pools: PublishedPool) -> None:
    """Raise InvalidPool if two pools are of other examples, as far as their labels tell."""
    told = [pool for pool in pools if pool.labels is not None]
    for pool in told[1:]:
        if not np.array_equal(pool.labels, told[0].labels):  # type: ignore[arg-type]
            raise InvalidPool(
                f"{told[0].place} and {pool.place} have different {LABELS}: they are not of the same examples in the"
                " same order"
            )


def read_labels(place: str) -> NDArray[Any]:
    """The (N,) labels at a place; a file with several arrays may call them `labels`. Raises as read_pool does."""
    path, key = _split(place)
    arrays, _ = _open(path)
    chosen = key or (LABELS if LABELS in arrays else _choose(path, arrays, None))
    return _take(path, arrays, _choose(path, arrays, chosen))


def settle_originals(stated: Originals | None, *pools: PublishedPool) -> Originals | None:
    """What all say that say anything; raises InvalidPool if two disagree."""
    said = {"the option --originals": stated, **{pool.place: pool.originals for pool in pools}}
    declared = {place: value for place, value in said.items() if value is not None}
    if len(set(declared.values())) > 1:
        told = ", ".join(f"{place} says {value}" for place, value in declared.items())
        raise InvalidPool(f"pools of one and of many originals do not compare: {told}")
    return next(iter(declared.values()), None)


def _split(place: str) -> tuple[Path, str | None]:
    if Path(place).exists():
        return Path(place), None
    file, colon, key = place.rpartition(":")
    if colon and key and Path(file).exists():
        return Path(file), key
    raise InvalidInput(f"no such file: {place}")


def _read_folder(folder: Path, key: str | None) -> _Content:
    """One file a model, in the order of their names, numbers in them by value."""
    paths = sorted((path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES), key=_natural)
    if not paths:
        raise InvalidInput(f"{folder}: no file in it ends with {', '.join(SUFFIXES)}")
    contents = [_read_file(path, key) for path in paths]
    first = contents[0]
    for path, content in zip(paths, contents, strict=True):
        if content.array.shape != first.array.shape:
            raise InvalidPool(
                f"{path}: {_describe_array(content.array)}, but {paths[0].name} has {_describe_array(first.array)}"
            )
        if content.originals != first.originals:
            raise InvalidPool(f"{path} and {paths[0].name} disagree on {ORIGINALS}")
        same = content.labels is first.labels or np.array_equal(content.labels, first.labels)  # type: ignore[arg-type]
        if not same:
            raise InvalidPool(f"{path} and {paths[0].name} disagree on {LABELS}")
    return _Content(np.stack([content.array for content in contents]), first.labels, first.originals)


def _natural(path: Path) -> list[tuple[bool, int, str]]:
    return [
        (part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", path.name.lower())
    ]


def _read_file(path: Path, key: str | None) -> _Content:
    arrays, metadata = _open(path)
    array = _take(path, arrays, _choose(path, arrays, key))
    labels = _take(path, arrays, LABELS) if LABELS in arrays and key != LABELS else None
    said = metadata.get(ORIGINALS, _take(path, arrays, ORIGINALS) if ORIGINALS in arrays else None)
    return _Content(array, labels, None if said is None else _read_originals(path, said))


def _open(path: Path) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The arrays of a file by name ("" if it has no names) and what is written beside them."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None or path.is_dir():
        raise InvalidInput(f"{path}: a file that ends with {', '.join(SUFFIXES)} is needed")
    arrays: tuple[Mapping[str, Any], Mapping[str, Any]] = reader(path)
    return arrays


def _choose(path: Path, arrays: Mapping[str, Any], key: str | None) -> str:
    names = [name for name in arrays if name not in (LABELS, ORIGINALS)]
    if (key or "") in arrays:
        return key or ""
    if key is None and len(names) == 1:
        return names[0]
    known = ", ".join(names[:SHOWN_KEYS]) + (", …" if len(names) > SHOWN_KEYS else "")
    if not names or names == [""]:
        raise InvalidInput(f"{path} holds {'one array without a name' if names else 'no array'}, no {key or 'pool'!r}")
    asked = f"no array {key!r}" if key is not None else "several arrays"
    raise InvalidInput(f"{path} holds {asked}: choose one by {path}:KEY, KEY being one of {known}")


def _take(path: Path, arrays: Mapping[str, Any], name: str) -> NDArray[Any]:
    try:
        return np.asarray(arrays[name])
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, SafetensorError, TypeError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> InvalidPool:
    if "pickle" in str(error).lower():
        return InvalidPool(f"{path} holds pickled objects, which can run code when read: save plain numbers instead")
    return InvalidPool(f"{path} cannot be read as {path.suffix}: {error or type(error).__name__}")


def _read_originals(path: Path, said: Any) -> Originals:
    """`one`, `many`, or how many there were."""
    text = str(said).strip().lower()
    if text.isdigit() and int(text) > 0:
        return Originals.ONE if int(text) == 1 else Originals.MANY
    if text not in set(Originals):
        raise InvalidPool(f"{path}: {ORIGINALS} must be one, many or a number, got {text[:40]!r}")
    return Originals(text)


def _describe_array(array: NDArray[Any]) -> str:
    return f"{array.dtype} of shape {array.shape}"


def _load_numpy(path: Path) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    with path.open("rb") as file:  # ours to close: numpy leaves it open when a zip is damaged
        try:
            loaded = np.load(file, allow_pickle=False)
        except (ValueError, EOFError, zipfile.BadZipFile) as error:
            raise _unreadable(path, error) from error
        if isinstance(loaded, np.ndarray):
            return {"": loaded}, {}
        with loaded:
            return {name: _take(path, loaded, name) for name in loaded.files}, {}


def _load_safetensors(path: Path) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    try:
        with safe_open(path, framework="numpy") as opened:
            names = list(opened.keys())
            wide = {name: opened.get_slice(name).get_dtype() == BFLOAT16 for name in names}
            found = {name: opened.get_tensor(name) for name in names if not wide[name]}
            metadata = opened.metadata() or {}
        return {name: _widen(path, name) if wide[name] else found[name] for name in names}, metadata
    except (SafetensorError, TypeError, ValueError, AttributeError) as error:
        raise _unreadable(path, error) from error


def _widen(path: Path, name: str) -> NDArray[np.float32]:
    """bfloat16 is the upper half of float32; numpy has no name for it."""
    with path.open("rb") as stream:
        (length,) = struct.unpack("<Q", stream.read(8))
        place = json.loads(stream.read(length))[name]
        begin, end = place["data_offsets"]
        stream.seek(8 + length + begin)
        upper = np.frombuffer(stream.read(end - begin), "<u2")
    return (upper.astype(np.uint32) << 16).view(np.float32).reshape(place["shape"])


def _load_torch(path: Path) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    try:
        reader = importlib.import_module("worker.published.torch_files")
    except ModuleNotFoundError as error:
        raise InvalidInput(f"{path}: torch is needed to read this file and is not installed: {error}") from error
    loaded: tuple[Mapping[str, Any], Mapping[str, Any]] = reader.load_tensors(path)
    return loaded


_READERS = {
    ".npy": _load_numpy,
    ".npz": _load_numpy,
    ".safetensors": _load_safetensors,
    ".pt": _load_torch,
    ".pth": _load_torch,
}
