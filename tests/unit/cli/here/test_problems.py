import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli.show.lazy import load
from core.domain.errors import PlatformFault
from core.problem_files import PROBLEM_FOLDER
from core.problem_parts import ForgetPart, RequestKind
from worker.training.hardest import Memorised

Run = Callable[..., Any]


class Trainer:
    """Stands in for loading the data and training the pools."""

    def __init__(self) -> None:
        self.missing = 5
        self.fault = ""
        self.plans: list[dict[str, Any]] = []

    def load(self, module: str, name: str) -> Any:
        known: dict[str, Any] = {
            "rank_memorised": self.rank,
            "pool_sizes": lambda _spec: {"original": 1, "retrained": 4},
            "load_problem": self.load_problem,
            "load_requests": lambda *arguments: (self.load_problem(*arguments),),
            "TrainingPlan": lambda **plan: self.plans.append(plan),
            "ensure_pools": self.train,
        }
        return known.get(name) or load(module, name)

    def load_problem(self, *_arguments: Any) -> object:
        if self.fault:
            raise PlatformFault(self.fault)
        return object()

    def rank(self, _problem: object, _models: int, *, on_progress: Callable[[int, int], None], **_options: Any) -> Any:
        on_progress(4, 4)
        return Memorised(np.array([7, 2, 9, 4]), np.array([3.5, 2.25, 1.0, -0.5]))

    def train(self, *_arguments: Any, on_progress: Callable[[int, int], None], plan: Any) -> None:
        for done in range(5 - self.missing, 6):
            on_progress(done, 5)
        self.missing = 0


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch) -> Trainer:
    fake = Trainer()
    monkeypatch.setattr("cli.here.problems.load", fake.load)
    return fake


def test_the_problems_of_this_machine_are_listed(run: Run) -> None:
    assert "digits" in run("problem", "list").stdout
    assert "digits" in [problem["slug"] for problem in json.loads(run("problem", "list", "--json").stdout)]


def test_the_second_build_trains_nothing_and_says_so(run: Run, trainer: Trainer) -> None:
    first, second = run("problem", "build", "digits"), run("problem", "build", "digits")
    assert "trained 5 of 5 models" in first.stdout
    assert "models 5/5" in first.stderr
    assert "already built, 5 models" in second.stdout
    assert second.stderr == ""


def test_the_number_of_workers_is_passed_on(run: Run, trainer: Trainer) -> None:
    run("problem", "build", "digits", "--workers", 3)
    assert trainer.plans[0]["workers"] == 3


def test_missing_or_damaged_data_is_one_line(run: Run, trainer: Trainer) -> None:
    trainer.fault = "problem digits: digits.csv.gz is damaged"
    result = run("problem", "build", "digits")
    assert result.exit_code == 4
    assert result.stderr.strip() == f"error: {trainer.fault}"


def test_an_unknown_problem_is_one_line(run: Run) -> None:
    result = run("problem", "build", "nope")
    assert result.exit_code == 1
    assert "no problem named 'nope'" in result.stderr


def test_a_problem_file_that_is_not_valid_is_one_line(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("slug = 3\n")
    result = run("problem", "build", path)
    assert result.exit_code == 1
    assert len(result.stderr.strip().splitlines()) == 1


def write_hidden(path: Path, *, is_seeded: bool) -> Path:
    shipped = (PROBLEM_FOLDER / "digits.toml").read_text(encoding="utf-8").replace('"practice"', '"public"')
    lines = [line for line in shipped.splitlines() if is_seeded or not line.startswith("seed")]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_a_hidden_problem_file_without_its_seeds_is_sent_to_the_platform(run: Run, tmp_path: Path) -> None:
    path = write_hidden(tmp_path / "mine.toml", is_seeded=False)
    result = run("problem", "build", path)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: {path}: `split.seed` is left out, which the platform draws")
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_small_seed_of_a_hidden_problem_file_is_refused_in_our_own_words(run: Run, tmp_path: Path) -> None:
    path = write_hidden(tmp_path / "mine.toml", is_seeded=True)
    result = run("problem", "build", path)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: {path}: `split.seed` of a hidden phase must be 2^64 or more")


def test_a_store_that_cannot_be_written_is_one_line(
    run: Run, trainer: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LACUNA_DATA_FOLDER", str(tmp_path / "file"))
    result = run("problem", "build", "digits")
    assert result.exit_code == 4
    assert "cannot write to the store" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("digits", ["batches: (x, y); 64", "float32 of 64, standardised", "10 classes", "layers: flatten, hidden1"]),
        ("digits-2023", ["age_group", "3×32×32, not scaled, from 0 to 255", "layers: conv1, bn1", "0.02", "50%"]),
    ],
)
def test_a_problem_is_shown_as_a_submission_meets_it(run: Run, name: str, words: list[str]) -> None:
    shown = run("problem", "show", name).stdout
    assert [word for word in words if word not in shown] == []


@pytest.mark.usefixtures("trainer")
def test_the_hardest_examples_are_printed_as_the_request_that_asks_for_them(run: Run) -> None:
    said = tomllib.loads(run("problem", "hardest", "digits", "--fraction", "0.5").stdout)
    asked = ForgetPart.model_validate(said["forget"])
    assert (asked.kind, asked.ids) == (RequestKind.HARDEST, [2, 7])
    as_json = json.loads(run("problem", "hardest", "digits", "--fraction", "0.5", "--json").stdout)
    assert as_json == {"forget": {"kind": "hardest", "ids": [2, 7]}, "gaps": [3.5, 2.25]}
