import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from cli.show.board import render_board, show_rank
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
    for part in ("1", "0.185 ± 0.029", "0.179", "87 %", "79 %", "0.021", "8.1", "98.9", "94.0", "8.7 %", "scored"):
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
    lines = show(make_board(make_entry(decided_early=True, scored_replicas=64, truly_better_than_next=0.999)))
    line = next(line for line in lines if "ada" in line)
    assert line.rstrip().endswith("decided early after 64 of 256 replicas")
    assert "> 99 %" in line


def test_the_ceiling_stands_below() -> None:
    assert any("ceiling" in line and "0.973 ± 0.023" in line for line in show(BOARD))


def test_an_empty_board_says_so() -> None:
    (line,) = show(make_board())
    assert line.startswith("nobody is on the board yet; `lacuna init`")


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


def test_an_unknown_competition_is_a_line_and_a_cure(run: Run, server: FakeServer) -> None:
    result = run("leaderboard", "nope")
    assert result.exit_code == 1
    assert len(result.stderr.strip().splitlines()) == 2
    assert "lacuna competitions" in result.stderr


def test_competitions_are_listed(run: Run, server: FakeServer) -> None:
    result = run("competitions")
    assert "digits" in result.stdout
    assert "open" in result.stdout


def test_limits_say_what_is_left(run: Run, server: FakeServer) -> None:
    limits = {"daily_limit": 50, "left": 3, "resets_at": "2026-01-02T00:00:00Z", "concurrent_limit": 5, "running": 1}
    server.on("GET", "/competitions/digits/limits", limits)
    assert "3 of 50 submissions left today (resets 2026-01-02 00:00 UTC); 1 of 5 running" in run("limits").stdout


def test_a_board_of_several_pages_is_read_to_its_end(run: Run, server: FakeServer) -> None:
    first = make_board(make_entry()) | {"next_cursor": "abc"}
    second = make_board(make_entry(name="bob", rank=2, rank_label="2"))
    server.on("GET", "/competitions/digits/leaderboard", first, second)
    rows = list(csv.DictReader(io.StringIO(run("leaderboard", "digits", "--csv").stdout)))
    assert [row["name"] for row in rows] == ["ada", "bob"]
    assert server.requests[-1].url.params["cursor"] == "abc"


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("2026-01-31", "2026-01-31T00:00:00+00:00"),
        ("2026-01-31 12:30", "2026-01-31T12:30:00+00:00"),
        ("2026-01-31T12:30+02:00", "2026-01-31T10:30:00+00:00"),
    ],
)
def test_the_board_of_an_earlier_time_is_asked_for_with_its_zone(
    run: Run, server: FakeServer, given: str, sent: str
) -> None:
    assert run("leaderboard", "digits", "--as-of", given).exit_code == 0
    assert server.requests[-1].url.params["as_of"] == sent


def test_what_is_no_time_is_one_line(run: Run, server: FakeServer) -> None:
    result = run("leaderboard", "digits", "--as-of", "yesterday")
    assert result.exit_code == 1
    assert "is not a time such as 2026-01-31T12:00" in result.stderr


CHANGE = {
    "at": "2026-01-31T12:00:00.000001Z",
    "cause": "over_budget",
    "name": "ada",
    "rank_before": 3,
    "rank_after": 1,
}


def test_changes_say_who_moved_when_and_why(run: Run, server: FakeServer) -> None:
    moves = [(3, 1), (None, 4), (2, 2), (None, None)]
    items = [CHANGE | {"rank_before": before, "rank_after": after} for before, after in moves]
    server.on("GET", "/competitions/digits/leaderboard/changes", {"items": items, "next_before": None})
    lines = run("leaderboard", "digits", "--changes").stdout.splitlines()
    assert lines[1].split() == ["2026-01-31T12:00:01", "ada", "over", "budget", "3", "→", "1"]
    assert [line.split("budget")[1].strip() for line in lines[2:]] == ["none → 4", "stays 2", "–"]
    assert json.loads(run("leaderboard", "digits", "--changes", "--json").stdout) == items


def test_a_board_without_changes_says_so(run: Run, server: FakeServer) -> None:
    server.on("GET", "/competitions/digits/leaderboard/changes", {"items": [], "next_before": None})
    assert "has not changed yet" in run("leaderboard", "digits", "--changes").stdout


@pytest.mark.parametrize(
    ("team", "entry", "shown"),
    [
        ("ada", make_entry(rank=3, rank_label="2–4"), "ada stands at 3 (2–4) of 7 with 0.185 ± 0.029"),
        ("ada", None, "ada has no rank yet"),
        (None, None, "you have no team here yet; submitting makes one"),
    ],
)
def test_ones_own_place_is_one_line(
    run: Run, server: FakeServer, team: str | None, entry: dict[str, Any] | None, shown: str
) -> None:
    server.on("GET", "/competitions/digits/leaderboard/me", {"team": team, "entry": entry, "ranked": 7})
    assert run("leaderboard", "digits", "--me").stdout.strip() == shown


@pytest.mark.parametrize("flags", [("--me", "--changes"), ("--me", "--csv"), ("--changes", "--as-of", "2026-01-31")])
def test_what_cannot_be_shown_together_is_refused(run: Run, server: FakeServer, flags: tuple[str, ...]) -> None:
    assert run("leaderboard", "digits", *flags).exit_code == 1


LEDGER = {
    "team": "ann",
    "charged": 1,
    "refunded": 0,
    "granted": 2,
    "items": [{"at": "2026-01-01T00:00:00Z", "kind": "grant", "amount": 2, "reason": "a broken disk", "by": "olga"}],
}


def test_the_ledger_says_what_was_granted_and_why(run: Run, server: FakeServer) -> None:
    server.on("GET", "/competitions/digits/limits/ledger", LEDGER)
    output = run("limits", "--ledger").output
    assert "+2" in output
    assert "a broken disk" in output
    assert "1 submitted, 0 given back, 2 granted" in output


def test_organizers_read_the_ledger_of_a_team(run: Run, server: FakeServer) -> None:
    server.on("GET", "/admin/competitions/digits/ledger", LEDGER)
    assert "a broken disk" in run("organize", "ledger", "digits", "ann").output
    assert server.requests[-1].url.params["team"] == "ann"
