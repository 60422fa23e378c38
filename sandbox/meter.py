"""Processor time of the whole box, read from its own cgroup: whatever runs in the box is in it, waited for or not.

The parent opens the file before the first replica, each keeper reads it, and replicas get no descriptor of it.
"""

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from sandbox.cage import is_first

MOUNTED = Path("/sys/fs/cgroup")  # an engine mounts the box's own cgroup there, and no other
COUNTERS = ("cpu.stat", "cpuacct/cpuacct.usage", "cpu,cpuacct/cpuacct.usage")
USAGE_V2 = "usage_usec"
READ_BYTES = 4096
METERED = "metered"  # the argument of a box that was given a descriptor


class Meter:
    """Without a descriptor, or with one of another file, it reads None."""

    def __init__(self, fd: int | None) -> None:
        self._fd = fd

    def read_others(self) -> float | None:
        """Seconds that all processes of the box but this one have used since it began."""
        if self._fd is None:
            return None
        own = time.process_time()  # first: asking for it has the kernel book what is running now
        try:
            usage = parse_usage(os.pread(self._fd, READ_BYTES, 0).decode())
        except (OSError, ValueError):
            return None
        return None if usage is None else usage - own


def open_meter(arguments: Sequence[str], *, mounted: Path = MOUNTED) -> Meter:
    """The descriptor that the host left open, or else the file that an engine shows in a box of its own."""
    if METERED in arguments:
        return Meter(_find_inherited())
    if is_first():
        for counter in COUNTERS:
            path = mounted / counter
            if path.is_file() and _is_ours_alone(path.with_name("cgroup.procs")):
                return Meter(os.open(path, os.O_RDONLY))
    return Meter(None)


def parse_usage(text: str) -> float | None:
    """Version 1 says nanoseconds and no more; version 2 microseconds, among other lines; None if neither is there."""
    if text.strip().isdigit():
        return int(text) / 1e9
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        if name == USAGE_V2:
            return int(value) / 1e6
    return None


def _find_inherited() -> int | None:
    """The descriptor that holds a counter. Its number is not said: in `sys.argv` it would tell one box from another."""
    for fd in sorted(int(name) for name in os.listdir("/proc/self/fd")):
        with suppress(OSError, ValueError):
            if fd > 2 and parse_usage(os.pread(fd, READ_BYTES, 0).decode()) is not None:
                return fd
    return None


def _is_ours_alone(members: Path) -> bool:
    """A process outside of this box is listed as 0: then the cgroup is not the box's own."""
    with suppress(OSError, ValueError):
        pids = [int(line) for line in members.read_text().split()]
        return os.getpid() in pids and 0 not in pids
    return False
