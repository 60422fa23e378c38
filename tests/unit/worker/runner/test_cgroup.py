import os
from pathlib import Path

import pytest

from worker.runner import cgroup
from worker.runner.guest import PROBE_LIMITS


@pytest.fixture
def unified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder laid out like version 2; its files are plain ones, which is enough to read what was written."""
    (tmp_path / "cgroup.controllers").write_text("memory pids cpu\n")
    monkeypatch.setattr(cgroup, "ROOT", tmp_path)
    return tmp_path


def test_version_2_gets_every_limit_in_one_folder(unified: Path) -> None:
    made = cgroup.make_cgroup(PROBE_LIMITS)
    assert made is not None
    (folder,) = made.folders
    assert folder.parent == unified / "lacuna"
    written = {path.name: path.read_text() for path in folder.iterdir()}
    assert written == {
        "memory.max": str(PROBE_LIMITS.memory_bytes),
        "memory.swap.max": "0",
        "pids.max": str(PROBE_LIMITS.processes + cgroup.SPARE_PROCESSES),
        "cpu.max": "100000 100000",
    }
    assert made.join_files == (str(folder / "cgroup.procs"),)


def test_kills_for_memory_are_counted(unified: Path) -> None:
    made = cgroup.make_cgroup(PROBE_LIMITS)
    assert made is not None
    assert made.count_memory_kills() == 0
    (made.folders[0] / "memory.events").write_text("low 0\noom 3\noom_kill 2\n")
    assert made.count_memory_kills() == 2


def test_where_cgroups_cannot_be_made_there_is_none(unified: Path) -> None:
    (unified / "lacuna").write_text("in the way")
    assert cgroup.make_cgroup(PROBE_LIMITS) is None


def test_removal_takes_the_folders_away(tmp_path: Path) -> None:
    folder = tmp_path / "lacuna-x"
    folder.mkdir()
    cgroup.Cgroup((folder, tmp_path / "never-made")).remove()
    assert not folder.exists()


def test_stale_folders_are_removed_and_others_left(unified: Path) -> None:
    parent = unified / "lacuna"
    for name in ("lacuna-old", "lacuna-used/child", "lacuna-young", "other"):
        (parent / name).mkdir(parents=True)
    for name in ("lacuna-old", "lacuna-used", "other"):
        os.utime(parent / name, (1, 1))
    cgroup.remove_stale_cgroups()
    assert sorted(path.name for path in parent.iterdir()) == ["lacuna-used", "lacuna-young", "other"]


def test_a_name_says_whose_it_is(unified: Path) -> None:
    for owner in ("mine", "mine", "other"):
        cgroup.make_cgroup(PROBE_LIMITS, owner=owner)
    assert len(list((unified / "lacuna").glob(f"{cgroup.name_prefix('mine')}*"))) == 2


def test_processor_time_is_read_where_the_kernel_counts_it(unified: Path) -> None:
    made = cgroup.make_cgroup(PROBE_LIMITS)
    assert made is not None
    assert made.open_meter() is None
    (made.folders[0] / "cpu.stat").write_text("usage_usec 5\n")
    fd = made.open_meter()
    assert fd is not None
    assert os.read(fd, 100) == b"usage_usec 5\n"
    os.close(fd)


def test_two_controllers_of_one_hierarchy_share_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = tmp_path / "cpu,cpuacct"
    shared.mkdir()
    for name in ("cpu", "cpuacct"):
        (tmp_path / name).symlink_to(shared)
    monkeypatch.setattr(cgroup, "ROOT", tmp_path)
    monkeypatch.setattr(cgroup, "_parents_v1", lambda: dict.fromkeys(("cpu", "cpuacct"), shared))
    made = cgroup.make_cgroup(PROBE_LIMITS)
    assert made is not None
    assert [folder.parent for folder in made.folders] == [shared]


@pytest.mark.parametrize("name", ["memory.reclaim", "memory.force_empty"])
def test_what_a_box_left_in_caches_is_reclaimed_by_the_file_that_the_kernel_has(unified: Path, name: str) -> None:
    made = cgroup.make_cgroup(PROBE_LIMITS)
    assert made is not None
    made.reclaim()
    assert not (made.folders[0] / name).exists()
    (made.folders[0] / name).touch()
    made.reclaim()
    assert (made.folders[0] / name).read_text() == cgroup.RECLAIM[name]


def test_how_much_a_box_ever_used_is_forgotten_with_it(unified: Path) -> None:
    made = cgroup.make_cgroup(PROBE_LIMITS)
    assert made is not None
    (made.folders[0] / "memory.max_usage_in_bytes").write_text("123456")
    made.reclaim()
    assert (made.folders[0] / "memory.max_usage_in_bytes").read_text() == "0"
    assert not (made.folders[0] / "memory.failcnt").exists()
