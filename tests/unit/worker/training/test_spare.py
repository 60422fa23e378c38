from pathlib import Path

import numpy as np
import pytest

from core.domain.pools import PoolKind
from core.storage import FolderStore
from tests.tiny_problems import make_tiny_spec
from worker.problems import LoadedProblem, load_problem
from worker.training.pools import TrainingPlan, ensure_pools
from worker.training.spare import ensure_spare, load_spare


@pytest.fixture(scope="module")
def problem() -> LoadedProblem:
    return load_problem(make_tiny_spec())


def test_it_is_the_original_that_would_come_next_and_no_one_of_the_pool(problem: LoadedProblem, tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    spare = ensure_spare(problem, store)
    two = ensure_pools(
        problem, {PoolKind.ORIGINAL: 2}, store, on_progress=lambda done, total: None, plan=TrainingPlan(workers=1)
    )[PoolKind.ORIGINAL]
    assert spare.weights == two.load_original(store, 1)
    np.testing.assert_array_equal(spare.outputs.forget_logits, two.outputs.forget_logits[1:])


def test_it_is_trained_once_and_again_when_it_is_lost(problem: LoadedProblem, tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    assert load_spare(problem, store) is None
    first = ensure_spare(problem, store)
    kept = load_spare(problem, store)
    assert kept is not None
    assert kept.weights == first.weights
    for blob in [path for path in tmp_path.rglob("*") if path.is_file() and path.read_bytes() == first.weights]:
        blob.unlink()
    assert load_spare(problem, store) is None
    assert ensure_spare(problem, store).weights == first.weights
