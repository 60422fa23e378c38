import json
from collections.abc import Callable
from typing import Any

from tests.unit.cli.fakes import FakeServer

Run = Callable[..., Any]
TOKEN = {
    "id": "t1",
    "label": "laptop",
    "scopes": ["read", "submit"],
    "created_at": "2026-11-21T10:00:00Z",
    "expires_at": "2027-02-19T10:00:00Z",
    "revoked_at": None,
}


def test_the_password_is_changed_and_not_printed(run: Run, server: FakeServer) -> None:
    server.on("POST", "/me/password", {})
    result = run("account", "password", text="old secret\nnew secret\nnew secret\n")
    assert "the password is changed" in result.output
    assert "secret" not in result.output
    assert json.loads(server.requests[-1].content) == {"old": "old secret", "new": "new secret"}


def test_every_log_in_ends_and_tokens_if_wished(run: Run, server: FakeServer) -> None:
    server.on("POST", "/me/logout", {})
    assert "lacuna login" not in run("account", "logout").output
    assert "lacuna login" in run("account", "logout", "--tokens").output
    assert [json.loads(request.content)["tokens"] for request in server.requests] == [False, True]


def test_tokens_that_work_are_listed_with_their_end(run: Run, server: FakeServer) -> None:
    revoked = TOKEN | {"id": "t2", "revoked_at": "2026-11-21T11:00:00Z"}
    server.on("GET", "/tokens", {"items": [TOKEN, revoked]})
    assert run("account", "tokens").output == "t1  laptop  read, submit  until 2027-02-19\n"
    assert json.loads(run("account", "tokens", "--json").stdout) == [TOKEN]


def test_a_token_is_revoked(run: Run, server: FakeServer) -> None:
    server.on("DELETE", "/tokens/t1", {})
    assert "revoked" in run("account", "revoke", "t1").output
