import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.contract import (
    HEADER_LIMIT,
    FrameBuffer,
    FrameError,
    Message,
    PayloadTooLarge,
    read_frame,
    write_frame,
)


def make_frame(payload: bytes = b"", **fields: object) -> bytes:
    stream = io.BytesIO()
    write_frame(stream, Message.LOG, payload, **fields)
    return stream.getvalue()


@given(payload=st.binary(max_size=200), text=st.text(max_size=50), cut=st.integers(1, 40))
def test_a_frame_is_read_as_it_was_written_however_it_is_cut(payload: bytes, text: str, cut: int) -> None:
    raw = make_frame(payload, text=text)
    header, found = read_frame(io.BytesIO(raw), payload_limit=200) or ({}, b"")
    assert (header["kind"], header["text"], found) == (Message.LOG, text, payload)
    buffer = FrameBuffer(payload_limit=200)
    frames = []
    for start in range(0, len(raw), cut):
        buffer.feed(raw[start : start + cut])
        frames.append(buffer.pop())
    assert frames[-1] == (header, payload)
    assert all(frame is None for frame in frames[:-1])


def test_the_end_of_a_stream_is_no_frame() -> None:
    assert read_frame(io.BytesIO(b""), payload_limit=1) is None


@pytest.mark.parametrize(
    "raw",
    [
        b"\x00\x00",
        struct.pack(">I", HEADER_LIMIT + 1) + b"x" * 10,
        struct.pack(">I", 4) + b"nope",
        struct.pack(">I", 2) + b"[]",
        struct.pack(">I", 60_000) + b"[" * 60_000,
        make_frame(b"abc")[:-1],
        struct.pack(">I", 29) + b'{"kind": "log", "bytes": -1 } ',
        struct.pack(">I", 30) + b'{"kind": "log", "bytes": true}',
        struct.pack(">I", 28) + b'{"kind": "lie", "bytes": 0 }',
    ],
)
def test_what_is_not_a_frame_is_refused(raw: bytes) -> None:
    with pytest.raises(FrameError):
        read_frame(io.BytesIO(raw), payload_limit=100)


def test_a_payload_over_the_limit_is_refused_before_it_is_read() -> None:
    raw = make_frame(b"x" * 101)
    with pytest.raises(PayloadTooLarge):
        read_frame(io.BytesIO(raw), payload_limit=100)
    buffer = FrameBuffer(payload_limit=100)
    buffer.feed(raw[:60])
    with pytest.raises(PayloadTooLarge):
        buffer.pop()


def test_a_header_over_the_limit_is_not_written() -> None:
    with pytest.raises(FrameError):
        make_frame(text="x" * HEADER_LIMIT)
