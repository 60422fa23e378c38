from collections.abc import Callable
from typing import Any

from tests.unit.cli.fakes import FakeServer, make_board, make_entry

Run = Callable[..., Any]
ITEM = {"submission_id": "s1", "filename": "a.py", "note": "", "score": 0.5, "is_selected": True, "is_finalist": True}
VIEW = {"limit": 2, "is_open": True, "closes_at": None, "items": [ITEM]}
FINALIST = {"submission_id": "s1", "team": "ann", "filename": "a.py", "status": "running", "verdict": None}
PRIVATE = {
    "state": "scoring",
    "unfinished": 1,
    "finalists": [{**FINALIST, "finished": 3, "total": 24}],
    "board": {"digest": "d" * 64},
    "proposal": None,
}


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


def test_a_private_phase_is_shown_started_and_published_with_a_reason(run: Run, server: FakeServer) -> None:
    server.on("GET", "/admin/competitions/digits/private", PRIVATE)
    server.on("POST", "/admin/competitions/digits/private/start", PRIVATE)
    server.on("POST", "/admin/competitions/digits/private/publish", PRIVATE | {"state": "published"})
    assert "running 3/24" in run("organize", "private", "digits").output
    assert run("organize", "private", "digits", "start").exit_code == 1
    assert "scoring" in run("organize", "private", "digits", "start", "--because", "the end").output
    assert "published" in run("organize", "private", "digits", "publish", "--because", "the end").output


def test_the_final_board_is_a_board(run: Run, server: FakeServer) -> None:
    server.on("GET", "/competitions/digits/final", make_board(make_entry(name="ada")))
    assert "ada" in run("leaderboard", "--final").output
    assert run("leaderboard", "--final", "--csv").output.splitlines()[1].startswith("ranked,1,")
    run("leaderboard", "--final", "--as-of", "2026-01-31T12:00")
    assert server.requests[-1].url.params["as_of"] == "2026-01-31T12:00:00+00:00"
    assert run("leaderboard", "--final", "--me").exit_code == 1


def test_the_final_board_says_what_changed_after_it_was_published(run: Run, server: FakeServer) -> None:
    change = {"at": "2026-01-01T00:00:00Z", "cause": "disqualified", "name": "bob", "rank_before": 1}
    server.on("GET", "/competitions/digits/final/changes", {"items": [change | {"rank_after": None}]})
    output = run("leaderboard", "--final", "--changes").output
    assert "bob" in output
    assert "disqualified" in output


def test_two_people_publish_by_the_digest_that_both_looked_at(run: Run, server: FakeServer) -> None:
    proposal = {"by": "olga", "digest": "d" * 64, "is_current": False}
    server.on("POST", "/admin/competitions/digits/private/propose", PRIVATE | {"proposal": proposal})
    answer = run("organize", "private", "digits", "propose", "--because", "checked", "--digest", "d" * 64)
    assert "olga proposes to publish" in answer.output
    assert "has to be proposed again" in answer.output
    assert server.requests[-1].content == b'{"reason":"checked","digest":"' + b"d" * 64 + b'"}'


def test_how_many_it_takes_is_a_setting(run: Run, server: FakeServer) -> None:
    server.on("PATCH", "/admin/competitions/digits", {"slug": "digits", "closes_at": None, "daily_limit": 5})
    run("organize", "set", "digits", "--publish-approvals", "2", "--because", "fair")
    assert server.requests[-1].content == b'{"publish_approvals":2,"reason":"fair"}'
