from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.cli.fakes import FakeServer

Run = Callable[..., Any]
PLAN = {"evaluations": 3, "replicas": 768, "cpu_seconds": 384.0, "verdicts": {"scored": 2, "platform_error": 1}}
PLAN |= {"teams": [{"team": "ann", "submissions": 1}]}
VIEW = {"id": "r1", "competition": "digits", "state": "running", "finished": 3, "evaluations": 3, "is_complete": True}
VIEW |= {"finished_replicas": 768, "replicas": 768, "started_by": "olga", "reason": "twice"}


def make_standing(rank: int, score: float) -> dict[str, Any]:
    return {"rank": rank, "score": score, "low": score - 0.01, "high": score + 0.01, "verdict": "scored"}


def test_a_plan_says_what_it_would_take(run: Run, server: FakeServer) -> None:
    server.on("POST", "/admin/rejudges/preview", PLAN)
    shown = run("rejudge", "plan", "--verdict", "platform_error", "--verdict", "scored").output
    assert "3 evaluations, 768 replicas, processor time 6 min" in shown
    assert b'"verdicts":["platform_error","scored"]' in server.requests[-1].content.replace(b" ", b"")


def test_one_is_started_with_a_reason(run: Run, server: FakeServer) -> None:
    server.on("POST", "/admin/rejudges", VIEW | {"finished": 0, "is_complete": False})
    assert "0 of 3 evaluations ended" in run("rejudge", "start", "--because", "twice", "--submission", "s1").output
    assert b"twice" in server.requests[-1].content


def test_what_has_ended_waits_to_be_decided(run: Run, server: FakeServer) -> None:
    server.on("GET", "/admin/rejudges/r1", VIEW)
    server.on("GET", "/admin/rejudges", {"items": [VIEW]})
    assert "compare, then promote or discard" in run("rejudge", "show", "r1").output
    assert "3 of 3" in run("rejudge", "list").output


def test_the_boards_stand_side_by_side(run: Run, server: FakeServer) -> None:
    move = {"name": "bob", "filename": "b.py", "old": make_standing(2, 0.4), "new": make_standing(1, 0.9)}
    kept = {"submission_id": "s3", "name": "eve", "new": {"verdict": "platform_error"}, "replaces": False}
    answer = {"ranking": [move | {"overlaps": False}], "evaluations": [kept]}
    server.on("GET", "/admin/rejudges/r1/comparison", answer)
    shown = run("rejudge", "compare", "r1").output
    assert "0.900 (0.890 to 0.910)" in shown
    assert "s3 by eve keeps its old result" in shown


def test_the_private_phase_is_named(run: Run, server: FakeServer) -> None:
    server.on("POST", "/admin/rejudges/preview", PLAN)
    server.on("POST", "/admin/rejudges", VIEW)
    for command in (("plan",), ("start", "--because", "twice")):
        run("rejudge", *command, "--private")
        assert b'"phase":"private"' in server.requests[-1].content.replace(b" ", b"")


@pytest.mark.parametrize(
    ("deed", "state"),
    [("promote", "promoted"), ("discard", "discarded"), ("pause", "paused"), ("resume", "running")],
)
def test_one_is_decided(run: Run, server: FakeServer, deed: str, state: str) -> None:
    server.on("POST", f"/admin/rejudges/r1/{deed}", VIEW | {"state": state})
    assert f"r1 is {state}" in run("rejudge", deed, "r1", "--because", "compared").output
