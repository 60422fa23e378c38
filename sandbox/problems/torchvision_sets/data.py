"""CIFAR-10, CIFAR-100 and SVHN through torchvision, from files that the user has; nothing is downloaded."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sandbox.problems.errors import DataDamaged, DataMissing
from sandbox.problems.raw import RawData
from sandbox.torchvision_compat import load_torchvision

SETS = {"cifar10": "CIFAR10", "cifar100": "CIFAR100", "svhn": "SVHN"}


def load(folder: Path | None = None, name: str = "cifar10", scale: str = "standard") -> RawData:
    """Return images of 3×32×32; `scale` is "standard" (per channel, from the training part) or "bytes" (0 … 255)."""
    if name not in SETS:
        raise ValueError(f"name must be one of {', '.join(SETS)}, not {name!r}")
    if scale not in ("standard", "bytes"):
        raise ValueError(f'scale must be "standard" or "bytes", not {scale!r}')
    kind = getattr(load_torchvision("torchvision.datasets"), SETS[name])
    _check_files(kind, name, folder)
    train, test = _open_parts(kind, name, str(folder))
    train_x, test_x = _images(train.data), _images(test.data)
    if scale == "standard":
        train_x, test_x = _standardise(train_x, test_x)
    names = tuple(train.classes) if hasattr(train, "classes") else tuple(str(digit) for digit in range(10))
    return RawData(train_x=train_x, train_y=_labels(train), test_x=test_x, test_y=_labels(test), class_names=names)


def _check_files(kind: Any, name: str, folder: Path | None) -> None:
    files = _expected_files(kind, name)
    if folder is None:
        raise DataMissing(files[0][0], _hint(name, "a folder named in the settings or in the problem file"))
    check_integrity = load_torchvision("torchvision.datasets.utils").check_integrity
    for file, md5 in files:
        path = folder / file
        if not path.is_file():
            raise DataMissing(str(path), _hint(name, str(folder)))
        if not check_integrity(str(path), md5):
            raise DataDamaged(str(path), "its MD5 is not that of the published file")


def _hint(name: str, place: str) -> str:
    return f"unpack the published {SETS[name]} files, with the names that torchvision uses, into {place}"


def _expected_files(kind: Any, name: str) -> list[tuple[str, str]]:
    if name == "svhn":
        return [(kind.split_list[split][1], kind.split_list[split][2]) for split in ("train", "test")]
    listed = [*kind.train_list, *kind.test_list, (kind.meta["filename"], kind.meta["md5"])]
    return [(f"{kind.base_folder}/{file}", md5) for file, md5 in listed]


def _open_parts(kind: Any, name: str, root: str) -> tuple[Any, Any]:
    if name == "svhn":
        return kind(root, split="train"), kind(root, split="test")
    return kind(root, train=True), kind(root, train=False)


def _images(data: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    channels_first = data if data.shape[1] == 3 else data.transpose(0, 3, 1, 2)  # SVHN has them first already
    return np.ascontiguousarray(channels_first, dtype=np.float32)


def _labels(part: Any) -> npt.NDArray[np.int64]:
    return np.asarray(part.labels if hasattr(part, "labels") else part.targets, dtype=np.int64)


def _standardise(
    train: npt.NDArray[np.float32], test: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    mean = train.mean(axis=(0, 2, 3), keepdims=True, dtype=np.float64).astype(np.float32)
    spread = train.std(axis=(0, 2, 3), keepdims=True, dtype=np.float64).astype(np.float32)
    return (train - mean) / spread, (test - mean) / spread
