from collections.abc import Callable
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


def test_the_log_is_a_table(run: Run, server: FakeServer) -> None:
    item = {"at": "2026-11-21T10:00:00Z", "actor": "olga", "action": "submission.disqualify", "subject": "s1"}
    server.on("GET", "/admin/audit", {"items": [{**item, "detail": {"reason": "copied"}}], "next_before": None})
    assert "copied" in run("organize", "audit").output
