from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.cli.fakes import FakeServer

Run = Callable[..., Any]
GROUP: dict[str, Any] = {
    "purpose": "ranked",
    "status": "queued",
    "is_rejudge": False,
    "count": 3,
    "oldest_seconds": 300.0,
}
STUCK = {"waited_seconds": 4000.0, "status": "running", "evaluation_id": "e1", "filename": "a.py", "by": "ann"}
QUEUE: dict[str, Any] = {
    "groups": [GROUP],
    "replicas_left": 768,
    "workers": 4,
    "seconds_left": 600.0,
    "messages_unsent": 2,
    "janitor": [{"duty": "delivery", "why": "", "command": ""}],
}
PIECE = {"name": "chunk 3 of the retrained pool", "subject": "digits", "waited_seconds": 90.0}
QUEUE["pieces"] = [{**PIECE, "why": "given up: no memory left (on n7)", "command": "apply it again"}]
NODE = {
    "name": "one",
    "health": "healthy",
    "is_draining": False,
    "node_class": "cpu",
    "calibrated_for": ["digits"],
    "not_calibrated_for": [],
    "sandbox": "docker",
    "workers": 4,
}
NODE |= {"version": "0.1.0", "shards": [{}], "pool_chunks": 1, "last_seen_at": "2026-11-21T10:00:00Z"}
NODE |= {"fault": "", "drain_reason": ""}
LINE = {"day": "2026-11-21", "competition": "digits", "team": "ann", "purpose": "ranked", "is_rejudge": True}
LINE |= {"evaluations": 2, "replicas": 512, "cpu_seconds": 12.34, "wall_seconds": 15.0}


def test_the_queue_says_what_waits_and_what_is_stuck(run: Run, server: FakeServer) -> None:
    server.on(
        "GET", "/admin/queue", {**QUEUE, "waiting": [{**STUCK, "why": "one rests: no engine", "command": "try this"}]}
    )
    shown = run("admin", "queue").output
    assert "768 replicas left on 4 workers: about 10 min" in shown
    assert "stuck 67 min running e1 a.py by ann\n  one rests: no engine\n  helps: try this\n" in shown
    assert "stuck 90 s chunk 3 of the retrained pool of digits\n  given up: no memory left (on n7)\n" in shown
    assert "2 messages have not reached the broker" in shown


def test_a_janitor_that_does_not_turn_is_named_with_what_helps(run: Run, server: FakeServer) -> None:
    duty = {"duty": "sweep", "why": "no janitor has swept yet", "command": "python -m worker.janitor"}
    server.on("GET", "/admin/queue", {**QUEUE, "waiting": [], "janitor": [duty]})
    shown = run("admin", "queue").output
    assert "stuck janitor: no janitor has swept yet\n  helps: python -m worker.janitor\n" in shown


def test_an_estimate_that_cannot_be_made_is_not_made(run: Run, server: FakeServer) -> None:
    server.on("GET", "/admin/queue", {**QUEUE, "waiting": [], "seconds_left": None})
    assert "nobody knows how long" in run("admin", "queue").output


def test_nodes_are_a_table(run: Run, server: FakeServer) -> None:
    server.on("GET", "/admin/nodes", {"items": [{**NODE, "is_draining": True, "drain_reason": "a new disk"}]})
    shown = run("admin", "nodes").output
    assert "healthy, draining" in shown
    assert "2 of 4" in shown
    assert "a new disk" in shown
    assert "digits" in shown


@pytest.mark.parametrize(
    ("deed", "said"), [("drain", "one drains; it still holds 1 shards"), ("activate", "one works")]
)
def test_a_node_is_drained_and_set_to_work(run: Run, server: FakeServer, deed: str, said: str) -> None:
    server.on("POST", f"/admin/nodes/one/{deed}", NODE)
    assert said in run("admin", deed, "one", "--because", "a new disk").output
    assert b"a new disk" in server.requests[-1].content


def test_leaks_say_who_was_told_how_much(run: Run, server: FakeServer) -> None:
    line = {"competition": "faces", "problem": "faces", "team": "ann", "runs": 20, "climbs": 23, "bits": 5207.2}
    items = [line | {"limit": 5000, "is_spent": True}, line | {"limit": 9000, "is_spent": False, "team": "bob"}]
    server.on("GET", "/admin/leaks", {"items": items, "run_bits": 16.1, "climb_bits": 212.4})
    shown = run("admin", "leaks", "-c", "faces").output
    assert "5207" in shown
    assert shown.count("waits for staff") == 1
    assert server.requests[0].url.query == b"competition=faces"


def test_costs_say_who_spent_what(run: Run, server: FakeServer) -> None:
    server.on("GET", "/admin/costs", {"items": [LINE], "cpu_seconds": 12.34, "wall_seconds": 15.0})
    shown = run("admin", "costs", "--days", "7", "-c", "digits").output
    assert "ranked, rejudge" in shown
    assert "together 12.3 processor seconds" in shown
    assert dict(server.requests[-1].url.params) == {"days": "7", "competition": "digits"}


@pytest.mark.parametrize("deed", ["requeue", "cancel"])
def test_a_stuck_evaluation_is_acted_upon(run: Run, server: FakeServer, deed: str) -> None:
    server.on("POST", f"/admin/evaluations/e1/{deed}", {"evaluation_id": "e1", "status": "running", "messages": 1})
    assert "e1 is running" in run("admin", deed, "e1", "--because", "it hangs").output


def test_flags_are_listed_and_decided(run: Run, server: FakeServer) -> None:
    flag = {"code": "no_op", "severity": "strong", "detail": "It moved nothing.", "decision": None}
    entry = {"evaluation_id": "e1", "by": "ann", "filename": "a.py", "flags": [flag]}
    server.on("GET", "/admin/flags", {"items": [entry], "next_before": None})
    assert "It moved nothing." in run("admin", "flags").output
    decided = flag | {"decision": {"decision": "upheld"}}
    server.on("POST", "/admin/evaluations/e1/flags/no_op/decision", decided)
    assert "no_op is upheld" in run("admin", "decide", "e1", "no_op", "upheld", "--because", "we looked").output
