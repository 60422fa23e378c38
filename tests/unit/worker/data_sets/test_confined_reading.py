import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from core.domain.data_sets import DataFormat
from core.domain.errors import InvalidInput, PlatformFault
from tests.unit.worker.data_sets.uploads import make_npz, make_picture_files, make_zip
from worker.data_sets import reading
from worker.data_sets.arrays import Tensors, pack_tensors
from worker.data_sets.npz import read_npz
from worker.data_sets.reading import ReadLimits, read_confined
from worker.runner import confined
from worker.runner.confined import has_bubblewrap

BOXES = (
    pytest.param(True, marks=pytest.mark.skipif(not has_bubblewrap(), reason="bubblewrap does not work here")),
    False,
)
LIMITS = ReadLimits(memory_bytes=2 << 30, cpu_seconds=5, wall_seconds=20.0, file_bytes=1 << 19)


def do(deed: bytes, *, box: bool = False, limits: ReadLimits = LIMITS) -> str:
    with pytest.raises(InvalidInput) as caught:
        read_confined(deed, DataFormat.NPZ, limits=limits, box=box)
    return caught.value.message


@pytest.fixture
def hostile(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader does what the upload says."""
    monkeypatch.setattr(reading, "MODULE", "tests.hostile_reader")
    monkeypatch.setattr(reading, "CODE", (*reading.CODE, "tests/hostile_reader.py"))


@pytest.mark.parametrize("box", BOXES)
def test_what_a_child_reads_is_what_is_in_the_upload(box: bool) -> None:
    found = read_confined(make_npz(), DataFormat.NPZ, box=box)
    assert pack_tensors(found) == pack_tensors(read_npz(make_npz()))
    pictures = read_confined(make_zip(make_picture_files()), DataFormat.IMAGES, box=box)
    assert pictures.class_names == ("cat", "dog")


@pytest.mark.parametrize("box", BOXES)
def test_a_refusal_comes_back_in_its_own_words(box: bool) -> None:
    assert "not a zip" in do(b"not a zip", box=box)


@pytest.mark.usefixtures("hostile")
@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize(
    ("deed", "reason"),
    [
        (b"crash", "a decoder crashed on it"),
        (b"memory", "of memory"),
        (b"flood", "went beyond what a reader may do"),
        (b"files", "wrote more than a reader may"),
        (b"link", "left no result"),
        (b"nothing", "left no result"),
        (b"forge:no tensors", "makes no sense"),
    ],
)
def test_whatever_an_upload_does_to_its_reader_refuses_the_upload(deed: bytes, reason: str, *, box: bool) -> None:
    assert reason in do(deed, box=box)


FORK = f"""
import os
from worker.data_sets.child import limit
if os.geteuid() == 0:  # no such limit holds root
    os.setuid(65534)
limit({2 << 30}, 5, {1 << 19})
try:
    os.fork()
except BlockingIOError:
    raise SystemExit(7)
"""


def test_a_reader_starts_no_process_that_could_outlive_it() -> None:
    assert subprocess.run([sys.executable, "-c", FORK], check=False).returncode == 7


def test_bubblewrap_that_failed_once_is_tried_again_and_one_that_worked_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tries = iter([False, True])
    monkeypatch.setattr(confined, "_try_bubblewrap", cache(lambda: next(tries)))
    assert [confined.has_bubblewrap() for _ in range(3)] == [False, True, True]


def test_reading_without_bubblewrap_is_said_in_the_log() -> None:
    with capture_logs() as told:
        read_confined(make_npz(), DataFormat.NPZ, box=False)
    assert [(line["log_level"], "without bubblewrap" in line["event"]) for line in told] == [("warning", True)]


@pytest.mark.usefixtures("hostile")
@pytest.mark.parametrize("box", BOXES)
def test_a_reader_that_never_ends_is_killed(box: bool) -> None:
    assert "longer than 6 seconds" in do(b"spin", box=box, limits=ReadLimits(wall_seconds=6.0))


@pytest.mark.usefixtures("hostile")
def test_a_reader_that_burns_the_processor_is_killed() -> None:
    assert "it was killed" in do(b"spin", limits=ReadLimits(cpu_seconds=1))


def forge(**changes: object) -> bytes:
    honest = read_npz(make_npz())
    parts = {name: getattr(honest, name) for name in ("train_x", "train_y", "test_x", "test_y", "class_names")}
    return b"forge:" + pack_tensors(Tensors(**(parts | changes)))  # type: ignore[arg-type]


@pytest.mark.usefixtures("hostile")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"train_x": np.full((24, 1, 6, 6), np.nan, np.float32)}, "not finite"),
        ({"train_y": np.full(24, -1)}, "labels must lie"),
        ({"class_names": ("a", "a", "b")}, "class names must differ"),
        ({"train_x": np.zeros((24, 1, 6, 6), np.float64)[:, :, :0]}, "a side has"),
        ({"test_y": np.zeros(3, np.int64)}, "0 images and 3 labels"),
    ],
)
def test_what_a_child_hands_back_is_checked_again(changes: dict[str, object], reason: str) -> None:
    assert reason in do(forge(**changes))


@pytest.mark.usefixtures("hostile")
@pytest.mark.parametrize("box", BOXES)
def test_a_child_inherits_no_secrets(box: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LACUNA_DATABASE_URL", "postgresql://secret")
    (tmp_path / "secret").touch()
    seen = do(f"look:{tmp_path / 'secret'}".encode(), box=box)
    assert "variable" not in seen
    if box:  # without it the limits hold, and this machine's files and network are in reach
        assert seen == "nothing"


def test_a_reader_that_cannot_start_is_no_fault_of_the_upload(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MODULE", "worker.data_sets.none")
    with pytest.raises(PlatformFault, match="did not start"):
        read_confined(make_npz(), DataFormat.NPZ, box=False)
