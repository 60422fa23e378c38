from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from PIL import Image

from sandbox.image_reading import decode_image, install, read_image

PIXELS = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def test_a_picture_becomes_channels_first_bytes(picture: Path) -> None:
    expected = torch.from_numpy(PIXELS).permute(2, 0, 1)
    assert torch.equal(read_image(str(picture)), expected)
    assert torch.equal(decode_image(torch.tensor(list(picture.read_bytes()), dtype=torch.uint8)), expected)
    assert read_image(picture).dtype == torch.uint8


@pytest.mark.parametrize("mode", ["GRAY", SimpleNamespace(name="GRAY")])
def test_a_mode_is_taken_by_name_or_by_its_own_kind(picture: Path, mode: Any) -> None:
    assert read_image(picture, mode).shape == (1, 2, 3)
    assert read_image(picture, mode="RGB_ALPHA").shape == (4, 2, 3)


def test_both_names_of_a_function_are_replaced() -> None:
    module = cast(ModuleType, SimpleNamespace(image=SimpleNamespace()))
    install(module)
    assert module.read_image is module.image.read_image is read_image
