"""Pieces of our own that are timed among the replicas: a short fixed part of retraining, and doing nothing.

They run in the same box and by the same path as a replica, so what slows one slows the other: docs/decisions/0007.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from core.domain.calibration import IDLE_FILE, RETRAIN_FILE
from core.problem_parts import EvaluationPart
from sandbox.contract import Role
from worker.problems import LoadedProblem, load_network
from worker.replicas.calibration import make_calibration_source
from worker.runner.base import ReplicaOrder

STEPS = 100  # of a yardstick at most, or a hundredth of a retraining if that is more
OF_A_SHARD = 3 / 64  # yardsticks a replica
LARGE = 50_000  # parameters of a network
OVERHEAD = 0.08  # steps of all yardsticks at most, as a share of what the replicas may cost
LEAST, CANARY = 2, 4  # yardsticks of a shard, of a canary
OF_A_RETRAINING = 4
LEAST_EXTRA, EXTRA, EXTRA_SHARE = 8, 64, 4  # runs where replicas left the gate undecided: a quarter of them
SHORTENED = """

_retrain = unlearning


class _FirstSteps:
    def __init__(self, loader, steps):
        self.loader, self.left = loader, steps

    def __len__(self):
        return len(self.loader)

    def __iter__(self):
        if self.left > 0:
            for batch in self.loader:
                if self.left == 0:
                    return
                self.left -= 1
                yield batch


def unlearning(net, retain_loader, forget_loader, val_loader):
    return _retrain(net, _FirstSteps(retain_loader, {steps}), forget_loader, val_loader)
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many pieces are spread among the runs of one shard."""

    yardsticks: int
    idles: int


NOTHING = Plan(0, 0)


def count_extra(replicas: int) -> int:
    """Runs of a shard of extra measurements, by the replicas that are scored."""
    return min(max(LEAST_EXTRA, replicas // EXTRA_SHARE), EXTRA)


def plan_extra(runs: int) -> Plan:
    """A yardstick beside every run."""
    return Plan(runs, runs // 4)


def plan_shard(count: int, *, is_canary: bool) -> Plan:
    """A canary is short, and needs enough to tell anything; how long they are bounds what all of them cost."""
    yardsticks = CANARY if is_canary else max(LEAST, round(OF_A_SHARD * count))
    return Plan(min(yardsticks, count), 1)


def plan_calibration(count: int) -> Plan:
    """Enough for the tie to be known well, and what a start costs as well."""
    return Plan(OF_A_RETRAINING * count, count)


def make_pieces(problem: LoadedProblem) -> dict[Role, bytes]:
    return {
        Role.YARDSTICK: make_yardstick_source(problem),
        Role.IDLE: make_calibration_source(IDLE_FILE, problem.spec),
    }


def make_yardstick_source(problem: LoadedProblem) -> bytes:
    """The retraining baseline, recipe and all, ended after its first steps."""
    whole = make_calibration_source(RETRAIN_FILE, problem.spec)
    return whole + SHORTENED.replace("{steps}", str(count_steps(problem))).encode()


def count_steps(problem: LoadedProblem) -> int:
    rules = problem.spec.evaluation
    whole = problem.spec.recipe.epochs * -(-len(problem.splits.retain.y) // rules.batch_size)
    with torch.device("meta"):  # only counted
        parameters = sum(parameter.numel() for parameter in load_network(problem).parameters())
    return choose_steps(rules, whole, is_large=parameters >= LARGE)


def choose_steps(rules: EvaluationPart, whole: int, *, is_large: bool) -> int:
    """As many as the budget has, so that at the budget the cost of a start cancels; long retrainings need fewer.

    whole: steps of a retraining. is_large: a few steps take much longer than a start; then all yardsticks of an
    evaluation have at most OVERHEAD of the steps that its replicas may have.
    """
    budget = rules.compute_budget * whole
    steps = min(round(budget), whole, max(STEPS, whole // 100))
    if is_large:
        yardsticks = sum(plan.yardsticks for plan in plan_shards(rules))
        steps = min(steps, int(OVERHEAD * rules.replicas * budget / yardsticks))
    return max(1, steps)


def plan_shards(rules: EvaluationPart) -> list[Plan]:
    """Of the canary and of every shard after it."""
    rest = range(rules.canary_replicas, rules.replicas, rules.shard_replicas)
    shards = [plan_shard(min(rules.shard_replicas, rules.replicas - first), is_canary=False) for first in rest]
    return [plan_shard(rules.canary_replicas, is_canary=True), *shards]


def spread(entries: Sequence[ReplicaOrder], plan: Plan, *, first_index: int) -> tuple[ReplicaOrder, ...]:
    """The entries in their order, the pieces evenly among them; a yardstick is in the middle of its block."""
    placed = [((place + 0.5) / len(entries), 1, order) for place, order in enumerate(entries)]
    index = first_index
    for kind, (role, count) in enumerate(((Role.IDLE, plan.idles), (Role.YARDSTICK, plan.yardsticks))):
        for place in range(count if entries else 0):
            order = replace(entries[0], index=index, role=role)
            placed.append(((place + 0.5) / count, 2 * kind, order))
            index += 1
    return tuple(order for _, _, order in sorted(placed, key=lambda each: each[:2]))
