"""What retraining costs on this machine, as it was measured and kept in the store."""

import hashlib
import itertools
import json

from core.domain.calibration import RETRAIN_FILE, ROUGH_RUNS
from core.settings import Settings
from core.storage import BlobStore
from worker.problems import LoadedProblem
from worker.replicas.calibration import make_calibration_source
from worker.replicas.seconds import parse_shard
from worker.replicas.yardstick import make_yardstick_source
from worker.scorecard.cost import RetrainCost, make_cost

SANDBOXES = ("docker", "bubblewrap")  # whose measurement stands for this machine, if there are both


def name_cost(problem: LoadedProblem, settings: Settings, sandbox: str, count: int) -> str:
    """Of one machine, sandbox and problem; a changed file is measured again."""
    source = make_calibration_source(RETRAIN_FILE, problem.spec) + make_yardstick_source(problem)
    code = hashlib.sha256(source).hexdigest()[:16]
    return f"calibrations/{problem.spec.digest}/{settings.node_class}-{sandbox}/{code}-{count}"


def load_cost(store: BlobStore, name: str) -> RetrainCost | None:
    digest = store.get_ref(name)
    return make_cost([parse_shard(shard) for shard in json.loads(store.get(digest))]) if digest is not None else None


def find_retrain_seconds(problem: LoadedProblem, settings: Settings, store: BlobStore) -> float | None:
    """None if nobody has measured it here."""
    counts = sorted({problem.spec.evaluation.calibration_replicas, ROUGH_RUNS}, reverse=True)
    names = (name_cost(problem, settings, *each) for each in itertools.product(SANDBOXES, counts))
    found = next((cost for cost in (load_cost(store, name) for name in names) if cost is not None), None)
    return found.wall_seconds if found else None
