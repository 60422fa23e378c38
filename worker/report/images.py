"""An example as a small picture that stands in the page itself."""

import base64
import io
import math

import numpy as np
import numpy.typing as npt
from PIL import Image

LARGEST_SIDE = 128  # pixels; larger images are shrunk


def make_image(example: npt.NDArray[np.float32]) -> str:
    """A `data:` address of a PNG of (C, H, W), (H, W) or flat square pixels; empty if it is no picture.

    What standardising did is undone by stretching the example's own range to black and white.
    """
    pixels = _arrange(np.asarray(example, np.float64))
    if pixels is None or not np.isfinite(pixels).all():
        return ""
    low, high = float(pixels.min()), float(pixels.max())
    shades = (pixels - low) / (high - low) if high > low else np.full_like(pixels, 0.5)
    image = Image.fromarray(np.round(255 * shades).astype(np.uint8))
    image.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"


def _arrange(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64] | None:
    """(H, W) grey or (H, W, 3) colour."""
    if values.ndim == 1:
        side = math.isqrt(values.size)
        return values.reshape(side, side) if side > 1 and side * side == values.size else None
    if values.ndim == 3 and values.shape[0] == 3:
        return np.moveaxis(values, 0, 2)
    if values.ndim == 3 and values.shape[0] > 0:
        values = values[0]
    return values if values.ndim == 2 and values.size else None
