"""What retraining costs in the sandbox on this class of node, and what starting a replica costs by itself.

Both are measured by ordinary submissions: `baselines/retrain.py` with the problem's recipe, and
`baselines/identity.py`, whose whole cost is the sandbox's own and is taken off either side of the ratio.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from core.domain.runtime import CpuClock
from core.problems import Gate
from evaluator.runtime import RelativeRuntime, compute_gated_runtime, compute_relative_runtime

# Without a cgroup, processor time that a replica hides from its parent shows on the wall alone: docs/decisions/0007
WALL_SLACK = 2.0
Seconds = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class RunSeconds:
    """Seconds of each replica of one file, by the wall and by the processor."""

    wall: Seconds
    cpu: Seconds
    clock: CpuClock = CpuClock.PROCESS
    waited: float | None = None  # share of the wall's; None where the kernel did not tell


@dataclass(frozen=True, slots=True)
class RetrainCost:
    retrain: RunSeconds
    idle: RunSeconds
    evaluation_ids: tuple[str, ...] = ()

    @property
    def wall_seconds(self) -> float:
        """Of one retraining, as the clock outside sees it."""
        return float(np.mean(self.retrain.wall))

    def compare(self, run: RunSeconds, gate: Gate) -> RelativeRuntime:
        """Relative runtime by the clock that the gate reads."""
        wall, cpu = self.compare_both(run)
        if gate is Gate.CPU and run.clock is CpuClock.CGROUP:
            return cpu
        if gate is Gate.CPU:
            wall = replace(
                wall, estimate=wall.estimate / WALL_SLACK, low=wall.low / WALL_SLACK, high=wall.high / WALL_SLACK
            )
        return compute_gated_runtime(wall=wall, cpu=cpu)

    def compare_both(self, run: RunSeconds) -> tuple[RelativeRuntime, RelativeRuntime]:
        return (
            compute_relative_runtime(
                _without_start(run.wall, self.idle.wall), _without_start(self.retrain.wall, self.idle.wall)
            ),
            compute_relative_runtime(
                _without_start(run.cpu, self.idle.cpu), _without_start(self.retrain.cpu, self.idle.cpu)
            ),
        )


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


def _share_of_waiting(replicas: Sequence[Timed]) -> float | None:
    told = [
        (replica.waited_seconds, replica.wall_seconds) for replica in replicas if replica.waited_seconds is not None
    ]
    wall = sum(seconds for _, seconds in told)
    return min(1.0, sum(waited for waited, _ in told) / wall) if wall > 0 else None


def _without_start(seconds: Seconds, idle: Seconds) -> npt.NDArray[np.float64]:
    # the median: one replica that was held up must not make everybody's start look dear
    return np.maximum(np.asarray(seconds) - np.median(idle), 0.0)
