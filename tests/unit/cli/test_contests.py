import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from cli.board import render_board, show_rank
from tests.unit.cli.fakes import FakeServer, make_board, make_entry

Run = Callable[..., Any]
BOARD = make_board(
    make_entry(),
    make_entry(rank=2, rank_label="2–3", name="bob", score=0.1, score_low=0.08, score_high=0.12),
    make_entry(rank=None, rank_label="–", name="retrain", purpose="reference", score=0.97),
    make_entry(rank=None, rank_label="–", name="eve", verdict="over_budget", score=None, neurips2023=None),
)


def show(board: dict[str, Any]) -> list[str]:
    console = Console(width=160, file=io.StringIO())
    console.print(render_board(board))
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


@pytest.fixture
def server(server: FakeServer) -> FakeServer:
    server.on("GET", "/competitions/digits/leaderboard", BOARD)
    return server


def test_the_board_shows_score_interval_cost_and_verdict() -> None:
    line = next(line for line in show(BOARD) if "ada" in line)
    for part in ("1", "0.185 ± 0.029", "0.179", "87 %", "0.021", "8.1", "98.9", "94.0", "8.7 %", "scored"):
        assert part in line


def test_references_and_over_budget_entries_have_no_rank() -> None:
    lines = show(BOARD)
    reference = next(line for line in lines if "retrain " in line)
    over = next(line for line in lines if "eve" in line)
    assert reference.split()[0] == "–"
    assert reference.rstrip().endswith("reference")
    assert over.split()[0] == "–"
    assert over.rstrip().endswith("over budget")


def test_an_entry_decided_early_says_after_how_many_replicas() -> None:
    lines = show(make_board(make_entry(decided_early=True, scored_replicas=64, better_than_next=0.999)))
    line = next(line for line in lines if "ada" in line)
    assert line.rstrip().endswith("decided early after 64 of 256 replicas")
    assert "> 99 %" in line


def test_the_ceiling_stands_below() -> None:
    assert any("ceiling" in line and "0.973 ± 0.023" in line for line in show(BOARD))


def test_an_empty_board_says_so() -> None:
    assert show(make_board()) == ["nobody is on the board yet"]


def test_a_tie_group_shows_its_range() -> None:
    assert [show_rank(entry) for entry in BOARD["entries"]] == ["1", "2 (2–3)", "–", "–"]


def test_the_only_competition_need_not_be_named(run: Run, server: FakeServer) -> None:
    result = run("leaderboard")
    assert result.exit_code == 0
    assert "0.185 ± 0.029" in result.stdout


def test_csv_has_all_digits_and_a_header(run: Run, server: FakeServer) -> None:
    rows = list(csv.DictReader(io.StringIO(run("leaderboard", "digits", "--csv").stdout)))
    assert [row["name"] for row in rows] == ["ada", "bob", "retrain", "eve"]
    assert rows[0]["score_high"] == "0.214"
    assert rows[3]["score"] == ""


def test_a_name_that_is_a_formula_does_not_run_in_a_spreadsheet(run: Run, server: FakeServer) -> None:
    server.on("GET", "/competitions/digits/leaderboard", make_board(make_entry(name="=HYPERLINK(1)")))
    rows = list(csv.DictReader(io.StringIO(run("leaderboard", "digits", "--csv").stdout)))
    assert rows[0]["name"] == "'=HYPERLINK(1)"


def test_json_is_the_servers_own_answer(run: Run, server: FakeServer) -> None:
    assert json.loads(run("leaderboard", "digits", "--json").stdout) == BOARD


def test_csv_and_json_at_once_is_refused(run: Run, server: FakeServer) -> None:
    assert run("leaderboard", "digits", "--json", "--csv").exit_code == 1


def test_an_unknown_competition_is_one_line(run: Run, server: FakeServer) -> None:
    result = run("leaderboard", "nope")
    assert result.exit_code == 1
    assert len(result.stderr.strip().splitlines()) == 1


def test_competitions_are_listed(run: Run, server: FakeServer) -> None:
    result = run("competitions")
    assert "digits" in result.stdout
    assert "open" in result.stdout


def test_limits_say_what_is_left(run: Run, server: FakeServer) -> None:
    limits = {"daily_limit": 50, "left": 3, "resets_at": "T", "concurrent_limit": 5, "running": 1}
    server.on("GET", "/competitions/digits/limits", limits)
    assert "3 of 50 submissions left today (resets T); 1 of 5 running" in run("limits").stdout
