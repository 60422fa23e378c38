import base64
import io

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from sandbox.kinds.inputs import Images
from sandbox.kinds.parts import Picture
from worker.report.images import LARGEST_SIDE, make_image


def draw(example: npt.NDArray[np.float32]) -> str:
    """As a report does: empty for what is no picture."""
    shown = Images().show(example, ())
    return make_image(shown) if isinstance(shown, Picture) else ""


def read(address: str) -> Image.Image:
    kind, _, data = address.partition(",")
    assert kind == "data:image/png;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_flat_square_pixels_become_grey_from_black_to_white() -> None:
    image = read(draw(np.array([-1.5, 0.0, 0.75, 1.5], np.float32)))
    assert (image.mode, image.size) == ("L", (2, 2))
    assert [image.getpixel((x, y)) for y in (0, 1) for x in (0, 1)] == [0, 128, 191, 255]


def test_three_channels_become_colours() -> None:
    values = np.zeros((3, 4, 6), np.float32)
    values[1] = 2.0
    image = read(draw(values))
    assert (image.mode, image.size, image.getpixel((0, 0))) == ("RGB", (6, 4), (0, 255, 0))


@pytest.mark.parametrize("shape", [(5, 7), (1, 5, 7), (2, 5, 7), (4, 5, 7)])
def test_other_channels_show_the_first_in_grey(shape: tuple[int, ...]) -> None:
    values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    assert read(draw(values)).size == (7, 5)


def test_large_pictures_are_shrunk() -> None:
    values = np.random.default_rng(0).normal(size=(3, 300, 150)).astype(np.float32)
    assert read(draw(values)).size == (LARGEST_SIDE // 2, LARGEST_SIDE)


def test_one_constant_is_grey() -> None:
    assert read(draw(np.full((3, 3), 7.0, np.float32))).getpixel((1, 1)) == 128


@pytest.mark.parametrize(
    "values",
    [np.zeros(10), np.zeros(1), np.zeros((0, 4, 4)), np.zeros((2, 2, 2, 2)), np.array([0.0, 1.0, np.nan, 1.0])],
)
def test_what_is_no_picture_gives_none(values: npt.NDArray[np.float64]) -> None:
    assert draw(values.astype(np.float32)) == ""


def test_the_example_is_not_written_to() -> None:
    values = np.arange(9, dtype=np.float32)
    values.setflags(write=False)
    assert draw(values) == draw(values.copy())
