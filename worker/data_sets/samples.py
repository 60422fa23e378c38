"""A few images of a data set as PNG, so that an admin sees what was read."""

import io
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from core.storage import BlobStore
from worker.data_sets.arrays import Tensors

SAMPLES = 12


def store_samples(tensors: Tensors, store: BlobStore) -> list[dict[str, Any]]:
    """Keep the first training images of every class in turn; return where, and what they are labelled."""
    return [
        {"digest": store.put(draw(tensors.train_x[row])), "id": row, "class": tensors.class_names[tensors.train_y[row]]}
        for row in choose_rows(tensors.train_y)
    ]


def choose_rows(labels: npt.NDArray[np.int64]) -> list[int]:
    rounds = -(-SAMPLES // len(np.unique(labels)))
    first = {label: np.flatnonzero(labels == label)[:rounds] for label in np.unique(labels)[:SAMPLES]}
    rows = [int(rows[turn]) for turn in range(rounds) for rows in first.values() if turn < len(rows)]
    return rows[:SAMPLES]


def draw(image: npt.NDArray[Any]) -> bytes:
    """(C, H, W) → PNG; real numbers are stretched from the smallest to the largest."""
    if image.dtype != np.uint8:
        low, high = float(image.min()), float(image.max())
        image = (255 * (image.astype(np.float64) - low) / ((high - low) or 1.0)).astype(np.uint8)
    pixels = image[0] if len(image) == 1 else image.transpose(1, 2, 0)
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(stream, "PNG")
    return stream.getvalue()
