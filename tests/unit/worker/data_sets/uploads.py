"""Uploads, honest and hostile."""

import io
import struct
import zipfile
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

LABELS = np.arange(24) % 3


def make_images(*shape: int, seed: int = 0) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(256, size=shape or (24, 6, 6), dtype=np.uint8)


def make_npz(**arrays: Any) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **({"images": make_images(), "labels": LABELS} | arrays))
    return stream.getvalue()


def make_zip(files: dict[str, bytes], *, mode: int = 0, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr, info.compress_type = mode << 16, method
            archive.writestr(info, content)
    return stream.getvalue()


def make_npy(array: npt.NDArray[Any]) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, allow_pickle=True)
    return stream.getvalue()


def make_idx(values: npt.NDArray[np.uint8]) -> bytes:
    return bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()


def make_picture(array: npt.NDArray[np.uint8], kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, kind)
    return stream.getvalue()


def make_picture_files(prefix: str = "", each: int = 6, **kinds: Any) -> dict[str, bytes]:
    pictures = make_images(2 * each, 5, 5)
    return {
        f"{prefix}{name}/{place}.png": make_picture(pictures[row * each + place])
        for row, name in enumerate(("cat", "dog"))
        for place in range(each)
    }
