from collections.abc import Callable
from typing import Any

from tests.unit.cli.fakes import FakeServer

Run = Callable[..., Any]
MESSAGE = {"subject": "An invitation", "text": "Come!", "created_at": "2026-11-21T10:00:00Z", "read_at": None}


def test_messages_are_printed_and_marked(run: Run, server: FakeServer) -> None:
    server.on("GET", "/me/inbox", {"items": [MESSAGE], "unread": 1, "next_before": None})
    server.on("POST", "/me/inbox/read", {})
    output = run("inbox").output
    assert "* 2026-11-21 10:00" in output
    assert "1 unread" in output
    assert [each.method for each in server.requests] == ["GET"]
    run("inbox", "--read")
    assert server.requests[-1].method == "POST"


def test_an_empty_inbox_says_so(run: Run, server: FakeServer) -> None:
    server.on("GET", "/me/inbox", {"items": [], "unread": 0, "next_before": None})
    assert "nothing yet" in run("inbox").output
