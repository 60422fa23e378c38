"""The swap test: the same code, given another original to forget other examples. What comes back must follow both.

The forget set changes places with as many retained examples, and the original is one that no replica starts from; code,
shapes and limits stay. An entry that brings the answer along gives it back all the same (docs/flags.md).
"""

import hashlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from worker.problems import LoadedProblem, Split, pack_splits
from worker.replicas.execution import derive_seed
from worker.replicas.inspection import InspectedReplica, Inspector
from worker.replicas.outputs import PROBE
from worker.runner.base import ReplicaOrder, ReplicaResult, RunRequest, Sandbox

SWAP_REPLICAS = 2
FIRST_INDEX = 1 << 20  # beyond every index that counts

Places = npt.NDArray[np.int64]


def choose_swapped(problem: LoadedProblem, evaluation_id: str) -> Places | None:
    """Places in the retain set, as many as the forget set has examples; None where it is too large for that."""
    size, room = len(problem.splits.forget), min(len(problem.splits.retain), PROBE)
    if 2 * size > room:
        return None
    digest = hashlib.sha256(f"swap:{evaluation_id}".encode()).digest()
    return np.sort(np.random.default_rng(list(digest)).choice(room, size, replace=False))


def swap_splits(problem: LoadedProblem, places: Places) -> LoadedProblem:
    """The problem with the forget set and those retained examples in each other's place."""
    retain, forget = problem.splits.retain, problem.splits.forget
    x, y, ids = retain.x.copy(), retain.y.copy(), retain.ids.copy()
    x[places], y[places], ids[places] = forget.x, forget.y, forget.ids
    splits = replace(problem.splits, retain=Split(x=x, y=y, ids=ids), forget=retain.take(places))
    return replace(problem, splits=splits)


def run_swapped(
    sandbox: Sandbox,
    request: RunRequest,
    problem: LoadedProblem,
    inspector: Inspector,
    evaluation_id: str,
    *,
    spare: bytes,
    go_on: Callable[[], bool],
) -> tuple[InspectedReplica, ...]:
    """Run a few replicas on swapped sets. They count for nothing else; whatever becomes of one is no fault.

    request: what the same replicas run with otherwise. spare: the original they start from, as safetensors.
    """
    places = choose_swapped(problem, evaluation_id)
    if places is None:
        return ()
    orders = tuple(
        ReplicaOrder(FIRST_INDEX + number, derive_seed(f"{evaluation_id}:swap", number))
        for number in range(SWAP_REPLICAS)
    )
    taken: list[InspectedReplica] = []

    def receive(result: ReplicaResult) -> bool:
        taken.append(inspector.inspect(result, spare))
        return go_on()

    originals = (spare,) * len(request.originals)  # as many as always: their number would tell which run it is
    swapped = replace(request, splits=pack_splits(swap_splits(problem, places)), originals=originals, orders=orders)
    sandbox.run(swapped, on_replica=receive)
    return tuple(taken)
