import json
from pathlib import Path

from core.domain.calibration import ROUGH_RUNS
from core.domain.exposure import DESCRIPTION, Audience
from core.problem_files import find_problem
from core.settings import Settings
from core.stores import open_store
from tests.tiny_problems import make_tiny_spec
from worker.described import count_classes, describe, describe_problem
from worker.problems import load_problem
from worker.replicas.seconds import MeasuredShard, RunSeconds, dump_shard
from worker.scorecard.kept_cost import name_cost


def test_a_problem_in_the_shape_of_2023_is_told_as_code_meets_it() -> None:
    found = describe(load_problem(find_problem("digits-2023")))
    assert "age_group" in found["batches"]
    assert "64 examples" in found["batches"]
    assert found["x"] == "float32 of 3×32×32, not scaled, from 0 to 255"
    assert found["y"] == "int64, 10 classes"
    assert found["layers"].startswith("conv1, bn1")
    assert "3 epochs of batches of 16, sgd" in found["recipe"]


def test_what_tells_one_data_set_from_another_is_for_open_problems() -> None:
    found = describe(load_problem(make_tiny_spec()))
    assert found["x"] == "float32 of 64, standardised"
    assert found["classes"].startswith("0, 1, 2")
    assert {*found, "requests"} == DESCRIPTION.keys()  # told where there are several
    assert {title for title, who in DESCRIPTION.items() if who is not Audience.ALL} == {"values", "classes", "examples"}


def test_the_budget_is_told_in_seconds_once_they_were_measured(tmp_path: Path) -> None:
    spec, settings = make_tiny_spec(), Settings(data_folder=tmp_path)
    assert "lacuna doctor FILE --problem tiny" in describe_problem(spec, settings)["budget"]
    store, problem = open_store(settings), load_problem(spec)
    runs = MeasuredShard(*(RunSeconds((cost,) * 4, (cost,) * 4) for cost in (30.0, 0.5, 0.1)))
    name = name_cost(problem, settings, "bubblewrap", ROUGH_RUNS)
    store.set_ref(name, store.put(json.dumps([dump_shard(runs)]).encode()))
    assert "about 3 s a replica on this machine" in describe_problem(spec, settings)["budget"]


def test_every_split_is_counted_by_class() -> None:
    problem = load_problem(make_tiny_spec())
    found = count_classes(problem)
    assert found["classes"] == list("0123456789")
    assert {name: sum(counts) for name, counts in found["counts"].items()} == {
        "retain": 200, "forget": 40, "validation": 50, "test": 100,
    }  # fmt: skip
    assert found["counts"]["forget"] == [int((problem.splits.forget.y == place).sum()) for place in range(10)]


def test_without_classes_all_examples_are_counted_together() -> None:
    found = count_classes(load_problem(find_problem("diabetes")))
    assert found["classes"] == []
    assert {len(counts) for counts in found["counts"].values()} == {1}
