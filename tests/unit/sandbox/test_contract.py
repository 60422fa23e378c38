import io
import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.contract import (
    ERROR_CHARS,
    HEADER_LIMIT,
    SCHEMAS,
    FrameBuffer,
    FrameError,
    Message,
    Outcome,
    PayloadTooLarge,
    Speaker,
    make_text,
    read_frame,
    write_frame,
)

FINISHED = {
    "kind": "finished",
    "bytes": 0,
    "outcome": "ok",
    "cpu_seconds": 0.5,
    "metered": False,
    "waited_seconds": None,
    "peak_memory_bytes": 9,
    "error": "",
    "traceback": "",
    "clean": True,
}
SECONDS = ("cpu_seconds", "waited_seconds")
ODD = [
    [],
    {},
    [[]],
    {"ok": 1},
    None,
    True,
    -1,
    1.5,
    10**400,
    1e308,
    "NaN",
    "\udc80",
    "x" * 9000,
    "",
    ["ok"],
    {"outcome": "ok"},
]


def make_frame(payload: bytes = b"") -> bytes:
    stream = io.BytesIO()
    write_frame(stream, Message.LOG, payload)
    return stream.getvalue()


def make_raw(header: Any, payload: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack(">I", len(text)) + text + payload


def read(raw: bytes, speaker: Speaker = Speaker.GUEST) -> tuple[dict[str, Any], bytes] | None:
    return read_frame(io.BytesIO(raw), speaker=speaker, payload_limit=200)


@given(payload=st.binary(max_size=200), cut=st.integers(1, 40))
def test_a_frame_is_read_as_it_was_written_however_it_is_cut(payload: bytes, cut: int) -> None:
    raw = make_frame(payload)
    header, found = read(raw) or ({}, b"")
    assert (header["kind"], found) == (Message.LOG, payload)
    buffer = FrameBuffer(speaker=Speaker.GUEST, payload_limit=200)
    frames = []
    for start in range(0, len(raw), cut):
        buffer.feed(raw[start : start + cut])
        frames.append(buffer.pop())
    assert frames[-1] == (header, payload)
    assert all(frame is None for frame in frames[:-1])


def test_the_end_of_a_stream_is_no_frame() -> None:
    assert read(b"") is None


@pytest.mark.parametrize(
    "raw",
    [
        b"\x00\x00",
        struct.pack(">I", HEADER_LIMIT + 1) + b"x" * 10,
        make_raw(b"nope"),
        make_raw([]),
        make_raw(b"[" * 60_000),
        make_raw(b'{"kind":' * 9_000),
        make_frame(b"abc")[:-1],
        make_raw({"kind": "log", "bytes": -1}),
        make_raw({"kind": "log", "bytes": True}),
        make_raw({"kind": "log", "bytes": 0.0}),
        make_raw({"kind": "lie", "bytes": 0}),
        make_raw({"kind": ["log"], "bytes": 0}),
        make_raw({"kind": "log"}),
        make_raw({"kind": "log", "bytes": 0, "more": 1}),
        make_raw({"kind": "started", "bytes": 1}, b"x"),
        make_raw(b'{"kind": "log", "kind": "log", "bytes": 0}'),
        make_raw(b'{"kind": "log", "bytes": NaN}'),
        make_raw(b'{"kind": "log", "bytes": ' + b"9" * 5000 + b"}"),
        make_raw('{"kind": "log", "bytes": 0}'.encode("utf-16")),
        make_raw({"kind": "run", "bytes": 0, "seed": 1, "original": 0}),
    ],
)
def test_what_is_not_a_frame_is_refused(raw: bytes) -> None:
    with pytest.raises(FrameError):
        read(raw)


def test_a_whole_result_is_read_with_its_outcome() -> None:
    header, _ = read(make_raw(FINISHED)) or ({}, b"")
    assert header["outcome"] is Outcome.OK


@pytest.mark.parametrize("name", [name for name in FINISHED if name != "kind"])
@pytest.mark.parametrize("value", ODD, ids=repr)
def test_a_field_of_another_type_or_size_is_refused(name: str, value: Any) -> None:
    if name in ("error", "traceback") and value in ("", "NaN"):
        return
    if (name, value) in [("clean", True), ("metered", True), *((key, 1.5) for key in SECONDS)]:
        return
    if (name, value) == ("waited_seconds", None):
        return
    with pytest.raises(FrameError):
        read(make_raw({**FINISHED, name: value}))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["ok", *Message]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
names = sorted({name for kinds in SCHEMAS.values() for fields in kinds.values() for name in fields})
headers = st.dictionaries(st.sampled_from(["kind", "bytes", *names]) | st.text(max_size=8), values, max_size=9)
near = st.builds(lambda name, value: {**FINISHED, name: value}, st.sampled_from(sorted(FINISHED)), values)


@given(header=headers | near, speaker=st.sampled_from(Speaker), payload=st.binary(max_size=20))
def test_nothing_but_a_frame_error_comes_of_any_header(header: Any, speaker: Speaker, payload: bytes) -> None:
    text = json.dumps(header).encode()
    try:
        frame = read(struct.pack(">I", len(text)) + text + payload, speaker)
    except FrameError:
        return
    assert frame is not None
    assert frame[0].keys() == {"kind", "bytes", *SCHEMAS[speaker][frame[0]["kind"]]}


@given(raw=st.binary(max_size=200), speaker=st.sampled_from(Speaker))
def test_nothing_but_a_frame_error_comes_of_any_bytes(raw: bytes, speaker: Speaker) -> None:
    buffer = FrameBuffer(speaker=speaker, payload_limit=100)
    buffer.feed(struct.pack(">I", len(raw)) + raw)
    try:
        buffer.pop()
    except FrameError:
        return


def test_a_payload_over_the_limit_is_refused_before_it_is_read() -> None:
    raw = make_frame(b"x" * 201)
    with pytest.raises(PayloadTooLarge):
        read(raw)
    buffer = FrameBuffer(speaker=Speaker.GUEST, payload_limit=100)
    buffer.feed(raw[:60])
    with pytest.raises(PayloadTooLarge):
        buffer.pop()


def test_a_header_over_the_limit_is_not_written() -> None:
    with pytest.raises(FrameError):
        write_frame(io.BytesIO(), Message.LOG, text="x" * HEADER_LIMIT)


def test_text_is_made_fit_for_a_frame() -> None:
    assert make_text("a\udc80" + "b" * 400, chars=ERROR_CHARS) == "a?" + "b" * 298
    assert make_text("abc", chars=2, last=True) == "bc"
