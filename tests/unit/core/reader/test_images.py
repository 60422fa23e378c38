"""What is kept of an image is its pixels; whatever a file does to its reader is a refusal."""

import io
import struct
import zlib
from collections.abc import Callable

import pytest
from PIL import Image, PngImagePlugin

from core.domain.errors import InvalidInput
from core.domain.images import LONGEST_SIDE, MOST_BYTES
from core.reader import images
from core.reader.images import DrawnImage, draw_again
from core.reader.wire import Unreadable

SECRET = b"taken-at-52.520N-13.405E"
SCRIPT = b"<script>alert(1)</script>"


def encode(kind: str, size: tuple[int, int] = (40, 20), mode: str = "RGB", **options: object) -> bytes:
    stream = io.BytesIO()
    colour = {"RGB": "red", "RGBA": (255, 0, 0, 90), "CMYK": (0, 9, 9, 9)}.get(mode, 1)
    Image.new(mode, size, colour).save(stream, kind, **options)
    return stream.getvalue()


def write_exif(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = orientation, SECRET.decode()
    return exif.tobytes()


def write_notes() -> PngImagePlugin.PngInfo:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", SECRET.decode())
    notes.add_itxt("XML:com.adobe.xmp", SCRIPT.decode())
    return notes


def read(drawn: DrawnImage) -> Image.Image:
    image = Image.open(io.BytesIO(drawn.content))
    image.load()
    return image


HONEST: dict[str, Callable[[], bytes]] = {
    "png": lambda: encode("PNG"),
    "png with notes": lambda: encode("PNG", pnginfo=write_notes(), icc_profile=SECRET, exif=write_exif(1)),
    "jpeg of a phone": lambda: encode("JPEG", exif=write_exif(1), comment=SECRET, icc_profile=SECRET),
    "cmyk": lambda: encode("JPEG", mode="CMYK"),
    "webp": lambda: encode("WEBP", exif=write_exif(1), icc_profile=SECRET, xmp=SCRIPT),
    "gif": lambda: encode("GIF", mode="P", comment=SECRET),
    "grey of 16 bits": lambda: encode("PNG", mode="I;16"),
    "two in one": lambda: encode("MPO", save_all=True, append_images=[Image.new("RGB", (40, 20))]),
    "a page behind it": lambda: encode("PNG") + b"<html>" + SCRIPT,
    "a page in it": lambda: encode("GIF", mode="P", comment=SCRIPT),
}


@pytest.mark.parametrize("name", HONEST)
def test_an_image_is_kept_as_its_pixels_alone(name: str) -> None:
    content = HONEST[name]()
    drawn = draw_again(content)
    image = read(drawn)
    assert (image.format, image.size) == ("WEBP", (40, 20))
    assert (drawn.width, drawn.height) == (40, 20)
    assert set(image.info) <= {"loop", "background", "timestamp", "duration"}
    assert not image.getexif()
    assert SECRET not in drawn.content
    assert b"script" not in drawn.content


def test_the_same_pixels_are_the_same_blob() -> None:
    assert draw_again(HONEST["png"]()).digest == draw_again(HONEST["png with notes"]()).digest


def test_an_image_stands_upright_and_is_not_larger_than_a_page() -> None:
    assert read(draw_again(encode("JPEG", exif=write_exif(6)))).size == (20, 40)
    assert read(draw_again(encode("PNG", (3000, 100)))).size == (LONGEST_SIDE, 53)


def test_what_shines_through_still_does() -> None:
    assert read(draw_again(encode("PNG", mode="RGBA"))).mode == "RGBA"


def write_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def write_bomb(side: int) -> bytes:
    """A PNG of a few kilobytes that says that it has side × side pixels."""
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 1_000_000)
    return b"\x89PNG\r\n\x1a\n" + write_chunk(b"IHDR", head) + write_chunk(b"IDAT", body) + write_chunk(b"IEND", b"")


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "choose a file"),
    "a text": (lambda: b"hello", "none of PNG"),
    "a drawing": (lambda: b"<?xml version='1.0'?><svg onload='alert(1)'/>", "SVG"),
    "a page": (lambda: b"<html>" + SCRIPT, "none of PNG"),
    "another format": (lambda: encode("TIFF"), "none of PNG"),
    "an icon": (lambda: encode("ICO"), "none of PNG"),
    "a PDF": (lambda: encode("PDF"), "none of PNG"),
    "half of it": (lambda: encode("JPEG", (400, 400))[:700], "damaged"),
    "a head without pixels": (lambda: encode("PNG")[:40], "damaged|none of PNG"),
    "more pixels than memory": (lambda: write_bomb(50_000), "pixels"),
    "more pixels than it has": (lambda: write_bomb(6_000), "damaged"),
    "too many bytes": (lambda: bytes(MOST_BYTES + 1), "at most 5 MiB"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_image_is_refused_in_words(name: str) -> None:
    make, words = REFUSED[name]
    with pytest.raises(InvalidInput, match=words) as refused:
        draw_again(make())
    assert set(refused.value.fields) == {"file"}


@pytest.mark.parametrize("answer", [b"", b"\0" * 9, b"\xff" * 20, struct.pack(">Q", 2) + b"{}" + struct.pack(">Q", 0)])
def test_what_the_reader_answers_is_not_believed(monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    monkeypatch.setattr(images, "_ask", lambda _content: answer)
    with pytest.raises(InvalidInput, match="breaks its reader"):
        draw_again(b"x")


@pytest.mark.parametrize(
    "values", [{"content": b"<html>"}, {"width": 0}, {"width": 5_000}, {"height": True}, {"height": "20"}]
)
def test_only_what_is_kept_as_webp_is_an_image(values: dict[str, object]) -> None:
    drawn = draw_again(encode("PNG"))
    DrawnImage(drawn.content, 40, 20)
    with pytest.raises(Unreadable):
        DrawnImage(**({"content": drawn.content, "width": 40, "height": 20} | values))  # type: ignore[arg-type]
