"""How long the processes of a box were ready to run and had no core, as this host's kernel counted it."""

from contextlib import suppress
from pathlib import Path

PROCESSES = Path("/proc")


def read_waiting(pid: int, processes: Path = PROCESSES) -> float:
    """Seconds of a process and of all below it that live now; 0 where the kernel does not tell."""
    seconds, found = 0.0, [pid]
    while found:
        process = processes / str(found.pop())
        with suppress(OSError, ValueError, IndexError):
            seconds += int((process / "schedstat").read_text().split()[1]) / 1e9
            found += map(int, (process / "task" / process.name / "children").read_text().split())
    return seconds
