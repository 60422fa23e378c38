"""What a run without any fault gives: the same evaluation's replicas and score once more, in this process."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import torch
from safetensors.torch import load

from core.db.models.submissions import Evaluation, Replica
from core.problems import ProblemSpec
from core.settings import Settings
from core.storage import FolderStore
from evaluator import METRIC_VERSION
from sandbox.assignment import Assignment
from sandbox.contract import ENTRY_FILE, Outcome, Role
from sandbox.submission import seed_everything
from sandbox.weights import collect_weights, read_schema
from worker.problems import load_problem
from worker.replicas.execution import make_orders, make_request, run_batch
from worker.replicas.inspection import Inspector
from worker.replicas.outputs import concat_outputs
from worker.replicas.seconds import RunSeconds, collect_seconds
from worker.runner.base import ReplicaOrder, ReplicaResult, RunRequest, RunResult
from worker.scorecard.card import RunFacts, compute_scorecard
from worker.scorecard.cost import RetrainCost
from worker.training.pools import load_originals, load_pools

# what calibrations could have measured: no part of a score
RETRAINING, DOING_NOTHING = RunSeconds((2.0, 2.0), (2.0, 2.0)), RunSeconds((0.0, 0.0), (0.0, 0.0))
PAUSE = b"PAUSE = 0.15\n"
SOURCE = (
    b"import time\nimport torch\n"
    + PAUSE
    + b"""
def unlearning(net, retain_loader, forget_loader, val_loader):
    for x, y in forget_loader:
        torch.nn.functional.cross_entropy(net(x), y).backward()
    with torch.no_grad():
        for weight in net.parameters():
            weight += 0.02 * weight.grad + 0.05 * torch.randn_like(weight)
    time.sleep(PAUSE)
    return net
"""
)


@dataclass(frozen=True)
class Undisturbed:
    digests: list[str]  # of the weights, by position
    score: float
    draws: list[float]


class HereSandbox:
    """The guest's steps without a box around them."""

    name = "here"

    def find_obstacle(self) -> str | None:
        return None

    def kill_orphans(self, find_live: Callable[[], Collection[str]]) -> None:
        return

    def run(self, request: RunRequest, *, on_replica: Callable[[ReplicaResult], bool]) -> RunResult:
        network = {
            "package": request.network.package,
            "options": dict(request.network.options),
            "num_classes": request.network.num_classes,
            "input_shape": list(request.network.input_shape),
        }
        setup = {"network": network, "batch_format": request.batch_format, "batch_size": request.batch_size}
        originals = tuple(load(each) for each in request.originals)
        assignment = Assignment(setup | {"device": "cpu"}, {Role.ENTRY: request.files}, load(request.splits), originals)
        module: dict[str, Callable[..., torch.nn.Module]] = {}
        exec(request.files[ENTRY_FILE], module)
        for order in request.orders:
            on_replica(_run_here(assignment, module["unlearning"], order))
        return RunResult(self.name, len(request.orders), 0.0, "", stopped=False)


def run_undisturbed(settings: Settings, spec: ProblemSpec, evaluation: Evaluation) -> Undisturbed:
    """By the evaluation's id, from which its seeds come."""
    torch.set_num_threads(1)  # as in every worker
    store = FolderStore(settings.store_folder)
    problem = load_problem(spec, None, store)
    originals = load_originals(problem, store)
    orders = make_orders(evaluation.id, first=0, count=evaluation.replicas_total, originals=len(originals))
    files = {ENTRY_FILE: SOURCE.replace(PAUSE, b"PAUSE = 0\n")}
    request = make_request(problem, files, label="here", originals=originals, orders=orders, retrain_seconds=None)
    batch = run_batch(HereSandbox(), request, Inspector(problem), on_progress=lambda _: True)
    outputs = concat_outputs([replica.outputs for replica in batch.replicas if replica.outputs is not None])
    facts = RunFacts(
        evaluation_id=evaluation.id,
        spec_digest="",
        source_digest="",
        sandbox="",
        node_class="",
        run=collect_seconds(batch.replicas),
        retrain=RetrainCost(RETRAINING, DOING_NOTHING),
    )
    score = compute_scorecard(problem, outputs, load_pools(problem, store), facts, store, metric=METRIC_VERSION)
    digests = [replica.weights_sha256 for replica in batch.replicas]
    return Undisturbed(digests, score.record.score.estimate, list(score.draws))


def find_difference(evaluation: Evaluation, replicas: list[Replica], expected: Undisturbed) -> str:
    """In one line; empty if not a bit differs."""
    if [row.position for row in replicas] != list(range(evaluation.replicas_total)):
        return f"its replicas are {[row.position for row in replicas]}"
    if [row.weights_sha256 for row in replicas] != expected.digests:
        return "its weights differ"
    if (evaluation.score, evaluation.score_draws) != (expected.score, expected.draws):
        return f"its score is {evaluation.score}, not {expected.score}"
    return ""


def _run_here(assignment: Assignment, unlearn: Callable[..., torch.nn.Module], order: ReplicaOrder) -> ReplicaResult:
    network = assignment.build_network(order.original)
    schema, loaders = read_schema(network), assignment.build_loaders()
    seed_everything(order.seed)
    weights = collect_weights(unlearn(network, *loaders), network, schema)
    return ReplicaResult(
        index=order.index,
        seed=order.seed,
        outcome=Outcome.OK,
        wall_seconds=1.0,
        cpu_seconds=1.0,
        peak_memory_bytes=1,
        weights=weights,
        log="",
        error="",
        traceback="",
    )
