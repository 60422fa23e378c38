"""One submission's replicas: build the request, run it in a sandbox, judge each result as it arrives."""

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from core.domain.faults import FaultCode
from core.domain.intake.hosted import wants_input
from core.problem_parts import EvaluationPart
from sandbox.contract import Outcome, Role
from worker.problems import LoadedProblem, pack_splits
from worker.replicas.hosted import gives_input
from worker.replicas.inspection import InspectedReplica, Inspector
from worker.replicas.seconds import MeasuredShard, Timed, collect_seconds
from worker.replicas.yardstick import NOTHING, Plan, make_pieces, spread
from worker.runner.base import Limits, ReplicaOrder, ReplicaResult, RunRequest, RunResult, Sandbox

WALL_SAFETY = 4.0  # a replica is killed at this many times its budget, so that noise kills nobody


@dataclass(frozen=True, slots=True)
class Batch:
    """What came of a contiguous range of replicas: all inspected, or the first participant's fault, or our own."""

    replicas: tuple[InspectedReplica, ...]
    stopped: bool  # the caller asked to stop: cancelled, or the lease was lost
    sandbox: str
    platform_fault: str
    reruns: tuple[InspectedReplica, ...] = ()  # of the first replicas, with their seeds; no part of the pool
    swapped: tuple[InspectedReplica, ...] = ()  # told to forget other examples; no part of the pool either
    measured: tuple[MeasuredShard, ...] = ()  # one a box; none where no yardstick was asked for

    @property
    def fault(self) -> InspectedReplica | None:
        return next((replica for replica in self.replicas if replica.fault is not None), None)

    @property
    def is_whole(self) -> bool:
        return not (self.platform_fault or self.fault is not None or self.stopped)

    @property
    def code(self) -> FaultCode | None:
        return self.fault.fault if self.fault is not None else None


class Pieces:
    """What was timed and is not judged, by its role; what failed has no seconds."""

    def __init__(self) -> None:
        self._results: dict[Role, list[ReplicaResult]] = {role: [] for role in Role}

    def take(self, role: Role, result: ReplicaResult) -> None:
        if result.outcome is Outcome.OK:
            self._results[role].append(result)

    def of(self, role: Role) -> Sequence[ReplicaResult]:
        return self._results[role]

    def join(self, runs: Sequence[Timed]) -> MeasuredShard:
        return MeasuredShard(
            collect_seconds(runs), collect_seconds(self.of(Role.YARDSTICK)), collect_seconds(self.of(Role.IDLE))
        )


def derive_seed(evaluation_id: str, index: int) -> int:
    """Draw a replica's seed from its evaluation's identity: unguessable beforehand, recomputable afterwards."""
    digest = hashlib.sha256(f"replica:{evaluation_id}:{index}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def make_orders(evaluation_id: str, *, first: int, count: int, originals: int) -> tuple[ReplicaOrder, ...]:
    indices = range(first, first + count)
    return tuple(ReplicaOrder(i, derive_seed(evaluation_id, i), i % originals) for i in indices)


def make_reruns(orders: Sequence[ReplicaOrder], count: int) -> tuple[ReplicaOrder, ...]:
    """Order the first replicas once more: the same seed and original, under indices of their own."""
    free = find_free(orders)
    return tuple(replace(order, index=free + place) for place, order in enumerate(orders[:count]))


def mix(orders: Sequence[ReplicaOrder], reruns: Sequence[ReplicaOrder]) -> tuple[ReplicaOrder, ...]:
    """Put each rerun at a random place among the orders, so that no count in a box tells one from a replica."""
    mixed = list(orders)
    for rerun in reruns:
        mixed.insert(secrets.randbelow(len(mixed) + 1), rerun)
    return tuple(mixed)


def find_free(orders: Sequence[ReplicaOrder]) -> int:
    """The first index above all of these."""
    return max((order.index for order in orders), default=-1) + 1


def make_limits(rules: EvaluationPart, *, weights_bytes: int, retrain_seconds: float | None) -> Limits:
    """Bound one replica; without a calibration, or with the gate lifted, only the ceiling bounds its time."""
    wall = rules.wall_seconds_ceiling
    if retrain_seconds is not None:
        wall = max(rules.wall_seconds_floor, WALL_SAFETY * rules.compute_budget * retrain_seconds)
    return Limits(
        wall_seconds=wall,
        memory_bytes=rules.memory_bytes,
        output_bytes=4 * weights_bytes + (1 << 20),
        log_bytes=rules.log_bytes,
        print_bytes=max(8 << 20, 2 * rules.log_bytes),
        scratch_bytes=rules.scratch_bytes,
        processes=rules.processes,
    )


def make_request(
    problem: LoadedProblem,
    files: Mapping[str, bytes],
    *,
    label: str,
    originals: Sequence[bytes],
    orders: Sequence[ReplicaOrder],
    retrain_seconds: float | None,
    device: str = "cpu",
) -> RunRequest:
    """Collect what the sandbox sees: code, one problem's participant-visible splits, the originals, seeds."""
    rules = problem.spec.evaluation
    weights_bytes = max(len(blob) for blob in originals)
    return RunRequest(
        label=label,
        network=problem.network_ref(),
        batch_format=rules.batch_format,
        batch_size=rules.batch_size,
        files=files,
        splits=pack_splits(problem),
        originals=tuple(originals),
        orders=tuple(orders),
        limits=make_limits(rules, weights_bytes=weights_bytes, retrain_seconds=retrain_seconds),
        budget_seconds=None if retrain_seconds is None else rules.compute_budget * retrain_seconds,
        device=device,
        allow_native=rules.allow_native,
        hosted_input=wants_input(files) and gives_input(problem, weights_bytes),
        pieces=make_pieces(problem),
    )


def run_batch(
    sandbox: Sandbox,
    request: RunRequest,
    inspector: Inspector,
    *,
    on_progress: Callable[[int], bool],
    rerun_replicas: int = 0,
    plan: Plan = NOTHING,
) -> Batch:
    """Run every order; stop at the first fault. `on_progress` gets the count so far and returns False to stop.

    Reruns and pieces are somewhere among them and decide nothing: whatever becomes of one, it is neither a replica nor
    a fault.
    """
    inspected: list[InspectedReplica] = []
    again: list[InspectedReplica] = []
    pieces = Pieces()
    reruns = make_reruns(request.orders, rerun_replicas)
    repeated = {order.index for order in reruns}
    orders = spread(mix(request.orders, reruns), plan, first_index=find_free([*request.orders, *reruns]))
    placed = {order.index: order for order in orders}

    def receive(result: ReplicaResult) -> bool:
        order = placed[result.index]
        if order.role is not Role.ENTRY:
            pieces.take(order.role, result)
            return True
        replica = inspector.inspect(result, request.originals[order.original])
        if result.index in repeated:
            again.append(replica)
            return True
        inspected.append(replica)
        return replica.is_good and on_progress(len(inspected))

    outcome = sandbox.run(replace(request, orders=orders), on_replica=receive)
    in_order = tuple(sorted(again, key=lambda replica: replica.index))
    batch = replace(_conclude(request, outcome, tuple(inspected)), reruns=in_order)
    return replace(batch, measured=(pieces.join(inspected),)) if plan != NOTHING else batch


def time_batch(sandbox: Sandbox, request: RunRequest, *, plan: Plan, on_progress: Callable[[int], bool]) -> Batch:
    """Run every order for its seconds alone: nothing of it is scored, and one that fails is left out."""
    pieces = Pieces()
    orders = spread(request.orders, plan, first_index=find_free(request.orders))
    placed = {order.index: order for order in orders}

    def receive(result: ReplicaResult) -> bool:
        pieces.take(placed[result.index].role, result)
        return on_progress(0)

    outcome = sandbox.run(replace(request, orders=orders), on_replica=receive)
    measured = replace(pieces.join(pieces.of(Role.ENTRY)), is_extra=True)
    return Batch((), outcome.stopped, outcome.sandbox, outcome.sandbox_error, measured=(measured,))


def _conclude(request: RunRequest, outcome: RunResult, replicas: tuple[InspectedReplica, ...]) -> Batch:
    missing = len(replicas) < len(request.orders)
    ours = outcome.sandbox_error if missing else ""  # a box lost over a rerun is no loss
    ours = ours or next((replica.platform_fault for replica in replicas if replica.platform_fault), "")
    faulty = any(replica.fault is not None for replica in replicas)
    if missing and not (ours or faulty or outcome.stopped):
        ours = f"the sandbox returned {len(replicas)} of {len(request.orders)} replicas"
    stopped = missing and not faulty and not ours
    return Batch(replicas, stopped=stopped, sandbox=outcome.sandbox, platform_fault="" if faulty else ours)
