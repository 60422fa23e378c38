"""All that host and guest share: frames, command names, limits and what a replica reports. Standard library only.

A frame is a 4-byte big-endian length, a JSON header of that many bytes, and `header["bytes"]` bytes of payload.
The host writes frames to the guest's stdin and reads frames from its stdout; there is no shared folder.

host → guest   setup {…, files, originals}   file {name, role}+code   splits+safetensors
               original+safetensors
               run {seed, original, role}   kill   stop
guest → host   ready   started   returned   log+text
               finished {outcome, cpu_seconds, metered, waited_seconds, peak_memory_bytes, error, traceback,
               clean}+safetensors

A replica talks to its keeper in the same frames: `started {cpu_seconds}`, then `finished {outcome, error, traceback}`.
`SCHEMAS` says who may say what; a header that is not exactly that is a FrameError, and nothing else is ever raised.
"""

import json
import struct
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, BinaryIO

HEADER_LIMIT = 64 << 10
PAYLOAD_LIMIT = 1 << 40  # of any frame; readers set their own below it
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


class Role(StrEnum):
    """Whose code a replica runs: the submission's, or a piece of the platform's that is timed beside it."""

    ENTRY = "entry"
    YARDSTICK = "yardstick"
    IDLE = "idle"


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


class Speaker(StrEnum):
    HOST = "host"
    GUEST = "guest"
    REPLICA = "replica"


class FrameError(Exception):
    """The other side sent something that is not a frame."""


class PayloadTooLarge(FrameError):
    """The header is a frame's, but what follows is over the limit."""


Check = Callable[[Any], bool]


def _whole(high: int) -> Check:
    return lambda value: type(value) is int and 0 <= value <= high


def _real(high: float) -> Check:
    return lambda value: type(value) in (int, float) and 0 <= value <= high


def _text(chars: int) -> Check:
    return lambda value: (
        type(value) is str and len(value) <= chars and not any("\ud800" <= c <= "\udfff" for c in value)
    )


def _one_of(words: type[StrEnum]) -> Check:
    return lambda value: type(value) is str and value in set(words)


def _or_none(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _list_of(check: Check) -> Check:
    return lambda value: type(value) is list and all(check(item) for item in value)


def _record(**fields: Check) -> Check:
    return lambda value: type(value) is dict and _find_flaw(value, fields) == ""


def _is_flag(value: Any) -> bool:
    return type(value) is bool


def _is_mapping(value: Any) -> bool:
    return type(value) is dict


def _find_flaw(header: Mapping[str, Any], fields: Mapping[str, Check]) -> str:
    """Which name is missing, unknown or has a value of another kind; empty if none."""
    if header.keys() != fields.keys():
        return min(header.keys() ^ fields.keys())
    return next((name for name, check in fields.items() if not check(header[name])), "")


_NAME, _COUNT, _SIZE, _SECONDS = _text(4096), _whole(1 << 20), _whole(PAYLOAD_LIMIT), _real(1e9)
_LIMITS = ("memory_bytes", "output_bytes", "log_bytes", "print_bytes", "scratch_bytes", "processes")
_SETUP: Mapping[str, Check] = {
    "network": _record(package=_NAME, options=_is_mapping, num_classes=_COUNT, input_shape=_list_of(_COUNT)),
    "batch_format": _NAME,
    "batch_size": _COUNT,
    "limits": _record(**dict.fromkeys(_LIMITS, _SIZE)),
    "device": _NAME,
    "budget_seconds": _or_none(_SECONDS),
    "native_lock": _text(HEADER_LIMIT),
    "hosted_input": _is_flag,
    "writable": _list_of(_NAME),
    "files": _COUNT,
    "originals": _COUNT,
}
_TOLD: Mapping[str, Check] = {
    "outcome": _one_of(Outcome),
    "error": _text(ERROR_CHARS),
    "traceback": _text(TRACEBACK_CHARS),
}
SCHEMAS: Mapping[Speaker, Mapping[Message, Mapping[str, Check]]] = {
    Speaker.HOST: {
        Message.SETUP: _SETUP,
        Message.FILE: {"name": _NAME, "role": _one_of(Role)},
        Message.SPLITS: {},
        Message.ORIGINAL: {},
        Message.RUN: {"seed": _whole((1 << 64) - 1), "original": _COUNT, "role": _one_of(Role)},
        Message.KILL: {},
        Message.STOP: {},
    },
    Speaker.GUEST: {
        Message.READY: {},
        Message.STARTED: {},
        Message.RETURNED: {},
        Message.LOG: {},
        Message.FINISHED: {
            **_TOLD,
            "cpu_seconds": _SECONDS,
            "metered": _is_flag,
            "waited_seconds": _or_none(_SECONDS),
            "peak_memory_bytes": _SIZE,
            "clean": _is_flag,
        },
    },
    Speaker.REPLICA: {Message.STARTED: {"cpu_seconds": _SECONDS}, Message.FINISHED: _TOLD},
}
CARRIERS = (Message.FILE, Message.SPLITS, Message.ORIGINAL, Message.LOG, Message.FINISHED)  # the rest have no payload


def write_frame(stream: BinaryIO, kind: Message, payload: bytes = b"", **fields: Any) -> None:
    header = json.dumps({"kind": kind, "bytes": len(payload), **fields}).encode()
    if len(header) > HEADER_LIMIT:
        raise FrameError(f"a frame header of {len(header)} bytes is over {HEADER_LIMIT}")
    stream.write(struct.pack(">I", len(header)) + header)
    stream.write(payload)
    stream.flush()


def read_frame(stream: BinaryIO, *, speaker: Speaker, payload_limit: int) -> tuple[dict[str, Any], bytes] | None:
    """Read one frame of `speaker`, or None at the end of the stream; sizes are checked before memory is taken."""
    first = stream.read(1)
    if not first:
        return None
    length = _check_length(first + _read_exactly(stream, 3))
    header = parse_header(_read_exactly(stream, length), speaker)
    _check_payload(header, payload_limit)
    return header, _read_exactly(stream, header["bytes"])


class FrameBuffer:
    """Puts frames together from a stream that arrives in pieces and may stall; sizes are checked as soon as known."""

    def __init__(self, *, speaker: Speaker, payload_limit: int) -> None:
        self._speaker, self._payload_limit = speaker, payload_limit
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
            header = parse_header(bytes(self._bytes[4 : 4 + length]), self._speaker)
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


def parse_header(raw: bytes, speaker: Speaker) -> dict[str, Any]:
    """The header of a frame that `speaker` may send, its kind and outcome as what they name."""
    try:
        header = json.loads(raw.decode(), object_pairs_hook=_read_object, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:  # a hostile header may be nested for ever
        raise FrameError(f"not a frame header: {error}") from None
    if type(header) is not dict or not _one_of(Message)(header.get("kind")):
        raise FrameError("a frame header is an object with a known kind")
    kind = Message(header["kind"])
    fields = SCHEMAS[speaker].get(kind)
    if fields is None:
        raise FrameError(f"the {speaker} does not say {kind}")
    size = _whole(1 << 62) if kind in CARRIERS else _whole(0)  # the reader's own limit has a name of its own
    flaw = _find_flaw(header, {"kind": _one_of(Message), "bytes": size, **fields})
    if flaw:
        raise FrameError(f"{flaw!a} of a {kind} frame is not what it has to be")
    header["kind"] = kind
    if "outcome" in header:
        header["outcome"] = Outcome(header["outcome"])
    return header


def make_text(text: str, *, chars: int, last: bool = False) -> str:
    """Text as a frame may carry it: cut, without lone surrogates."""
    return (text[-chars:] if last else text[:chars]).encode(errors="replace").decode()


def _read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise FrameError("a frame header names a field twice")
    return found


def _refuse_constant(name: str) -> None:
    raise FrameError(f"{name} is no number")


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
