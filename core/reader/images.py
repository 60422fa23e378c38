"""Draw an image again in another process, under limits; what comes back is believed no more than the image."""

import hashlib
import io
import json
import subprocess
import sys
import threading
from dataclasses import dataclass

from core.domain.errors import InvalidInput, PlatformFault
from core.domain.images import LONGEST_SIDE, MOST_KEPT_BYTES, check_size
from core.reader.apart import ROOT
from core.reader.wire import Unreadable, receive

WALL_SECONDS = 20.0
MOST_HEAD_BYTES = 4096
_ROOM = threading.BoundedSemaphore(2)  # more would take the cores that answers need


@dataclass(frozen=True, slots=True)
class DrawnImage:
    content: bytes  # WebP
    width: int
    height: int

    def __post_init__(self) -> None:
        is_webp = self.content[:4] == b"RIFF" and self.content[8:12] == b"WEBP"
        if not is_webp or len(self.content) > 2 * MOST_KEPT_BYTES:
            raise Unreadable("what was drawn is no image as it is kept")
        if not all(type(side) is int and 0 < side <= LONGEST_SIDE for side in (self.width, self.height)):
            raise Unreadable("an image has no such sides")

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def draw_again(content: bytes) -> DrawnImage:
    """Raises InvalidInput, which says what is wrong with the file, and PlatformFault if nothing can be started."""
    check_size(len(content))
    with _ROOM:
        answer = _ask(content)
    try:
        stream = io.BytesIO(answer)
        head, drawn = receive(stream, most=MOST_HEAD_BYTES), receive(stream, most=2 * MOST_KEPT_BYTES)
        if head is None or drawn is None:
            raise Unreadable("nothing was answered")
        told = json.loads(head)
        if "refused" not in told:
            return DrawnImage(drawn, told["width"], told["height"])
    except (ValueError, TypeError, KeyError):
        raise InvalidInput("reading the image takes too much, or breaks its reader", field="file") from None
    raise InvalidInput(f"this file cannot be taken: {told['refused']}", field="file")


def _ask(content: bytes) -> bytes:
    argv = [sys.executable, "-s", "-P", "-m", "core.reader.painter"]
    environment = {"PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8", "OMP_NUM_THREADS": "1"}
    try:
        process = subprocess.Popen(  # noqa: S603 -- our own arguments
            argv,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError as error:
        raise PlatformFault(f"the reader of images cannot be started: {error}") from None
    with process:
        try:
            return process.communicate(content, timeout=WALL_SECONDS)[0]
        except subprocess.TimeoutExpired:
            process.kill()
            return b""
