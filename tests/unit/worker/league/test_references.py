from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from core.settings import Settings
from core.storage import FolderStore
from tests.tiny_problems import make_tiny_spec
from worker.league.references import make_references
from worker.local import Bench
from worker.problems import load_problem
from worker.replicas.seconds import RunSeconds
from worker.training.pools import TrainingPlan, ensure_pools, pool_sizes


def test_the_pools_have_rows_of_their_own(tmp_path: Path) -> None:
    problem, store = load_problem(make_tiny_spec(recipe={"epochs": 1})), FolderStore(tmp_path)
    sizes = pool_sizes(problem.spec)
    pools = ensure_pools(problem, sizes, store, on_progress=lambda *_: None, plan=TrainingPlan(workers=1))
    bench = Bench(problem, store, cast(Any, None), Settings(data_folder=tmp_path), pools)
    seconds = RunSeconds((1.0, 3.0), (1.0, 3.0))
    retrained, floor, original = make_references(bench, cast(Any, SimpleNamespace(retrain=seconds)), 16)
    assert [row.name for row in (retrained, floor, original)] == ["retrained", "noise floor", "original"]
    assert retrained.cells["ua"].gap == 0.0
    assert retrained.cells["rte"].value == 2.0
    assert floor.cells["ua"].gap == abs(floor.cells["ua"].value - retrained.cells["ua"].value)
    assert floor.cells["score"].value > 0.5
    assert original.cells["rte"].value == 0.0
    assert "score" not in original.cells
