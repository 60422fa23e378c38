"""`python -m core.reader.painter`: draw one image again, from its pixels alone.

Runs in a process of its own under hard limits, as decoders have had faults that a crafted file could use. What is
written holds no metadata, no profile, nothing behind the end, and no format that carries scripts.
"""

import io
import json
import os
import resource
import sys
from typing import Any

from PIL import (
    GifImagePlugin,
    Image,
    ImageOps,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from core.domain.images import KINDS, LONGEST_SIDE, MOST_BYTES, MOST_KEPT_BYTES, MOST_PIXELS
from core.reader.wire import send

# named, as they cannot be imported once no file may be opened; MPO is what phones call JPEG, Exif is read as TIFF
PLUGINS = (GifImagePlugin, JpegImagePlugin, MpoImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin)
NICENESS = 10  # pages and answers come first
CPU_SECONDS = 10
MEMORY_BYTES = 2 << 30  # of addresses
DRAWN = ("PNG", "GIF")  # charts and screenshots, which lossy compression would smear
QUALITY = 85


class Refused(Exception):
    pass


def main() -> None:
    _limit()
    content = sys.stdin.buffer.read(MOST_BYTES + 1)
    try:
        image, is_drawn = read_image(content)
        drawn = write_image(image, lossless=is_drawn)
        head: dict[str, Any] = {"width": image.width, "height": image.height}
    except Refused as refusal:
        head, drawn = {"refused": str(refusal)}, b""
    except Exception:  # whatever a decoder trips over is the file's fault
        head, drawn = {"refused": "it is damaged: no image can be read from it"}, b""
    send(sys.stdout.buffer, json.dumps(head).encode(), drawn)


def read_image(content: bytes) -> tuple[Image.Image, bool]:
    """The pixels, upright and not larger than is kept, and whether they look drawn rather than photographed."""
    try:
        source = Image.open(io.BytesIO(content), formats=KINDS)
    except UnidentifiedImageError:
        raise Refused(_name_foreign(content)) from None
    if source.width * source.height > MOST_PIXELS:
        raise Refused(f"it has {source.width} × {source.height} pixels; at most {MOST_PIXELS // 1_000_000} million")
    is_drawn = source.format in DRAWN
    source.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
    image = ImageOps.exif_transpose(source)
    if image.mode.startswith(("I", "F")):
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    return Image.frombytes(image.mode, image.size, image.tobytes()), is_drawn


def write_image(image: Image.Image, *, lossless: bool) -> bytes:
    drawn = _encode(image, lossless=True) if lossless else b""
    return drawn if 0 < len(drawn) <= MOST_KEPT_BYTES else _encode(image, quality=QUALITY)


def _encode(image: Image.Image, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "WEBP", **options)
    return stream.getvalue()


def _name_foreign(content: bytes) -> str:
    if b"<svg" in content[:4096].lower():
        return "it is an SVG, which can hold scripts: save it as PNG"
    return "it is none of PNG, JPEG, WebP and GIF"


def _limit() -> None:
    Image.preinit()
    Image.MAX_IMAGE_PIXELS = None  # they are counted above, with words
    os.nice(NICENESS)
    for kind, most in (
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, 3),  # those it has: it can open nothing
    ):
        resource.setrlimit(kind, (most, most))


if __name__ == "__main__":
    main()
