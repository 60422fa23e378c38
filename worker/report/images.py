"""An example as a small picture that stands in the page itself."""

import base64
import io

import numpy as np
from PIL import Image

from sandbox.kinds.parts import Picture

LARGEST_SIDE = 128  # pixels; larger images are shrunk


def make_image(picture: Picture) -> str:
    """A `data:` address of a PNG.

    What standardising did is undone by stretching the example's own range to black and white.
    """
    pixels = picture.pixels[0] if len(picture.pixels) == 1 else np.moveaxis(picture.pixels, 0, 2)
    low, high = float(pixels.min()), float(pixels.max())
    shades = (pixels - low) / (high - low) if high > low else np.full_like(pixels, 0.5)
    image = Image.fromarray(np.round(255 * shades).astype(np.uint8))
    image.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"
