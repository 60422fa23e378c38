"""Logging out of the terminal: the token in use can end itself."""

from collections.abc import Callable

from fastapi.testclient import TestClient

from tests.unit.api.conftest import Login

CURRENT = "/api/v1/tokens/current"


def test_a_token_revokes_itself_and_no_other(client: TestClient, login: Callable[..., Login]) -> None:
    ann, bob = login("ann"), login("bob")
    assert client.delete(CURRENT, headers=ann.headers).status_code == 204
    assert client.get("/api/v1/me", headers=ann.headers).status_code == 401
    assert client.get("/api/v1/me", headers=bob.headers).status_code == 200


def test_without_a_token_there_is_none_to_revoke(client: TestClient) -> None:
    assert client.delete(CURRENT).status_code == 401
