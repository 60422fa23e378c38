from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select

from api.security import hash_token
from core.db.models.accounts import ApiToken, User
from core.db.session import reading, transaction
from tests import factories
from tests.unit.api.conftest import Login

ANN = {"name": "ann", "password": "correct horse"}


def test_an_account_can_be_made_and_used(client: TestClient) -> None:
    made = client.post("/api/v1/users", json=ANN)
    assert made.status_code == 201
    token = client.post("/api/v1/tokens", json=ANN | {"label": "laptop"}).json()["token"]
    me = client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"}).json()
    assert me == made.json() == {"id": made.json()["id"], "name": "ann", "role": "participant"}


@pytest.mark.parametrize("name", ["ann", "Ann", "platform", "ADMIN"])
def test_a_taken_name_is_refused_in_any_case(client: TestClient, login: Callable[..., Login], name: str) -> None:
    login("ann")
    assert client.post("/api/v1/users", json=ANN | {"name": name}).status_code == 409


@pytest.mark.parametrize("name", ["a", "_ann", "an n", "x" * 40, "änn", "ann\n", "<b>ann</b>"])
def test_a_bad_name_is_refused(client: TestClient, name: str) -> None:
    assert client.post("/api/v1/users", json=ANN | {"name": name}).status_code == 422


def test_a_role_cannot_be_asked_for(client: TestClient) -> None:
    assert client.post("/api/v1/users", json=ANN | {"role": "admin"}).status_code == 422


def test_too_many_registrations_wait(client: TestClient, engine: Engine) -> None:
    with transaction(engine) as session:
        for _ in range(5):
            factories.make_user(session)
    answer = client.post("/api/v1/users", json=ANN)
    assert (answer.status_code, answer.json()["code"]) == (429, "REGISTRATION_LIMIT")
    assert 3500 < int(answer.headers["retry-after"]) <= 3600


@pytest.mark.parametrize("credentials", [ANN | {"password": "wrong horse"}, ANN | {"name": "nobody"}])
def test_wrong_credentials_do_not_say_what_was_wrong(client: TestClient, credentials: dict[str, str]) -> None:
    client.post("/api/v1/users", json=ANN)
    answer = client.post("/api/v1/tokens", json=credentials)
    assert (answer.status_code, answer.json()["detail"]) == (401, "wrong name or password")


def test_neither_password_nor_token_is_stored(client: TestClient, engine: Engine) -> None:
    client.post("/api/v1/users", json=ANN)
    token = client.post("/api/v1/tokens", json=ANN).json()["token"]
    with reading(engine) as session:
        assert session.scalars(select(User)).one().password_hash.startswith("$argon2id$")
        assert session.scalars(select(ApiToken)).one().secret_sha256 == hash_token(token)


def test_a_revoked_token_ends_at_once(client: TestClient, login: Callable[..., Login]) -> None:
    ann = login("ann")
    listed = client.get("/api/v1/tokens", headers=ann.headers).json()["items"]
    assert client.delete(f"/api/v1/tokens/{listed[0]['id']}", headers=ann.headers).status_code == 204
    assert client.get("/api/v1/me", headers=ann.headers).status_code == 401


def test_an_expired_token_is_refused(client: TestClient, engine: Engine) -> None:
    with transaction(engine) as session:
        factories.make_token(session, factories.make_user(session), hash_token("lct_old"), days=-1)
    assert client.get("/api/v1/me", headers={"Authorization": "Bearer lct_old"}).status_code == 401


def test_someone_elses_token_cannot_be_revoked(client: TestClient, login: Callable[..., Login]) -> None:
    ann, bob = login("ann"), login("bob")
    token_id = client.get("/api/v1/tokens", headers=ann.headers).json()["items"][0]["id"]
    assert client.delete(f"/api/v1/tokens/{token_id}", headers=bob.headers).status_code == 404
    assert client.get("/api/v1/me", headers=ann.headers).status_code == 200


@pytest.mark.parametrize(
    ("changed", "words"),
    [({"password": "short"}, "a password has at least 8"), ({"name": "-ann"}, "a name has 2 to 39")],
)
def test_what_cannot_be_registered_is_told_in_words(client: TestClient, changed: dict[str, str], words: str) -> None:
    answer = client.post("/api/v1/users", json=ANN | changed)
    assert (answer.status_code, answer.json()["detail"].startswith(words)) == (422, True)
    assert answer.json()["errors"][0]["pointer"] == f"/{next(iter(changed))}"
