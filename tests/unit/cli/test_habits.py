"""What holds for all commands: help, version, names, JSON, and tables that a narrow terminal can show."""

from collections.abc import Callable, Iterator
from typing import Any

import click
import pytest
from rich.console import Console
from typer.main import get_command

from cli.app import app
from cli.show import tables
from cli.show.board import render_board
from cli.show.naming import place_competition
from cli.show.tables import Column, Line, fit_table
from client.credentials import Credentials, load_credentials, save_credentials
from tests.unit.cli.fakes import FakeServer, make_board, make_entry, make_state

Run = Callable[..., Any]
# what makes files here or ends in no facts of a server
WORDLESS = {
    *("account logout", "account password", "account revoke", "admin backup", "admin data-set revoke", "admin export"),
    *("admin pools retire", "admin restore", "bench", "demo", "grant", "init", "login", "logout", "logs"),
    *("node join", "node leave"),
    *("notify remove", "problem build", "register", "score", "source", "team decline", "team leave", "tune", "up"),
}
WHOLE = "01a22a9f-2d74-73c9-b223-5d48205ecae7"


def walk(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    if hasattr(command, "commands"):
        for name, inner in command.commands.items():
            yield from walk(inner, (*words, name))
    else:
        yield " ".join(words), command


COMMANDS = dict(walk(get_command(app)))


def test_every_command_that_prints_facts_prints_them_as_json() -> None:
    silent = {name for name, command in COMMANDS.items() if not any("--json" in each.opts for each in command.params)}
    assert silent == WORDLESS


def test_version_and_short_help(run: Run) -> None:
    assert run("--version").stdout.startswith("lacuna ")
    for words in ([], ["leaderboard"], ["organize", "state"], ["admin", "backup"]):
        assert "Usage" in run(*words, "-h").stdout


def test_a_shell_is_told_how_to_complete(run: Run) -> None:
    assert "--show-completion" in run("--help").stdout


@pytest.mark.parametrize("words", ["leaderboard", "limits", "rules", "announcements"])
def test_c_names_a_competition_wherever_one_is_named(run: Run, server: FakeServer, words: str) -> None:
    for args in ([words, "-c", "mine"], [words, "mine"], [words, "--competition=mine"]):
        run(*args)
        assert "/competitions/mine/" in str(server.requests[-1].url)


def test_c_names_it_in_groups_too_and_is_left_alone_where_it_is_an_option() -> None:
    group: Any = get_command(app)
    state = ["state", "closed", "-c", "digits", "--because", "over"]
    placed = place_competition(group.commands["organize"], state)
    assert placed == ["state", "digits", "closed", "--because", "over"]
    assert place_competition(group.commands["submit"], ["-c", "digits", "a.py"]) == ["-c", "digits", "a.py"]


def test_whoami_and_logout(run: Run, server: FakeServer) -> None:
    save_credentials(Credentials(url="http://127.0.0.1:8400", token="lct_a", name="ada"))
    server.on("GET", "/me", {"id": "u1", "name": "ada", "role": "participant"})
    assert "ada (participant) on http://127.0.0.1:8400" in run("whoami").stdout
    assert '"name": "ada"' in run("whoami", "--json").stdout
    server.on("DELETE", "/tokens/current", {})
    assert run("logout").exit_code == 0
    assert (server.requests[-1].method, load_credentials()) == ("DELETE", None)


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_a_board_never_cuts_a_score_and_drops_whole_columns(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setattr(tables, "make_console", lambda: Console(width=width))
    entry = make_entry(name="a team with quite a long name", rank=12, rank_label="12–140")
    console = Console(width=width, highlight=False)
    with console.capture() as capture:
        console.print(render_board(make_board(entry)))
    lines = [line.rstrip() for line in capture.get().splitlines()]
    assert max(map(len, lines)) <= width
    for shown in ("0.185 ± 0.029", "12 (12–140)", "8.7 %" if width > 60 else ""):
        assert any(shown in line for line in lines)
    assert ("TA" in lines[0].split()) == (width >= 120)
    assert any("a wider window" in line for line in lines) == (width < 120)


def test_submissions_have_ids_that_can_be_copied_in_eighty_columns(
    run: Run, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "make_console", lambda: Console(width=80))
    score = {"estimate": 0.512, "low": 0.5, "high": 0.53}
    name = "unlearning_with_a_long_name.py"
    row = make_state(id=WHOLE, note="a note " * 9, filename=name, verdict="scored", score=score)
    server.on("GET", "/submissions", {"items": [row], "next_cursor": None})
    lines = run("submissions").stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[1].split()[0] == WHOLE[-8:]
    assert "0.512 ± 0.018" in " ".join(lines)


def test_of_what_is_dropped_the_least_important_goes_first() -> None:
    columns = (Column("id"), Column("long", 2), Column("short", 1))
    table = fit_table(columns, [Line(("abcdefgh", "x" * 30, "y"))], 24)
    assert [str(column.header) for column in table.columns] == ["id", "short"]


def test_staff_name_a_submission_by_its_last_letters(run: Run, server: FakeServer) -> None:
    server.on("GET", "/competitions/digits/leaderboard", make_board())
    server.on("GET", "/admin/audit", {"items": [{"subject": f"submission/{WHOLE}"}], "next_before": None})
    answer = {"filename": "a.py", "user": "ann", "competition": "digits"}
    server.on("POST", f"/admin/submissions/{WHOLE}/reinstate", answer)
    assert "is back on the board" in run("organize", "reinstate", "205ecae7", "--because", "a mistake").stdout
