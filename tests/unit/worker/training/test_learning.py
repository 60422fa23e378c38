from pathlib import Path

import pytest

from core.domain.pools import PoolKind
from core.storage import FolderStore
from tests.tiny_problems import make_tiny_spec
from worker.problems import load_problem
from worker.training.learning import MOST_SECONDS, measure_learning

QUICK = {PoolKind.ORIGINAL: 0.1, PoolKind.RETRAINED: 0.1}


@pytest.mark.parametrize(("rate", "is_doubted"), [(0.1, False), (1e-5, True)])
def test_one_model_of_each_kind_tells_whether_anything_is_learnt(tmp_path: Path, rate: float, is_doubted: bool) -> None:
    problem = load_problem(make_tiny_spec(recipe={"learning_rate": rate, "epochs": 12}))
    found = measure_learning(problem, FolderStore(tmp_path), seconds=QUICK, device="cpu")
    assert found is not None
    assert found.models == 1
    assert 0.08 < found.guessing < 0.2
    assert bool(found.doubts) is is_doubted


def test_nothing_long_is_trained_for_it(tmp_path: Path) -> None:
    problem = load_problem(make_tiny_spec())
    slow = QUICK | {PoolKind.RETRAINED: MOST_SECONDS}
    assert measure_learning(problem, FolderStore(tmp_path), seconds=slow, device="cpu") is None
    assert measure_learning(problem, FolderStore(tmp_path), seconds={}, device="cpu") is None
