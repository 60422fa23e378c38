"""A shard's replicas from its order to what came of them; nothing here knows a database or a queue."""

from dataclasses import dataclass

from core.reader.apart import read_apart
from worker.problems import LoadedProblem
from worker.replicas.calibration import with_recipe
from worker.replicas.execution import Batch, make_orders, make_request, run_batch, time_batch
from worker.runner.base import RunRequest
from worker.shards.canary import run_canary
from worker.shards.order import ShardOrder
from worker.shards.place import Place, Pulse


@dataclass(frozen=True, slots=True)
class Prepared:
    problem: LoadedProblem
    request: RunRequest


def prepare(place: Place, order: ShardOrder, *, label: str) -> Prepared:
    """Collect what its box is given; raises ParticipantFault for a file that cannot be run. label: names the box."""
    place.store.check_writable()  # or all that follows were for nothing
    source = place.store.get(order.source_digest)
    read = read_apart(order.filename, source, limit_bytes=place.settings.upload_bytes)
    problem = place.load(order.terms.problem, order.request)
    files = with_recipe(read.files, problem.spec)
    originals = place.load_originals(problem)
    orders = make_orders(order.evaluation_id, first=order.first, count=order.runs, originals=len(originals))
    request = make_request(
        problem,
        files,
        label=label,
        originals=originals,
        orders=orders,
        retrain_seconds=order.retrain_seconds,
        device=place.settings.device,
    )
    return Prepared(problem, request)


def run_prepared(place: Place, order: ShardOrder, prepared: Prepared, pulse: Pulse) -> Batch:
    problem, request, plan = prepared.problem, prepared.request, order.plan
    if order.count == 0:
        return time_batch(place.sandbox, request, plan=plan, on_progress=pulse.report)
    if order.is_canary and problem.spec.evaluation.rerun_replicas:
        return run_canary(place, problem, request, pulse, evaluation_id=order.evaluation_id, plan=plan)
    return run_batch(place.sandbox, request, place.inspector(problem), on_progress=pulse.report, plan=plan)
