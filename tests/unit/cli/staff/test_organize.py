from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.fakes import FakeServer

Run = Callable[..., Any]
ENTRY = {"filename": "mine.py", "user": "ann", "competition": "digits"}


def test_a_competition_is_frozen_with_a_reason(run: Run, server: FakeServer) -> None:
    server.on("POST", "/admin/competitions/digits/state", {"slug": "digits", "state": "frozen"})
    result = run("organize", "state", "digits", "frozen", "--because", "a fault in the data")
    assert "digits is now frozen" in result.output


@pytest.mark.parametrize(("command", "said"), [("disqualify", "is off the board"), ("reinstate", "is back")])
def test_a_submission_is_taken_off_and_put_back(run: Run, server: FakeServer, command: str, said: str) -> None:
    server.on("POST", f"/admin/submissions/s1/{command}", ENTRY)
    assert said in run("organize", command, "s1", "--because", "copied").output


def test_an_intact_log_says_its_head(run: Run, server: FakeServer) -> None:
    server.on("GET", "/admin/audit/verify", {"intact": True, "entries": 3, "head": "ab12", "broken_at": None})
    result = run("organize", "audit", "--verify")
    assert "3 entries, head ab12" in result.output


def test_the_log_reads_as_sentences_that_can_be_chosen(run: Run, server: FakeServer) -> None:
    item = {"at": "2026-11-21T10:00:00Z", "sentence": "olga disqualified submission s1. Because: copied"}
    server.on("GET", "/admin/audit", {"items": [item], "next_before": None})
    output = run("organize", "audit", "--by", "olga", "--since", "2026-11-01").output
    assert "2026-11-21 10:00 UTC  olga disqualified submission s1. Because: copied" in output
    assert dict(server.requests[-1].url.params) == {"actor": "olga", "since": "2026-11-01T00:00:00+00:00"}


def test_a_team_is_granted_submissions(run: Run, server: FakeServer) -> None:
    server.on("POST", "/admin/competitions/digits/grants", {"team": "ann", "amount": 2, "granted": 5})
    output = run("organize", "grant", "digits", "ann", 2, "--because", "the node was down").output
    assert "ann was granted 2, 5 in all" in output


def test_a_total_limit_of_zero_takes_it_away(run: Run, server: FakeServer) -> None:
    server.on("PATCH", "/admin/competitions/digits", {"slug": "digits", "closes_at": None, "daily_limit": 4})
    run("organize", "set", "digits", "--total-limit", 0, "--because", "a test")
    assert b'"total_limit":null' in server.requests[-1].content


@pytest.mark.parametrize("text", ["soon", "9999-12-31T23:59-12:00"])
def test_a_deadline_that_is_no_time_is_one_line(run: Run, server: FakeServer, text: str) -> None:
    result = run("organize", "set", "digits", "--closes-at", text, "--because", "a test")
    assert result.exit_code == 1
    assert "is not a time such as" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_deadline_is_sent_in_utc_and_none_takes_it_away(run: Run, server: FakeServer) -> None:
    server.on("PATCH", "/admin/competitions/digits", {"slug": "digits", "closes_at": None, "daily_limit": 4})
    for typed, sent in (("2026-12-31T23:59", b'"2026-12-31T23:59:00+00:00"'), ("none", b"null")):
        run("organize", "set", "digits", "--closes-at", typed, "--because", "a test")
        assert b'"closes_at":' + sent in server.requests[-1].content


def test_something_is_announced_from_a_file_and_read_by_everybody(run: Run, server: FakeServer, tmp_path: Path) -> None:
    (tmp_path / "news.md").write_text("*all* is well")
    item = {
        "id": "a1",
        "title": "Hear",
        "text": "*all* is well",
        "author": "olga",
        "created_at": "2026-11-21T10:00:00Z",
    }
    server.on("POST", "/admin/competitions/digits/announcements", item)
    server.on("GET", "/competitions/digits/announcements", {"items": [item]}, {"items": []})
    assert "announced on digits: Hear" in run("organize", "announce", "digits", "Hear", tmp_path / "news.md").output
    assert "Hear (2026-11-21 10:00 UTC, olga; a1)" in run("announcements").output
    assert "nothing was announced yet" in run("announcements").output


def test_practice_is_closed_by_a_limit_of_zero(run: Run, server: FakeServer) -> None:
    server.on("PATCH", "/admin/competitions/digits", {"slug": "digits", "closes_at": None, "daily_limit": 4})
    run("organize", "set", "digits", "--practice-daily-limit", 0, "--because", "a test")
    assert b'"practice_daily_limit":0' in server.requests[-1].content


def test_the_boards_are_checked_and_a_broken_one_is_a_failure(run: Run, server: FakeServer) -> None:
    item = {"kind": "public", "version": 7, "digest": "d", "intact": True, "broken_at": None, "reason": ""}
    server.on("GET", "/admin/competitions/digits/boards", {"intact": True, "items": [item]})
    assert "public board, version 7, d: intact" in run("organize", "boards", "digits").output
    broken = item | {"intact": False, "broken_at": 3, "reason": "the change is missing"}
    server.on("GET", "/admin/competitions/digits/boards", {"intact": False, "items": [broken]})
    result = run("organize", "boards", "digits")
    assert result.exit_code == 1
    assert "broken at version 3: the change is missing" in result.output


def test_an_announcement_is_edited_and_withdrawn_with_a_reason(run: Run, server: FakeServer, tmp_path: Path) -> None:
    path = "/admin/competitions/digits/announcements/a1"
    server.on("PATCH", path, {"title": "Hear all"})
    text = tmp_path / "text.md"
    text.write_text("be fair")
    output = run("organize", "edit-announcement", "digits", "a1", "--file", text, "--because", "clearer").output
    assert "digits reads now: Hear all" in output
    assert server.requests[-1].content == b'{"text":"be fair","reason":"clearer"}'
    server.on("POST", f"{path}/withdraw", {"title": "Hear all"})
    assert "withdrawn" in run("organize", "withdraw-announcement", "digits", "a1", "--because", "wrong").output
