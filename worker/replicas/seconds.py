"""Seconds of runs and of what was timed among them, by the wall and by the processor."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal, Protocol

import numpy as np

from core.domain.runtime import CpuClock
from evaluator.paired import Block

Seconds = tuple[float, ...]
Clock = Literal["wall", "cpu"]


@dataclass(frozen=True, slots=True)
class RunSeconds:
    """Seconds of each replica of one file, by the wall and by the processor."""

    wall: Seconds
    cpu: Seconds
    clock: CpuClock = CpuClock.PROCESS
    waited: float | None = None  # share of the wall's; None where the kernel did not tell

    def read(self, clock: Clock) -> Seconds:
        return self.wall if clock == "wall" else self.cpu


@dataclass(frozen=True, slots=True)
class MeasuredShard:
    """Runs in the order in which they ran, and the yardsticks and idle runs spread evenly among them."""

    runs: RunSeconds
    yardsticks: RunSeconds
    idles: RunSeconds
    is_extra: bool = False  # of runs that are not scored

    def find_start(self, clock: Clock, idle: float) -> float:
        """What a run costs that does nothing; idle: if none ran here."""
        idles = self.idles.read(clock)
        return float(np.median(idles)) if idles else idle

    def make_blocks(self, clock: Clock, idle: float) -> list[Block]:
        """One for each yardstick, or for each run if those are fewer."""
        runs, yardsticks = self.runs.read(clock), self.yardsticks.read(clock)
        count = min(len(runs), len(yardsticks))
        start = self.find_start(clock, idle)
        groups = zip(_cut(runs, count), _cut(yardsticks, count), strict=True)
        blocks = [Block(float(np.mean(ours)), len(ours), float(np.mean(theirs)), start) for ours, theirs in groups]
        return [block for block in blocks if block.is_usable]


class Timed(Protocol):
    """A replica as it was inspected or as it is stored; both carry the same clocks."""

    @property
    def wall_seconds(self) -> float: ...

    @property
    def cpu_seconds(self) -> float: ...

    @property
    def clock(self) -> CpuClock: ...

    @property
    def waited_seconds(self) -> float | None: ...


def collect_seconds(replicas: Sequence[Timed]) -> RunSeconds:
    """The weaker clock of two is that of the whole."""
    is_metered = bool(replicas) and all(replica.clock is CpuClock.CGROUP for replica in replicas)
    return RunSeconds(
        tuple(replica.wall_seconds for replica in replicas),
        tuple(replica.cpu_seconds for replica in replicas),
        clock=CpuClock.CGROUP if is_metered else CpuClock.PROCESS,
        waited=_share_of_waiting(replicas),
    )


def join_seconds(runs: Sequence[RunSeconds]) -> RunSeconds:
    """As if they had run one after the other; how long they waited is not kept."""
    is_metered = bool(runs) and all(run.clock is CpuClock.CGROUP for run in runs)
    return RunSeconds(
        tuple(seconds for run in runs for seconds in run.wall),
        tuple(seconds for run in runs for seconds in run.cpu),
        clock=CpuClock.CGROUP if is_metered else CpuClock.PROCESS,
    )


def dump_seconds(run: RunSeconds) -> dict[str, Any]:
    """As the database keeps it."""
    return asdict(run)


def parse_seconds(stored: Mapping[str, Any]) -> RunSeconds:
    clock = CpuClock(stored.get("clock", CpuClock.PROCESS))
    return RunSeconds(tuple(stored["wall"]), tuple(stored["cpu"]), clock, stored.get("waited"))


def dump_shard(shard: MeasuredShard) -> dict[str, Any]:
    return {
        "runs": dump_seconds(shard.runs),
        "yardsticks": dump_seconds(shard.yardsticks),
        "idles": dump_seconds(shard.idles),
        "is_extra": shard.is_extra,
    }


def parse_shard(stored: Mapping[str, Any]) -> MeasuredShard:
    runs, yardsticks, idles = (parse_seconds(stored[name]) for name in ("runs", "yardsticks", "idles"))
    return MeasuredShard(runs, yardsticks, idles, is_extra=stored["is_extra"])


def _cut(seconds: Seconds, count: int) -> list[Seconds]:
    """Into as many neighbouring groups of nearly one size."""
    edges = [-(-place * len(seconds) // count) for place in range(count + 1)] if count else [0]
    return [seconds[start:end] for start, end in pairwise(edges)]


def _share_of_waiting(replicas: Sequence[Timed]) -> float | None:
    told = [
        (replica.waited_seconds, replica.wall_seconds) for replica in replicas if replica.waited_seconds is not None
    ]
    wall = sum(seconds for _, seconds in told)
    return min(1.0, sum(waited for waited, _ in told) / wall) if wall > 0 else None
