"""An upload is read in another process: the same answer, and whatever it does to its reader is its own fault."""

import io
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from core.domain.errors import ParticipantFault
from core.domain.faults import FaultCode
from core.domain.intake.reading import read_submission
from core.reader.apart import Child, ReadLimits, read_apart
from core.reader.wire import Unreadable, unpack
from tests import factories

LIMIT = 1 << 20
NOTEBOOK = b"""{"cells": [{"cell_type": "code", "source": "!pip install x\\nimport torch\\nUNUSED = 1"},
 {"cell_type": "code", "source": "def unlearning(net, retain, forget, val):\\n    return net\\nprint(1)"}],
 "nbformat": 4}"""


def make_zip(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.py", factories.SOURCE),
        ("a.ipynb", NOTEBOOK),
        ("a.zip", make_zip({"submission.py": factories.SOURCE, "more.py": b"X = 1\n", "notes.txt": b"\xff\xfe"})),
    ],
)
def test_it_is_read_as_it_would_be_here(name: str, content: bytes) -> None:
    assert read_apart(name, content, limit_bytes=LIMIT) == read_submission(name, content, limit_bytes=LIMIT)


@pytest.mark.parametrize(("name", "content"), [("a.py", b"def"), ("a.txt", b"x"), ("a\udc80\u202e.zip", b"PK\3\4")])
def test_a_refusal_is_the_same_too(name: str, content: bytes) -> None:
    with pytest.raises(ParticipantFault) as here:
        read_submission(name.encode("utf-8", "replace").decode(), content, limit_bytes=LIMIT)
    with pytest.raises(ParticipantFault) as apart:
        read_apart(name, content, limit_bytes=LIMIT)
    assert (apart.value.code, apart.value.message) == (here.value.code, here.value.message)


def test_time_and_memory_end_a_reading_and_not_its_reader() -> None:
    slow = b"x = [" + b"1," * 120_000 + b"]\n" + factories.SOURCE
    for limits, words in (
        (ReadLimits(memory_bytes=64 << 20), "too deeply|MiB of memory"),  # the parser takes want of memory for depth
        (ReadLimits(wall_seconds=0.05), "seconds of a processor"),
    ):
        for _ in range(2):
            with pytest.raises(ParticipantFault, match=words):
                read_apart("a.py", slow, limit_bytes=LIMIT, limits=limits)


def test_a_reader_that_is_killed_is_replaced() -> None:
    limits = ReadLimits(cpu_seconds=4)
    child = Child(limits)
    os.kill(child._process.pid, signal.SIGKILL)
    child._process.wait()
    assert not child.is_alive
    assert read_apart("a.py", factories.SOURCE, limit_bytes=LIMIT, limits=limits).files


def test_a_frozen_reader_ends_with_whoever_started_it() -> None:
    code = "import time; from core.reader.apart import LIMITS, Child; child = Child(LIMITS)\n"
    code += "print(child._process.pid, flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        reader = int(parent.stdout.readline())
        os.kill(reader, signal.SIGSTOP)
        assert _wait_for(reader, "T")
        parent.kill()
    assert _wait_for(reader, "", "Z")


def _wait_for(pid: int, *states: str) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if _read_state(pid) in states:
            return True
        time.sleep(0.02)
    return False


def _read_state(pid: int) -> str:
    """One letter, as ps shows it; empty for a process that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def test_many_small_files_are_bounded_together() -> None:
    packed = make_zip({"submission.py": factories.SOURCE, **{f"m{i}.py": b"x = 1\n" * 10_000 for i in range(18)}})
    assert len(packed) < 10_000
    with pytest.raises(ParticipantFault) as refusal:
        read_apart("a.zip", packed, limit_bytes=5 << 20)
    assert refusal.value.code is FaultCode.TOO_LARGE


def test_depth_has_one_bound_wherever_it_is_read() -> None:
    nested = b"x = " + b"+".join([b"1"] * 250) + b"\n" + factories.SOURCE
    with pytest.raises(ParticipantFault, match="too deeply"):
        read_submission("a.py", nested, limit_bytes=LIMIT)
    fine = b"x = " + b"+".join([b"1"] * 150) + b"\n" + factories.SOURCE
    assert read_submission("a.py", fine, limit_bytes=LIMIT).files


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"[]",
        b"{}",
        b"7",
        b"null",
        b"[" * 100_000,
        b'{"code": "NO_SUCH", "message": ""}',
        b'{"code": "EXCEPTION", "message": []}',
        b'{"code": []}',
        b'{"files": {"a": 1}, "origin": "file", "kept": [], "left_out": [], "changed": [], "warnings": []}',
        b'{"files": {"a": "!"}, "origin": "file", "kept": [], "left_out": [], "changed": [], "warnings": []}',
        b'{"files": {}, "origin": "file", "kept": [1], "left_out": [], "changed": [], "warnings": []}',
        b'{"files": {}, "origin": "file", "kept": [], "left_out": [], "changed": [], "warnings": [1]}',
        b'{"files": {}, "origin": {}, "kept": [], "left_out": [], "changed": [], "warnings": []}',
    ],
)
def test_an_answer_that_a_reader_cannot_have_written_is_not_believed(answer: bytes) -> None:
    with pytest.raises(Unreadable):
        unpack(answer)
