"""What a submission costs, as a share of retraining in the same sandbox on the same class of node.

Both were measured beside the same yardstick, and a run that does nothing is taken off on either side.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from core.domain.runtime import CpuClock
from core.problem_parts import Gate
from evaluator.errors import InvalidPool
from evaluator.paired import (
    Block,
    Ratio,
    combine_ratios,
    compute_paired_runtime,
    compute_ratio,
    measure_noise,
    settle,
)
from evaluator.runtime import RelativeRuntime, compute_gated_runtime, compute_relative_runtime
from worker.replicas.seconds import Clock, MeasuredShard, RunSeconds, Seconds, join_seconds

# Without a cgroup, processor time that a replica hides from its parent shows on the wall alone: docs/decisions/0007
WALL_SLACK = 2.0
WORTH_TELLING = 0.05  # share of waiting
WELL_KNOWN = 0.012  # relative error of the tie; while it is larger, retraining is measured once more
KNOWN_FOR_PRACTICE = 0.05  # the same where nothing is won: it widens every interval by no more than a budget in six
MOST_WALL = 2.0  # of the processor's seconds: more, and other work had the core for most of the time


@dataclass(frozen=True, slots=True)
class RetrainCost:
    """What retraining costs on a class of node, and what a run that does nothing does."""

    retrain: RunSeconds
    idle: RunSeconds
    evaluation_ids: tuple[str, ...] = ()
    beside: tuple[MeasuredShard, ...] = ()  # the same retrainings, with the yardsticks among them

    @property
    def wall_seconds(self) -> float:
        """Of one retraining, as the clock outside sees it."""
        return float(np.mean(self.retrain.wall))

    def pair(
        self, shards: Sequence[MeasuredShard], gate: Gate, *, alpha: float, is_settled: bool = False
    ) -> RelativeRuntime | None:
        """Cost by the clocks that the gate judges, with one-sided bounds; None where no yardstick tells.

        is_settled: what more of the same runs could at most come to (`evaluator.paired.settle`).
        """
        cpu = self._pair(shards, "cpu", alpha, is_settled=is_settled)
        is_metered = bool(shards) and all(shard.runs.clock is CpuClock.CGROUP for shard in shards)
        if cpu is None or (gate is Gate.CPU and is_metered):
            return cpu
        # the larger of two, each of which may err half as often
        cpu = self._pair(shards, "cpu", alpha / 2, is_settled=is_settled)
        wall = self._pair(shards, "wall", alpha / 2, is_settled=is_settled)
        if cpu is None or wall is None:
            return cpu
        slack = WALL_SLACK if gate is Gate.CPU else 1.0
        return RelativeRuntime(
            max(cpu.estimate, wall.estimate / slack),
            max(cpu.low, wall.low / slack),
            max(cpu.high, wall.high / slack),
            1 - 2 * alpha,
        )

    def pair_both(
        self, shards: Sequence[MeasuredShard], *, alpha: float
    ) -> tuple[RelativeRuntime, RelativeRuntime] | None:
        """By the wall and by the processor, each alone."""
        wall, cpu = self._pair(shards, "wall", alpha), self._pair(shards, "cpu", alpha)
        return (wall, cpu) if wall is not None and cpu is not None else None

    def compare(self, run: RunSeconds, gate: Gate) -> RelativeRuntime:
        """Relative to what calibration measured at another time: shown where no yardstick ran, never judged."""
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

    def find_tie(self, clock: Clock) -> Ratio | None:
        """A full retraining over a yardstick."""
        try:
            return compute_ratio(self._make_blocks(self.beside, clock))
        except InvalidPool:
            return None

    def find_doubt(self, *, for_practice: bool = False) -> str:
        """Why this should be measured again: it ran under load, or the tie is not known well. Empty: it is good.

        for_practice: nothing is won there, and to begin soon is worth more than narrow intervals.
        """
        tie = self.find_tie("cpu")
        if tie is None or tie.estimate <= 0:
            return "no yardstick took any time beside the retrainings"
        if tie.error > (KNOWN_FOR_PRACTICE if for_practice else WELL_KNOWN) * tie.estimate:
            return f"yardsticks differ: what they cost of a retraining is known to {tie.error / tie.estimate:.1%} alone"
        wall, cpu = np.sum(self.retrain.wall), np.sum(self.retrain.cpu)
        if wall > MOST_WALL * cpu and not for_practice:
            return f"the clocks disagree: retraining had a core for {cpu / wall:.0%} of the time alone"
        return ""

    def _pair(
        self, shards: Sequence[MeasuredShard], clock: Clock, alpha: float, *, is_settled: bool = False
    ) -> RelativeRuntime | None:
        run, tie = self._find_ratio(shards, clock), self.find_tie(clock)
        if run is None or tie is None or tie.estimate <= 0:
            return None
        return compute_paired_runtime(settle(run) if is_settled else run, tie, alpha=alpha)

    def _find_ratio(self, shards: Sequence[MeasuredShard], clock: Clock) -> Ratio | None:
        """Of what is scored, and of extra measurements if there are any; None where no yardstick tells."""
        groups = [[shard for shard in shards if shard.is_extra is is_extra] for is_extra in (False, True)]
        found = []
        for group in groups:
            with suppress(InvalidPool):
                found.append(self._measure(group, clock))
        return combine_ratios(found) if found else None

    def _measure(self, shards: Sequence[MeasuredShard], clock: Clock) -> Ratio:
        """On the wall a box may be stopped at any moment, so there its error comes from what the runs differ by."""
        known = self.idle.read(clock)
        started = sum(len(shard.idles.read(clock)) for shard in shards)
        spread = float(np.std(known, ddof=1)) if len(known) > 1 else 0.0
        noise = None
        if clock == "cpu":
            starts = [shard.find_start(clock, self._start(clock)) for shard in shards]
            pairs = zip(shards, starts, strict=True)
            noise = measure_noise([[each - start for each in shard.yardsticks.cpu] for shard, start in pairs])
        blocks = self._make_blocks(shards, clock)
        return compute_ratio(blocks, idle_error=spread / max(started, 1) ** 0.5, noise=noise)

    def _make_blocks(self, shards: Sequence[MeasuredShard], clock: Clock) -> list[Block]:
        return [block for shard in shards for block in shard.make_blocks(clock, self._start(clock))]

    def _start(self, clock: Clock) -> float:
        known = self.idle.read(clock)
        return float(np.median(known)) if known else 0.0


def make_cost(beside: Sequence[MeasuredShard], evaluation_ids: tuple[str, ...] = ()) -> RetrainCost:
    """Of retrainings, and of what was timed among them."""
    retrain, idle = join_seconds([shard.runs for shard in beside]), join_seconds([shard.idles for shard in beside])
    return RetrainCost(retrain, idle, evaluation_ids, tuple(beside))


class Bounded(Protocol):
    """A runtime as the evaluator gives it or as a scorecard keeps it."""

    @property
    def estimate(self) -> float: ...

    @property
    def low(self) -> float: ...


def describe_excess(runtime: Bounded, shards: Sequence[MeasuredShard], *, budget: float) -> str:
    """What was measured, for the author; a neighbour's noise is named, and never counted."""
    yardsticks = sum(len(shard.yardsticks.cpu) for shard in shards)
    return (
        f"the runs cost {runtime.estimate:.1%} of retraining, surely more than {runtime.low:.1%}, measured among"
        f" {yardsticks} pieces of it{describe_waiting(shards)}; the budget is {budget:.0%}"
        f"{'' if runtime.low > budget else ', and what was found before stands'}"
    )


def describe_waiting(shards: Sequence[MeasuredShard]) -> str:
    """A clause on how long the runs had no core, or nothing if that is not worth a word."""
    told = [(shard.runs.waited, sum(shard.runs.wall)) for shard in shards if shard.runs.waited is not None]
    wall = sum(seconds for _, seconds in told)
    share = sum(waited * seconds for waited, seconds in told) / wall if wall > 0 else 0.0
    return f"; they waited {share:.0%} of the time for a core, which is not counted" if share >= WORTH_TELLING else ""


def _without_start(seconds: Seconds, idle: Seconds) -> npt.NDArray[np.float64]:
    # the median: one replica that was held up must not make everybody's start look dear
    return np.maximum(np.asarray(seconds) - (np.median(idle) if idle else 0.0), 0.0)
