from collections.abc import Callable
from typing import Any

import pytest

from client.credentials import load_credentials
from tests.unit.cli.fakes import FakeServer, make_problem

Run = Callable[..., Any]


@pytest.fixture
def server(server: FakeServer) -> FakeServer:
    server.on("POST", "/users", {"id": "u", "name": "ada", "role": "participant"})
    server.on("POST", "/tokens", {"id": "t", "token": "fresh"})
    return server


def test_registering_logs_in_and_keeps_the_token(run: Run, server: FakeServer) -> None:
    result = run("register", "ada", text="long password\nlong password\n")
    assert result.exit_code == 0
    saved = load_credentials()
    assert saved is not None
    assert (saved.token, saved.name) == ("fresh", "ada")
    assert "long password" not in result.output


def test_a_password_from_the_environment_is_not_asked_for(
    run: Run, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LACUNA_PASSWORD", "long password")
    assert run("login", "--name", "ada").exit_code == 0
    assert b"long password" in server.requests[-1].content


def test_a_taken_name_is_one_line_and_saves_nothing(run: Run, server: FakeServer) -> None:
    server.on("POST", "/users", make_problem(409, "the name ada is taken"))
    result = run("register", "ada", "--password", "long password")
    assert result.exit_code == 1
    assert "the name ada is taken" in result.stderr
    assert load_credentials() is None


def test_a_wrong_password_saves_nothing(run: Run, server: FakeServer) -> None:
    server.on("POST", "/tokens", make_problem(401, "wrong name or password"))
    result = run("login", "--name", "ada", "--password", "x")
    assert (result.exit_code, result.stderr) == (1, "error: wrong name or password\n")
    assert load_credentials() is None
