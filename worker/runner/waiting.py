"""How long the processes of a box were ready to run and had no core, as this host's kernel counted it."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

PROCESSES = Path("/proc")


class Turns(NamedTuple):
    """Seconds of one thread: on a core, and ready for one."""

    ran: float
    waited: float


NO_TURNS = Turns(0.0, 0.0)


def read_turns(pid: int, processes: Path = PROCESSES) -> dict[int, Turns]:
    """By number, each thread that lives now of a process and of all below it; none where the kernel does not tell."""
    turns: dict[int, Turns] = {}
    found = [pid]
    while found:
        for task in sorted((processes / str(found.pop()) / "task").glob("*")):
            with suppress(OSError, ValueError, IndexError):
                ran, waited = (int(value) / 1e9 for value in (task / "schedstat").read_text().split()[:2])
                turns[int(task.name)] = Turns(ran, waited)
                found += map(int, (task / "children").read_text().split())
    return turns


def count_waiting(before: Mapping[int, Turns], now: Mapping[int, Turns]) -> float:
    """Seconds that the thread which waited longest lost to others than its own box.

    What the box's other threads ran meanwhile they may have run in its place: nobody earns time by crowding himself.
    """
    spans = [
        Turns(turns.ran - before.get(number, NO_TURNS).ran, turns.waited - before.get(number, NO_TURNS).waited)
        for number, turns in now.items()
    ]
    longest = max(spans, key=lambda turns: turns.waited, default=NO_TURNS)
    return max(0.0, longest.waited - sum(turns.ran for turns in spans) + longest.ran)
