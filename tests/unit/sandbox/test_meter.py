import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox import meter
from sandbox.meter import Meter, open_meter, parse_usage
from sandbox.watch import read_waiting


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meter, "is_first", lambda: True)


def write_counter(mounted: Path, name: str, text: str, *, members: str) -> None:
    path = mounted / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.with_name("cgroup.procs").write_text(members)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2500000000\n", 2.5),
        ("usage_usec 2500000\nuser_usec 1\nsystem_usec 2\n", 2.5),
        ("nr_periods 7\nnr_throttled 0\n", None),  # version 1 has a file of this name too, which counts no time
        ("", None),
    ],
)
def test_both_versions_are_read_in_seconds(text: str, seconds: float | None) -> None:
    assert parse_usage(text) == seconds


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    ("name", "text"), [("cpu.stat", "usage_usec 9000000"), ("cpuacct/cpuacct.usage", "9000000000")]
)
def test_the_cgroup_an_engine_shows_is_read_without_the_readers_own_time(tmp_path: Path, name: str, text: str) -> None:
    write_counter(tmp_path, name, text, members=f"{os.getpid()}\n")
    others = open_meter([], mounted=tmp_path).read_others()
    assert others is not None
    assert 9.0 - time.process_time() <= others < 9.0


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("members", ["0\n{pid}\n", "", "noise"])
def test_a_cgroup_that_is_not_the_boxs_own_is_not_read(tmp_path: Path, members: str) -> None:
    write_counter(tmp_path, "cpu.stat", "usage_usec 1", members=members.format(pid=os.getpid()))
    assert open_meter([], mounted=tmp_path).read_others() is None


def test_a_process_among_others_takes_no_cgroup_for_its_own(tmp_path: Path) -> None:
    write_counter(tmp_path, "cpu.stat", "usage_usec 1", members=f"{os.getpid()}\n")
    assert open_meter([], mounted=tmp_path).read_others() is None


@pytest.mark.parametrize("text", ["", "nr_periods 1\n"])
def test_a_file_that_counts_nothing_gives_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "counter"
    path.write_text(text)
    fd = os.open(path, os.O_RDONLY)
    assert Meter(fd).read_others() is None
    os.close(fd)
    assert Meter(fd).read_others() is None


def test_an_inherited_counter_is_found_whatever_its_number(tmp_path: Path) -> None:
    path = tmp_path / "cpu.stat"
    path.write_text("usage_usec 9000000000\n")
    low = os.open(path, os.O_RDONLY)
    fd = fcntl.fcntl(low, fcntl.F_DUPFD, 200)
    os.close(low)
    code = f"from sandbox.meter import open_meter; print(open_meter(['metered'])._fd == {fd})"
    told = subprocess.run([sys.executable, "-c", code], pass_fds=(fd,), capture_output=True, text=True, check=True)
    os.close(fd)
    assert told.stdout.strip() == "True"


@pytest.mark.parametrize(
    ("text", "seconds"), [("7 2500000000 3\n", 2.5), ("7\n", None), ("a b c\n", None), (None, None)]
)
def test_waiting_is_told_where_the_kernel_keeps_it(tmp_path: Path, text: str | None, seconds: float | None) -> None:
    (tmp_path / "7").mkdir()
    if text is not None:
        (tmp_path / "7" / "schedstat").write_text(text)
    assert read_waiting(7, tmp_path) == seconds
