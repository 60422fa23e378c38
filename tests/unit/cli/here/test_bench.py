import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.here import bench
from core.domain.submission import Verdict
from tests.unit.cli.fakes import BODY, FakeSandbox
from worker.league.rows import Entry, LeagueRow
from worker.league.running import League

Run = Callable[..., Any]


@pytest.fixture
def entries(monkeypatch: pytest.MonkeyPatch) -> list[Entry]:
    """What reached the league, which is faked."""
    seen: list[Entry] = []

    def run(spec: Any, given: list[Entry], **options: Any) -> League:
        seen.extend(given)
        return League(tuple(make_row(entry, options["replicas"]) for entry in given), (), 0)

    monkeypatch.setattr(bench, "run_league", run)
    monkeypatch.setattr(bench, "open_sandbox", lambda *_: FakeSandbox())
    return seen


def make_row(entry: Entry, replicas: int) -> LeagueRow:
    refused = bool(entry.refusal)
    return LeagueRow(
        name=entry.name,
        source_digest=entry.digest,
        problem_digest="b",
        replicas=replicas,
        sandbox="bubblewrap",
        metric_version="lacuna-3",
        verdict=Verdict.REJECTED if refused else Verdict.SCORED,
        reason=entry.refusal,
        seconds=1.0,
        scorecard=None if refused else BODY,
    )


def test_a_league_leaves_page_csv_markdown_and_latex(
    run: Run, good: Path, entries: list[Entry], tmp_path: Path
) -> None:
    result = run("bench", good, "--replicas", 16, "--out", tmp_path / "league")
    assert result.exit_code == 0
    assert "good" in result.stdout
    assert sorted(path.name for path in (tmp_path / "league").iterdir()) == [
        *("index.html", "league.csv", "league.md", "league.tex")
    ]


def test_numbers_of_a_file_can_be_changed_from_the_line(run: Run, entries: list[Entry], tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("RATE = 1\n\n\ndef unlearning(net, a, b, c):\n    return net\n")
    assert run("bench", file, f"{file}:RATE=2", "--out", tmp_path / "league").exit_code == 0
    assert [entry.name for entry in entries] == ["mine", "mine RATE=2"]
    assert entries[1].files["submission.py"].endswith(b"RATE = 2\n")
    assert "no such number: STEP" in run("bench", f"{file}:STEP=2", "--out", tmp_path / "league").stderr


def test_a_refused_file_is_a_row_and_the_command_fails(
    run: Run, good: Path, entries: list[Entry], tmp_path: Path
) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("def unlearn_me():\n    pass\n")
    result = run("bench", good, bad, "--out", tmp_path / "league", "--json")
    assert result.exit_code == 3
    rows = json.loads(result.stdout)["rows"]
    assert [row["verdict"] for row in rows] == ["scored", "rejected"]
    assert "bad" in (tmp_path / "league" / "league.md").read_text()


def test_two_files_of_one_name_are_refused_before_anything_runs(
    run: Run, good: Path, entries: list[Entry], tmp_path: Path
) -> None:
    other = tmp_path / "other" / good.name
    other.parent.mkdir()
    other.write_bytes(good.read_bytes())
    result = run("bench", good, other, "--out", tmp_path / "league")
    assert result.exit_code == 1
    assert "two files are called good" in result.stderr
    assert entries == []
