"""Fashion-MNIST, or any data set in the same four IDX files, packed with gzip or plain."""

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sandbox.problems.errors import DataDamaged, DataMissing
from sandbox.problems.raw import RawData

DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
CLASS_NAMES = (
    *("T-shirt", "trouser", "pullover", "dress", "coat"),
    *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
)
UNSIGNED_BYTE = 0x08
MEAN, SPREAD = 0.2860, 0.3530  # of the 60,000 training images scaled to [0, 1]


def load(folder: Path | None = None, scale: str = "standard") -> RawData:
    """Return 60,000 + 10,000 images of 1×28×28; `scale` is "standard", or "bytes" to leave 0 … 255."""
    if scale not in ("standard", "bytes"):
        raise ValueError(f'scale must be "standard" or "bytes", not {scale!r}')
    place = folder if folder is not None else DEBIAN_FOLDER
    parts = [_load_part(place, stem, scale) for stem in ("train", "t10k")]
    return RawData(
        train_x=parts[0][0], train_y=parts[0][1], test_x=parts[1][0], test_y=parts[1][1], class_names=CLASS_NAMES
    )


def read_idx(path: Path, *, axes: int) -> npt.NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes with this many axes; the path may also exist with `.gz` added."""
    found = next((each for each in (path.with_name(path.name + ".gz"), path) if each.is_file()), None)
    if found is None:
        hint = "install the Debian package dataset-fashion-mnist, or name a folder that holds the four IDX files"
        raise DataMissing(f"{path}.gz", hint)
    data = _read_bytes(found)
    if len(data) < 4 + 4 * axes or data[:3] != bytes([0, 0, UNSIGNED_BYTE]) or data[3] != axes:
        raise DataDamaged(str(found), f"it does not begin like an IDX file of bytes with {axes} axes")
    shape = struct.unpack(f">{axes}I", data[4 : 4 + 4 * axes])
    values = np.frombuffer(data, np.uint8, offset=4 + 4 * axes)
    expected = int(np.prod(shape, dtype=np.int64))
    if values.size != expected:
        raise DataDamaged(str(found), f"it announces {expected} values and holds {values.size}")
    return values.reshape(shape)


def _load_part(folder: Path, stem: str, scale: str) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    images_file, labels_file = folder / f"{stem}-images-idx3-ubyte", folder / f"{stem}-labels-idx1-ubyte"
    images, labels = read_idx(images_file, axes=3), read_idx(labels_file, axes=1)
    if len(images) != len(labels):
        raise DataDamaged(str(labels_file), f"it holds {len(labels)} labels for {len(images)} images")
    if len(labels) and labels.max() >= len(CLASS_NAMES):
        raise DataDamaged(str(labels_file), f"it holds the label {labels.max()}")
    x = images[:, None].astype(np.float32)
    if scale == "standard":
        x /= 255
        x -= MEAN
        x /= SPREAD
    return x, labels.astype(np.int64)


def _read_bytes(path: Path) -> bytes:
    try:
        return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataDamaged(str(path), str(error)) from None
    except OSError as error:
        raise DataDamaged(str(path), f"it cannot be read: {error.strerror}") from None
