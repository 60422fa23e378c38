"""Throw random frames at the one parser of them: `python -m bench.bench_frames [COUNT]`, a million by default.

Every other frame is a valid one of some speaker with one field exchanged for something odd, or a byte flipped. The
parser may give a header that its schema allows, or raise FrameError; the script ends at anything else.
"""

import json
import random
import struct
import sys
import time
from collections.abc import Callable
from typing import Any

from sandbox.contract import SCHEMAS, FrameBuffer, FrameError, Message, Outcome, Speaker

COUNT = 1_000_000
ODD: tuple[Callable[[random.Random], Any], ...] = (
    lambda _: None,
    lambda source: source.choice([True, False]),
    lambda source: source.randint(-(2**70), 2**70),
    lambda source: 10 ** source.randint(1, 400),
    lambda source: source.choice([float("nan"), float("inf"), -0.0, 1e308, 5e-324, source.random()]),
    lambda source: source.choice(["", "ok", "\udc80", "\x00", "x" * 9000, *Outcome, *Message]),
    lambda source: [draw(source) for _ in range(source.randrange(3))],
    lambda source: {source.choice(["kind", "bytes", "x"]): draw(source)},
)
USUAL = {"kind": "finished", "bytes": 0, "outcome": "ok", "error": "", "traceback": "", "cpu_seconds": 0.5}
GUEST = {**USUAL, "metered": True, "waited_seconds": None, "peak_memory_bytes": 9, "clean": True}
VALID = (
    (Speaker.GUEST, GUEST),
    (Speaker.REPLICA, {name: USUAL[name] for name in ("kind", "bytes", "outcome", "error", "traceback")}),
    (Speaker.REPLICA, {"kind": "started", "bytes": 0, "cpu_seconds": 0.1}),
    (Speaker.HOST, {"kind": "run", "bytes": 0, "seed": 7, "original": 0}),
)


def draw(source: random.Random) -> Any:
    return source.choice(ODD)(source)


def make_raw(source: random.Random) -> tuple[Speaker, bytes]:
    speaker, header = source.choice(VALID)
    how = source.randrange(4)
    if how == 0:
        return speaker, source.randbytes(source.randrange(80))
    if how == 1:
        header = {source.choice(list(header)): draw(source) for _ in range(source.randrange(4))}
    elif how == 2:
        header = {**header, source.choice([*header, "more"]): draw(source)}
    raw = bytearray(json.dumps(header).encode())
    if how == 3:
        raw[source.randrange(len(raw))] = source.randrange(256)
    return speaker, bytes(raw)


def try_one(source: random.Random) -> bool:
    """Whether it passed; raises what is not a FrameError."""
    speaker, raw = make_raw(source)
    buffer = FrameBuffer(speaker=speaker, payload_limit=1 << 20)
    buffer.feed(struct.pack(">I", len(raw)) + raw)
    try:
        frame = buffer.pop()
    except FrameError:
        return False
    if frame is not None and frame[0].keys() != {"kind", "bytes", *SCHEMAS[speaker][frame[0]["kind"]]}:
        raise AssertionError(f"passed: {raw!r}")
    return True


def main(count: int) -> None:
    source, begun = random.Random(0), time.perf_counter()
    passed = sum(try_one(source) for _ in range(count))
    seconds = time.perf_counter() - begun
    sys.stdout.write(f"{count:,} frames in {seconds:.0f} s: {passed:,} passed, {count - passed:,} were refused\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else COUNT)
