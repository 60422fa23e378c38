from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.fakes import FakeServer

Run = Callable[..., Any]
RULES = {"version": 2, "text": "# Be fair", "created_at": None, "must_accept": True, "accepted_at": None}
NONE = {"version": None, "text": "", "created_at": None, "must_accept": False, "accepted_at": None}


def test_rules_are_printed_with_the_command_that_accepts_them(run: Run, server: FakeServer) -> None:
    server.on("GET", "/competitions/digits/rules", RULES)
    output = run("rules").output
    assert "# Be fair" in output
    assert "lacuna rules digits --accept" in output


def test_the_printed_version_is_the_accepted_one(run: Run, server: FakeServer) -> None:
    server.on("GET", "/competitions/digits/rules", RULES)
    accepted = RULES | {"accepted_at": "2026-11-21T10:00:00Z"}
    server.on("POST", "/competitions/digits/rules/acceptance", accepted)
    assert "you accepted version 2" in run("rules", "digits", "--accept").output
    assert server.requests[-1].content == b'{"version":2}'


def test_a_competition_without_rules_says_so(run: Run, server: FakeServer) -> None:
    server.on("GET", "/competitions/digits/rules", NONE)
    assert "nothing needs to be accepted" in run("rules").output
    assert run("rules", "--accept").exit_code == 1


def test_organizers_write_rules_from_a_file(run: Run, server: FakeServer, tmp_path: Path) -> None:
    (tmp_path / "rules.md").write_text("# Be fair")
    server.on("PUT", "/admin/competitions/digits/rules", RULES)
    assert "version 2 of the rules" in run("organize", "rules", "digits", tmp_path / "rules.md").output
    assert run("organize", "rules", "digits", tmp_path / "none.md").exit_code == 1


@pytest.mark.parametrize(("given", "sent"), [("2026-12-31T23:59", b"2026-12-31T23:59:00+00:00"), ("none", b"null")])
def test_the_deadline_is_set_and_taken_away(run: Run, server: FakeServer, given: str, sent: bytes) -> None:
    server.on("PATCH", "/admin/competitions/digits", {"slug": "digits", "closes_at": None, "daily_limit": 4})
    output = run("organize", "set", "digits", "--closes-at", given, "--daily-limit", 4, "--because", "a test").output
    assert "digits: deadline none, 4 a day" in output
    assert sent in server.requests[-1].content
    assert b'"daily_limit":4' in server.requests[-1].content


def test_a_deadline_that_is_no_time_is_refused_here(run: Run, server: FakeServer) -> None:
    assert run("organize", "set", "digits", "--closes-at", "soon", "--because", "a test").exit_code == 1
