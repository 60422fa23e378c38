"""The first shard of an entry: its replicas, one of them once more, and the swap test beside them."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from worker.problems import LoadedProblem
from worker.replicas.execution import Batch, run_batch
from worker.replicas.inspection import InspectedReplica, Inspector
from worker.replicas.swapping import run_swapped
from worker.replicas.yardstick import Plan
from worker.runner.base import RunRequest
from worker.shards.place import Place, Pulse

SHORT_SECONDS = 60.0  # that a replica may take at most: so long a verdict may wait for the other box


def run_canary(
    place: Place,
    problem: LoadedProblem,
    request: RunRequest,
    pulse: Pulse,
    *,
    evaluation_id: str,
    plan: Plan,
) -> Batch:
    """Run both, at the same time where this machine has a core for each and neither waits long for the other."""
    ended, settings = threading.Event(), place.settings
    spare = place.load_spare(problem)

    def is_wanted() -> bool:
        return pulse.is_wanted and not ended.is_set()

    def swap() -> tuple[InspectedReplica, ...]:
        inspector = Inspector(problem, device=settings.device)
        return run_swapped(place.sandbox, request, problem, inspector, evaluation_id, spare=spare, go_on=is_wanted)

    with ThreadPoolExecutor(1) as beside:
        is_apart = settings.workers > 1 and settings.device == "cpu" and request.limits.wall_seconds <= SHORT_SECONDS
        swapping = beside.submit(swap) if is_apart else None
        is_whole = False
        try:
            batch = run_batch(
                place.sandbox,
                request,
                place.inspector(problem),
                on_progress=pulse.report,
                rerun_replicas=problem.spec.evaluation.rerun_replicas,
                plan=plan,
            )
            is_whole = batch.is_whole
        finally:
            if not is_whole:
                ended.set()
        return replace(batch, swapped=(swapping or beside.submit(swap)).result()) if is_whole else batch
