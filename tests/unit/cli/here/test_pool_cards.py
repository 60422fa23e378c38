import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.here import pool_cards
from cli.here.pool_cards import offer_card, take_card
from core.domain.errors import InvalidInput
from core.storage import FolderStore
from tests.tiny_problems import make_tiny_spec
from worker.problems import LoadedProblem, load_problem
from worker.training import cards
from worker.training.pools import TrainingPlan, ensure_pools, pool_sizes

Run = Callable[..., Any]
SPEC = make_tiny_spec(recipe={"epochs": 1})


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[LoadedProblem, FolderStore]:
    problem, store = load_problem(SPEC), FolderStore(tmp_path_factory.mktemp("store"))
    ensure_pools(problem, pool_sizes(SPEC), store, on_progress=lambda *_: None, plan=TrainingPlan(workers=1))
    return problem, store


@pytest.fixture
def machine(trained: tuple[LoadedProblem, FolderStore], monkeypatch: pytest.MonkeyPatch) -> dict[str, FolderStore]:
    """Which store the commands see."""
    problem, store = trained
    seen = {"store": store}
    monkeypatch.setattr(pool_cards, "_open", lambda _: (problem, seen["store"]))
    monkeypatch.setattr(pool_cards, "find_problem", lambda _: SPEC)
    monkeypatch.setattr(pool_cards, "list_problems", lambda: [SPEC])
    return seen


def test_a_card_goes_from_one_machine_to_another(run: Run, machine: dict[str, FolderStore], tmp_path: Path) -> None:
    card = tmp_path / "card.zip"
    assert (
        "1 original, 16 retrained, 16 control models, with"
        in run("pool", "export", "tiny", "--weights", "--out", card).stdout
    )
    assert "whole, and of this problem" in run("pool", "verify", card).stdout
    machine["store"] = FolderStore(tmp_path / "other")
    assert json.loads(run("pool", "import", card, "--json").stdout)["imported"] == 33
    assert "0 of 33 models are new" in run("pool", "import", card).stdout


def test_models_that_come_out_otherwise_fail_the_check(
    run: Run, machine: dict[str, FolderStore], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = tmp_path / "card.zip"
    run("pool", "export", "tiny", "--out", card)
    assert run("pool", "verify", card, "--members", 1).exit_code == 0
    monkeypatch.setattr(cards, "retrain_some", lambda *_, **__: 0.5)
    result = run("pool", "verify", card, "--members", 1)
    assert result.exit_code == 3
    assert "differ from the card's by up to 0.5" in result.stderr


def test_a_card_of_an_unknown_problem_asks_for_its_file(
    run: Run, machine: dict[str, FolderStore], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = tmp_path / "card.zip"
    run("pool", "export", "tiny", "--out", card)
    monkeypatch.setattr(pool_cards, "list_problems", list)
    assert "name its file with --problem" in run("pool", "verify", card).stderr


def test_evaluating_takes_a_card_or_says_that_there_could_be_one(
    machine: dict[str, FolderStore], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[tuple[str, int, int]] = []
    report = offer_card(lambda *facts: told.append(facts))
    for facts in (("pools", 0, 33), ("pools", 9, 33), ("replicas", 0, 16)):
        report(*facts)
    assert len(told) == 3
    assert capsys.readouterr().err.count("33 models are trained first; a pool card") == 1
    with pytest.raises(InvalidInput, match="is no pool card"):
        (tmp_path / "card.zip").write_bytes(b"")
        take_card(tmp_path / "card.zip", SPEC)
