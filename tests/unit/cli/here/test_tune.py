import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.here import tune
from tests.unit.cli.fakes import FakeSandbox
from worker.league.tuning import Range, Search, Tried

Run = Callable[..., Any]
BEST = Tried(1, {"RATE": 0.2}, 0.31, "scored", 0.08)
DEAR = Tried(2, {"RATE": 0.4}, -0.02, "over_budget", 0.12)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text("RATE = 0.1\n\n\ndef unlearning(net, a, b, c):\n    return net\n")
    return path


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[dict[str, Any]]:
    """What the search was called with; it is faked."""
    seen: list[dict[str, Any]] = []

    def search(spec: Any, source: str, ranges: Any, **options: Any) -> Search:
        seen.append({"spec": spec, "ranges": ranges, **options})
        return Search((DEAR, BEST), BEST, 1)

    monkeypatch.setattr(tune, "search", search)
    monkeypatch.setattr(tune, "open_sandbox", lambda *_: FakeSandbox())
    monkeypatch.chdir(tmp_path)
    return seen


def test_the_best_is_printed_as_it_can_be_scored(run: Run, file: Path, asked: list[dict[str, Any]]) -> None:
    result = run("tune", file, "--vary", "RATE=0.01:1", "--trials", 5)
    assert result.exit_code == 0
    assert f"lacuna bench '{file}:RATE=0.2'" in result.stdout
    assert asked[0]["ranges"] == {"RATE": Range(0.01, 1, is_log=True)}
    assert asked[0]["trials"] == 5
    assert json.loads(run("tune", file, "--json").stdout)["best"] == {"RATE": 0.2}


def test_another_request_leaves_the_problems_own_unseen(run: Run, file: Path, asked: list[dict[str, Any]]) -> None:
    run("tune", file)
    run("tune", file, "--request-seed", 77)
    ours, other = (each["spec"] for each in asked)
    assert other.forget.seed == 77
    assert other.digest != ours.digest
    assert other.recipe == ours.recipe


@pytest.mark.parametrize("text", ["RATE", "RATE=1", "RATE=2:1", "RATE=a:b", "RATE=0:inf", "rate=1:2"])
def test_a_range_that_is_none_is_refused(run: Run, file: Path, asked: list[dict[str, Any]], text: str) -> None:
    result = run("tune", file, "--vary", text)
    assert result.exit_code == 1
    assert text in result.stderr
    assert asked == []
