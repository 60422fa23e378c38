from pathlib import Path

from core.domain.calibration import RETRAIN_FILE
from tests.tiny_problems import make_tiny_spec
from worker.replicas.calibration import make_calibration_source, with_recipe

SPEC = make_tiny_spec(recipe={"epochs": 7})


def test_retraining_as_it_is_shipped_follows_the_recipe_of_any_problem() -> None:
    shipped = {"submission.py": Path("baselines/retrain.py").read_bytes()}
    given = with_recipe(shipped, SPEC)
    assert given == {"submission.py": make_calibration_source(RETRAIN_FILE, SPEC)}
    assert b"'epochs': 7" in given["submission.py"]


def test_anything_else_is_run_as_it_is() -> None:
    shipped = Path("baselines/retrain.py").read_bytes()
    for files in (
        {"submission.py": Path("baselines/finetune.py").read_bytes()},
        {"submission.py": shipped + b"\n"},
        {"submission.py": shipped, "more.py": b""},
        {"submission.py": make_calibration_source(RETRAIN_FILE, SPEC)},
    ):
        assert with_recipe(files, SPEC) is files
