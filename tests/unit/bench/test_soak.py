import os
import time
from pathlib import Path

from bench.soak.samples import STALE_SECONDS, count_cgroups
from worker.runner.cgroup import name_prefix


def make_cgroup(folder: Path, *, age_seconds: float, processes: str = "") -> None:
    folder.mkdir(parents=True)
    (folder / "cgroup.procs").write_text(processes)
    made = time.time() - age_seconds  # noqa: TID251  (files have dates)
    os.utime(folder, (made, made))


def test_only_the_empty_old_cgroups_of_the_own_platform_are_left_over(tmp_path: Path) -> None:
    mine, other, old = name_prefix("mine"), name_prefix("other"), STALE_SECONDS + 60
    make_cgroup(tmp_path / "memory" / f"{mine}1", age_seconds=old)
    make_cgroup(tmp_path / "cpu" / "deep" / f"{mine}1", age_seconds=old)
    make_cgroup(tmp_path / "memory" / f"{mine}2", age_seconds=0)  # about to be taken away
    make_cgroup(tmp_path / "memory" / f"{mine}3", age_seconds=old, processes="17")
    make_cgroup(tmp_path / "memory" / f"{other}1", age_seconds=old)
    make_cgroup(tmp_path / "memory" / "lacuna-1", age_seconds=old)
    assert count_cgroups(tmp_path, "mine") == 2
