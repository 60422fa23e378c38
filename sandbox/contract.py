"""All that host and guest share: frames, command names, limits and what a replica reports. Standard library only.

A frame is a 4-byte big-endian length, a JSON header of that many bytes, and `header["bytes"]` bytes of payload.
The host writes frames to the guest's stdin and reads frames from its stdout; there is no shared folder.

host → guest   setup {…, files, originals}   file {name}+code   splits+safetensors   original {index}+safetensors
               run {index, seed, original}   kill {index}   stop
guest → host   ready {}   started {index}   returned {index}   log {index}+text
               finished {index, outcome, cpu_seconds, metered, waited_seconds, peak_memory_bytes, error, traceback,
               clean}+safetensors

A replica talks to its parent in the same frames: `started {cpu_seconds}`, then `finished {outcome, error, traceback}`.
"""

import json
import struct
from enum import StrEnum
from typing import Any, BinaryIO

HEADER_LIMIT = 64 << 10
ERROR_CHARS, TRACEBACK_CHARS = 300, 8000  # at six bytes a character in JSON both fit a header
ENTRY_FILE = "submission.py"
ENTRY_FUNCTION = "unlearning"
PREPARE_FUNCTION = "prepare"
OPTIONAL_PARAMETERS = ("device", "seed", "num_classes", "budget_seconds")
SPLIT_NAMES = ("retain", "forget", "validation")
MAPPING_IMAGE, MAPPING_LABEL = "image", "age_group"


class Message(StrEnum):
    SETUP = "setup"
    FILE = "file"
    SPLITS = "splits"
    ORIGINAL = "original"
    RUN = "run"
    KILL = "kill"
    STOP = "stop"
    READY = "ready"
    STARTED = "started"
    RETURNED = "returned"
    LOG = "log"
    FINISHED = "finished"


class Outcome(StrEnum):
    """What became of one replica, as far as host and guest can tell before the weights are looked at."""

    OK = "ok"
    ENTRYPOINT_MISSING = "entrypoint_missing"
    SYNTAX_ERROR = "syntax_error"
    IMPORT_FAILED = "import_failed"
    SIGNATURE_MISMATCH = "signature_mismatch"
    EXCEPTION = "exception"
    TIME_LIMIT = "time_limit"
    MEMORY_LIMIT = "memory_limit"
    PROCESS_LIMIT = "process_limit"
    OUTPUT_LIMIT = "output_limit"
    OUTPUT_MISSING = "output_missing"
    OUTPUT_SCHEMA = "output_schema"
    KILLED = "killed"  # by whom, and whether for want of memory, only the host can tell
    SANDBOX_FAILED = "sandbox_failed"


class FrameError(Exception):
    """The other side sent something that is not a frame."""


class PayloadTooLarge(FrameError):
    """The header is a frame's, but what follows is over the limit."""


def write_frame(stream: BinaryIO, kind: Message, payload: bytes = b"", **fields: Any) -> None:
    header = json.dumps({"kind": kind, "bytes": len(payload), **fields}).encode()
    if len(header) > HEADER_LIMIT:
        raise FrameError(f"a frame header of {len(header)} bytes is over {HEADER_LIMIT}")
    stream.write(struct.pack(">I", len(header)) + header)
    stream.write(payload)
    stream.flush()


def read_frame(stream: BinaryIO, *, payload_limit: int) -> tuple[dict[str, Any], bytes] | None:
    """Read one frame, or None at the end of the stream; sizes are checked before memory is taken."""
    first = stream.read(1)
    if not first:
        return None
    length = _check_length(first + _read_exactly(stream, 3))
    header = parse_header(_read_exactly(stream, length))
    _check_payload(header, payload_limit)
    return header, _read_exactly(stream, header["bytes"])


class FrameBuffer:
    """Puts frames together from a stream that arrives in pieces and may stall; sizes are checked as soon as known."""

    def __init__(self, *, payload_limit: int) -> None:
        self._payload_limit = payload_limit
        self._bytes = bytearray()
        self._header: dict[str, Any] | None = None

    def feed(self, piece: bytes) -> None:
        self._bytes += piece

    def pop(self) -> tuple[dict[str, Any], bytes] | None:
        """Take the next whole frame, or None if it has not all arrived."""
        if self._header is None:
            if len(self._bytes) < 4:
                return None
            length = _check_length(bytes(self._bytes[:4]))
            if len(self._bytes) < 4 + length:
                return None
            header = parse_header(bytes(self._bytes[4 : 4 + length]))
            _check_payload(header, self._payload_limit)
            del self._bytes[: 4 + length]
            self._header = header
        size = self._header["bytes"]
        if len(self._bytes) < size:
            return None
        header, payload = self._header, bytes(self._bytes[:size])
        del self._bytes[:size]
        self._header = None
        return header, payload


def _check_length(prefix: bytes) -> int:
    (length,) = struct.unpack(">I", prefix)
    if length > HEADER_LIMIT:
        raise FrameError(f"a frame header of {length} bytes is over {HEADER_LIMIT}")
    return int(length)


def _check_payload(header: dict[str, Any], limit: int) -> None:
    if header["bytes"] > limit:
        raise PayloadTooLarge(f"a payload of {header['bytes']} bytes is over {limit}")


def parse_header(raw: bytes) -> dict[str, Any]:
    try:
        header = json.loads(raw)
        kind, size = Message(header["kind"]), header["bytes"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:  # a hostile header may be nested for ever
        raise FrameError(f"not a frame header: {error}") from None
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise FrameError("a frame's size must be a whole number")
    header["kind"] = kind
    return dict(header)


def _read_exactly(stream: BinaryIO, size: int) -> bytes:
    parts: list[bytes] = []
    left = size
    while left:
        part = stream.read(min(left, 1 << 20))
        if not part:
            raise FrameError("the stream ended inside a frame")
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
