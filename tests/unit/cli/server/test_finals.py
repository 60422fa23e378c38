from collections.abc import Callable
from typing import Any

from tests.unit.cli.fakes import FakeServer, make_board, make_entry

Run = Callable[..., Any]
ITEM = {"submission_id": "s1", "filename": "a.py", "note": "", "score": 0.5, "is_selected": True, "is_finalist": True}
VIEW = {"limit": 2, "is_open": True, "closes_at": None, "items": [ITEM]}


def test_without_an_id_the_selection_is_shown(run: Run, server: FakeServer) -> None:
    server.on("GET", "/competitions/digits/selection", VIEW)
    output = run("select").output
    assert "selected" in output
    assert "up to 2 may be selected" in output


def test_ids_replace_the_selection_and_none_empties_it(run: Run, server: FakeServer) -> None:
    server.on("PUT", "/competitions/digits/selection", VIEW)
    run("select", "s1", "s2")
    assert server.requests[-1].content == b'{"submission_ids":["s1","s2"]}'
    run("select", "--none")
    assert server.requests[-1].content == b'{"submission_ids":[]}'
    assert run("select", "s1", "--none").exit_code == 1


def test_the_final_board_is_a_board(run: Run, server: FakeServer) -> None:
    server.on("GET", "/competitions/digits/leaderboard", make_board(make_entry(name="ada")))
    assert "ada" in run("leaderboard", "--final").output
    assert run("leaderboard", "--final", "--csv").output.splitlines()[1].startswith("ranked,1,")
    run("leaderboard", "--final", "--as-of", "2026-01-31T12:00")
    assert server.requests[-1].url.params["as_of"] == "2026-01-31T12:00:00+00:00"
    assert server.requests[-1].url.params["phase"] == "private"


def test_the_server_chooses_the_board_unless_one_is_named(run: Run, server: FakeServer) -> None:
    server.on("GET", "/competitions/digits/leaderboard", make_board(make_entry(name="ada")))
    run("leaderboard")
    assert "phase" not in server.requests[-1].url.params
    run("leaderboard", "--public")
    assert server.requests[-1].url.params["phase"] == "public"
    assert run("leaderboard", "--public", "--final").exit_code == 1


def test_the_final_board_says_what_changed_after_it_was_published(run: Run, server: FakeServer) -> None:
    change = {"at": "2026-01-01T00:00:00Z", "cause": "disqualified", "name": "bob", "rank_before": 1}
    server.on("GET", "/competitions/digits/leaderboard/changes", {"items": [change | {"rank_after": None}]})
    output = run("leaderboard", "--final", "--changes").output
    assert "bob" in output
    assert "disqualified" in output
