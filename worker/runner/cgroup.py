"""Memory, process and CPU caps for a box without a container engine, where this process may write cgroups."""

import os
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from sandbox.meter import parse_usage
from worker.runner.base import Limits
from worker.runner.guest import PROBE_LIMITS

ROOT = Path("/sys/fs/cgroup")
PREFIX = "lacuna-"
NOBODY = "nobody"  # made it for a platform: probes, tests, what runs on a participant's machine
SPARE_PROCESSES = 8  # the parent in the box and its helpers
CPU_PERIOD_US = 100_000
REMOVE_TRIES = 50
STALE_SECONDS = 60.0
RECLAIM = {"memory.force_empty": "0", "memory.reclaim": "1T"}  # versions 1 and 2
# version 1 alone: version 2 keeps its peaks
PEAKS = ("memory.max_usage_in_bytes", "memory.memsw.max_usage_in_bytes", "memory.failcnt", "memory.memsw.failcnt")
METERS = ("cpuacct.usage", "cpu.stat")  # versions 1 and 2


@dataclass(frozen=True, slots=True)
class Cgroup:
    """The folders a box's first process joins; one with version 2, one a controller with version 1."""

    folders: tuple[Path, ...]

    @property
    def join_files(self) -> tuple[str, ...]:
        return tuple(str(folder / "cgroup.procs") for folder in self.folders)

    def count_memory_kills(self) -> int:
        for folder in self.folders:
            for name in ("memory.events", "memory.oom_control"):
                with suppress(OSError):
                    return _read_counter(folder / name, "oom_kill")
        return 0

    def open_meter(self) -> int | None:
        """A descriptor of the file that counts the box's processor time; None if the kernel keeps none."""
        for folder in self.folders:
            for name in METERS:
                with suppress(OSError):
                    if parse_usage((folder / name).read_text()) is not None:
                        return os.open(folder / name, os.O_RDONLY)
        return None

    def reclaim(self) -> None:
        """Have the kernel forget what files and names the box looked at, and how much it ever used; the rest stays."""
        for folder in self.folders:
            for name, value in (RECLAIM | dict.fromkeys(PEAKS, "0")).items():
                with suppress(OSError):  # the kernel also says so when less was there
                    if (folder / name).exists():
                        (folder / name).write_text(value)

    def remove(self) -> None:
        """Remove the folders once their processes are gone; the kernel takes a moment over that."""
        for folder in self.folders:
            for _ in range(REMOVE_TRIES):
                try:
                    folder.rmdir()
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(0.02)
                else:
                    break


def make_cgroup(limits: Limits, *, owner: str = NOBODY) -> Cgroup | None:
    """Make a cgroup with these limits, or None where that is not allowed (no root, read-only, other layout)."""
    name = f"{name_prefix(owner)}{secrets.token_hex(6)}"
    made: list[Path] = []
    try:
        values = _values_v2(limits) if (ROOT / "cgroup.controllers").exists() else _values_v1(limits)
        for parent, settings in values.items():
            folder = parent / name
            folder.mkdir()
            made.append(folder)
            for file, value in settings.items():
                _write_setting(folder / file, value)
    except OSError:
        Cgroup(tuple(made)).remove()
        return None
    return Cgroup(tuple(made)) if made else None


def name_prefix(owner: str) -> str:
    """How the names of all cgroups of one platform begin."""
    return f"{PREFIX}{owner}-"


@cache
def may_make_cgroups() -> bool:
    """Whether this process may at all; asked once, by making one."""
    cgroup = make_cgroup(PROBE_LIMITS)
    if cgroup is not None:
        cgroup.remove()
    return cgroup is not None


def remove_stale_cgroups() -> None:
    """Remove empty leftovers of killed workers; one in use cannot be removed, and a young one may be about to be."""
    newest = datetime.now(UTC).timestamp() - STALE_SECONDS
    for parent in {*_parents_v1().values(), ROOT / "lacuna"}:
        with suppress(OSError):
            for folder in parent.glob(f"{PREFIX}*"):
                with suppress(OSError):
                    if folder.stat().st_mtime < newest:
                        folder.rmdir()


def _write_setting(path: Path, value: str) -> None:
    try:
        path.write_text(value)
    except OSError:
        if path.name not in ("memory.memsw.limit_in_bytes", "memory.swap.max"):  # kernels without swap accounting
            raise


def _values_v1(limits: Limits) -> Mapping[Path, Mapping[str, str]]:
    settings = {
        "memory": {
            "memory.limit_in_bytes": str(limits.memory_bytes),
            "memory.memsw.limit_in_bytes": str(limits.memory_bytes),
        },
        "pids": {"pids.max": str(limits.processes + SPARE_PROCESSES)},
        "cpu": {"cpu.cfs_period_us": str(CPU_PERIOD_US), "cpu.cfs_quota_us": str(CPU_PERIOD_US)},
        "cpuacct": {},
    }
    found: dict[Path, dict[str, str]] = {}
    for name, folder in _parents_v1().items():  # two controllers may share a hierarchy
        found.setdefault(folder, {}).update(settings[name])
    return found


def _parents_v1() -> dict[str, Path]:
    """Where this process is in each version 1 hierarchy: limits above us go on holding for what we start."""
    found = {}
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, names, path = line.split(":", 2)
            for name in names.split(","):
                folder = ROOT / name / path.lstrip("/")
                if name in ("memory", "pids", "cpu", "cpuacct") and folder.is_dir():
                    found[name] = folder.resolve()
    return found


def _values_v2(limits: Limits) -> Mapping[Path, Mapping[str, str]]:
    parent = ROOT / "lacuna"
    parent.mkdir(exist_ok=True)
    (parent / "cgroup.subtree_control").write_text("+memory +pids +cpu")
    return {
        parent: {
            "memory.max": str(limits.memory_bytes),
            "memory.swap.max": "0",
            "pids.max": str(limits.processes + SPARE_PROCESSES),
            "cpu.max": f"{CPU_PERIOD_US} {CPU_PERIOD_US}",
        }
    }


def _read_counter(path: Path, name: str) -> int:
    for line in path.read_text().splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return int(value)
    return 0
