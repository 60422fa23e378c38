"""`torchvision.io.read_image` without torchvision's compiled part, where that does not match the installed torch."""

import io
import os
from types import ModuleType
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

MODES = {"GRAY": "L", "GRAY_ALPHA": "LA", "RGB": "RGB", "RGB_ALPHA": "RGBA"}  # what is not named stays as it is


def install(module: ModuleType) -> None:
    """module: `torchvision.io`, whose own functions would only say that something could not be loaded."""
    for name, function in {"read_image": read_image, "decode_image": decode_image}.items():
        setattr(module, name, function)
        setattr(module.image, name, function)


def read_image(path: str | os.PathLike[str], mode: Any = "UNCHANGED", apply_exif_orientation: bool = False) -> Tensor:
    """uint8 (channels, height, width)."""
    with open(path, "rb") as stream:
        return _read(stream.read(), mode, apply_exif_orientation)


def decode_image(
    input: Tensor | str | os.PathLike[str],
    mode: Any = "UNCHANGED",
    apply_exif_orientation: bool = False,
) -> Tensor:
    """input: the bytes of a file as a uint8 tensor, or its path."""
    if not isinstance(input, Tensor):
        return read_image(input, mode, apply_exif_orientation)
    return _read(input.cpu().numpy().tobytes(), mode, apply_exif_orientation)


def _read(content: bytes, mode: Any, turn: bool) -> Tensor:
    with Image.open(io.BytesIO(content)) as opened:
        image = ImageOps.exif_transpose(opened) if turn else opened
        wanted = MODES.get(str(getattr(mode, "name", mode)))
        if wanted is None and image.mode == "P":
            wanted = "RGB"
        pixels = np.array(image.convert(wanted) if wanted else image, dtype=np.uint8)
    planes = torch.from_numpy(pixels)
    return planes.unsqueeze(0) if planes.ndim == 2 else planes.permute(2, 0, 1).contiguous()
