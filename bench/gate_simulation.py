"""The gate on simulated machines: how often it calls an entry of known cost over its budget.

The decisions are the product's own: plans, blocks, ratios, levels and looks. Only seconds are drawn.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.domain.calibration import CALIBRATION_TRIES
from core.domain.runtime import CpuClock
from core.problem_parts import Gate
from evaluator.paired import EXTRA_LOOKS, Standing, find_standing, split_alpha
from sandbox.contract import Role
from worker.replicas.seconds import MeasuredShard, RunSeconds
from worker.replicas.yardstick import Plan, count_extra, plan_calibration, plan_extra, plan_shard, spread
from worker.runner.base import ReplicaOrder
from worker.scorecard.cost import RetrainCost, make_cost

BUDGET, MARGIN = 0.10, 1.5
CANARY, SHARD, REPLICAS, RETRAININGS = 8, 64, 256, 16
RETRAINING_SECONDS, START_SECONDS = 0.18, 0.012  # of the problem `digits`, measured on an idle core

YARDSTICK_SECONDS = BUDGET * RETRAINING_SECONDS


@dataclass(frozen=True, slots=True)
class Machine:
    """What slows work: together over minutes, each run by itself, and now and then one run a lot."""

    name: str
    drift: float  # standard deviation of the logarithm of the speed
    memory: float  # correlation of the drift between one run and the next
    noise: float  # of one run by itself
    hiccups: float  # share of runs that take half as long again


MACHINES = (
    Machine("idle", drift=0.03, memory=0.98, noise=0.03, hiccups=0.0),
    Machine("1 neighbour", drift=0.08, memory=0.97, noise=0.05, hiccups=0.005),
    Machine("4 neighbours", drift=0.15, memory=0.96, noise=0.09, hiccups=0.01),
    Machine("14 neighbours", drift=0.19, memory=0.96, noise=0.12, hiccups=0.01),  # between the measured ones around it
    # as measured on two cores at a load of 17 to 24: bench/bench_gate.py noise
    Machine("20 neighbours", drift=0.20, memory=0.96, noise=0.13, hiccups=0.01),
    # guessed: its shards come and go within tens of runs, and a box that starts takes a core for seconds
    Machine("a second platform", drift=0.20, memory=0.90, noise=0.10, hiccups=0.05),
)


class Clock:
    """Gives the seconds of one run after another."""

    def __init__(self, machine: Machine, rng: np.random.Generator) -> None:
        self._machine, self._rng = machine, rng
        self._state = float(rng.standard_normal())

    def run(self, work: float) -> float:
        machine, rng = self._machine, self._rng
        kept = machine.memory
        self._state = kept * self._state + (1 - kept**2) ** 0.5 * float(rng.standard_normal())
        pieces = max(1.0, work / YARDSTICK_SECONDS)  # a long run is as many short ones: its own noise averages out
        slow = machine.drift * self._state + machine.noise * pieces**-0.5 * float(rng.standard_normal())
        hiccup = 1 + 0.5 / pieces if rng.random() < machine.hiccups else 1.0
        return (START_SECONDS + work) * hiccup * float(np.exp(slow))


def calibrate(machine: Machine, rng: np.random.Generator) -> RetrainCost:
    """As the platform does: in two shards, again while in doubt."""
    half = RETRAININGS // 2
    plan = plan_calibration(half)
    shards: list[MeasuredShard] = []
    for _ in range(CALIBRATION_TRIES):
        shards += [_run_shard(Clock(machine, rng), half, plan, 1.0) for _ in range(2)]
        cost = make_cost(shards)
        if not cost.find_doubt():
            break
    return cost


def is_thrown_out(cost: float, retraining: RetrainCost, machine: Machine, rng: np.random.Generator) -> bool:
    """The life of one entry that truly costs this fraction of a retraining: looks after each shard, then extras."""
    shards: list[MeasuredShard] = []
    for count, is_last in list_shards():
        extra = count_extra(REPLICAS)
        plan = plan_shard(count, is_canary=not shards) if count else plan_extra(extra)
        shard = _run_shard(Clock(machine, rng), count or extra, plan, cost)
        shards.append(replace(shard, is_extra=count == 0))
        alpha = split_alpha(shards=1 + -(-(REPLICAS - CANARY) // SHARD), is_last=is_last)
        found = retraining.pair(shards, Gate.CPU, alpha=alpha)
        if found is None:
            continue
        if not is_last and find_standing(found, BUDGET * MARGIN) is Standing.over:
            return True
        standing = find_standing(found, BUDGET)
        if is_last and (standing is not Standing.undecided or not _may_be_over(retraining, shards, alpha)):
            return standing is Standing.over
    return False


def _may_be_over(retraining: RetrainCost, shards: Sequence[MeasuredShard], alpha: float) -> bool:
    settled = retraining.pair(shards, Gate.CPU, alpha=alpha, is_settled=True)
    return settled is not None and find_standing(settled, BUDGET) is Standing.over


def list_shards() -> Iterator[tuple[int, bool]]:
    """Replicas of each shard, 0 for one of extra measurements; whether the look after it may be the last."""
    yield CANARY, False
    rest = [min(SHARD, REPLICAS - first) for first in range(CANARY, REPLICAS, SHARD)]
    yield from ((count, place == len(rest) - 1) for place, count in enumerate(rest))
    yield from ((0, True) for _ in range(EXTRA_LOOKS))


def _run_shard(clock: Clock, count: int, plan: Plan, cost: float) -> MeasuredShard:
    work = {Role.ENTRY: cost, Role.YARDSTICK: BUDGET, Role.IDLE: 0.0}
    found: dict[Role, list[float]] = {role: [] for role in Role}
    for order in spread([ReplicaOrder(place, 0) for place in range(count)], plan, first_index=count):
        found[order.role].append(clock.run(RETRAINING_SECONDS * work[order.role]))
    runs, yardsticks, idles = (_make_seconds(found[role]) for role in (Role.ENTRY, Role.YARDSTICK, Role.IDLE))
    return MeasuredShard(runs, yardsticks, idles)


def _make_seconds(seconds: Sequence[float]) -> RunSeconds:
    return RunSeconds(tuple(seconds), tuple(seconds), clock=CpuClock.CGROUP)
