from collections.abc import Callable
from typing import Any

from tests.unit.cli.fakes import FakeServer

Run = Callable[..., Any]
FINALIST = {"submission_id": "s1", "team": "ann", "filename": "a.py", "status": "running", "verdict": None}
PRIVATE = {
    "state": "scoring",
    "unfinished": 1,
    "finalists": [{**FINALIST, "finished": 3, "total": 24}],
    "board": {"digest": "d" * 64},
    "proposal": None,
}


def test_a_private_phase_is_shown_started_and_published_with_a_reason(run: Run, server: FakeServer) -> None:
    server.on("GET", "/admin/competitions/digits/private", PRIVATE)
    server.on("POST", "/admin/competitions/digits/private/start", PRIVATE)
    server.on("POST", "/admin/competitions/digits/private/publish", PRIVATE | {"state": "published"})
    assert "running 3/24" in run("organize", "private", "digits").output
    assert run("organize", "private", "digits", "start").exit_code == 1
    assert "scoring" in run("organize", "private", "digits", "start", "--because", "the end").output
    assert "published" in run("organize", "private", "digits", "publish", "--because", "the end").output


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
