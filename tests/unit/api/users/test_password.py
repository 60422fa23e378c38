from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from api.security import hash_password, hash_token
from core.db.base import utc_now
from core.db.models.accounts import BrowserSession
from core.db.session import transaction
from core.domain.quota import LOGIN_FAILURES
from tests.unit.api.conftest import Login

OURS = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}
OLD, NEW = "correct horse", "another staple"


@pytest.fixture(scope="module")
def password_hash() -> str:
    return hash_password(OLD)


@pytest.fixture
def ann(login: Callable[..., Login], engine: Engine, password_hash: str) -> Login:
    """With a token, a password, and two browsers."""
    ann = login("ann")
    with transaction(engine) as session:
        user = session.merge(ann.user)
        user.password_hash = password_hash
        for secret in ("lct_here", "lct_there"):
            expires_at = utc_now() + timedelta(hours=1)
            session.add(BrowserSession(user_id=user.id, secret_sha256=hash_token(secret), expires_at=expires_at))
    return ann


def is_in(client: TestClient, secret: str) -> bool:
    client.cookies.clear()
    client.cookies.set("lacuna", secret)
    return client.get("/api/v1/me").status_code == 200


def log_in(client: TestClient, password: str) -> int:
    client.cookies.clear()
    body = {"name": "ann", "password": password}
    return client.post("/api/v1/auth/login", json=body, headers=OURS).status_code


def change(client: TestClient, ann: Login, old: str = OLD, new: str = NEW) -> Any:
    return client.post("/api/v1/me/password", json={"old": old, "new": new}, headers=ann.headers)


def test_a_new_password_ends_every_browser_and_leaves_tokens(client: TestClient, ann: Login) -> None:
    assert change(client, ann).status_code == 204
    assert [is_in(client, secret) for secret in ("lct_here", "lct_there")] == [False, False]
    client.cookies.clear()
    assert client.get("/api/v1/me", headers=ann.headers).status_code == 200
    assert [log_in(client, OLD), log_in(client, NEW)] == [401, 200]


def test_the_old_password_is_asked_for_and_guessing_it_is_counted(client: TestClient, ann: Login) -> None:
    answers = [change(client, ann, old="wrong").status_code for _ in range(LOGIN_FAILURES + 1)]
    assert answers == [422] * LOGIN_FAILURES + [429]


def test_a_short_password_is_refused(client: TestClient, ann: Login) -> None:
    assert change(client, ann, new="short").status_code == 422


@pytest.mark.parametrize(("tokens", "status"), [(False, 200), (True, 401)])
def test_logging_out_everywhere_takes_the_tokens_too_if_wished(
    client: TestClient, ann: Login, tokens: bool, status: int
) -> None:
    assert client.post("/api/v1/me/logout", json={"tokens": tokens}, headers=ann.headers).status_code == 204
    assert not is_in(client, "lct_there")
    client.cookies.clear()
    assert client.get("/api/v1/me", headers=ann.headers).status_code == status


def test_nobody_elses_log_ins_end(client: TestClient, ann: Login, login: Callable[..., Login]) -> None:
    client.post("/api/v1/me/logout", json={"tokens": True}, headers=login("bob").headers)
    assert is_in(client, "lct_here")


def test_the_page_changes_the_password_and_keeps_its_reader_in(client: TestClient, ann: Login) -> None:
    client.cookies.set("lacuna", "lct_here")
    client.headers.update(OURS)
    page = client.get("/account/security").text
    assert page.count("this browser") == 1
    answer = client.post("/account/security/password", data={"old": OLD, "new": NEW}, follow_redirects=False)
    assert answer.status_code == 303
    fresh = answer.headers["set-cookie"].split("lacuna=")[1].split(";")[0]
    assert [is_in(client, secret) for secret in ("lct_here", "lct_there", fresh)] == [False, False, True]


@pytest.mark.parametrize(
    ("data", "said"), [({"old": "wrong", "new": NEW}, "old password is wrong"), ({"old": OLD, "new": "x"}, "8 char")]
)
def test_the_page_says_why_a_password_was_not_changed(
    client: TestClient, ann: Login, data: dict[str, str], said: str
) -> None:
    client.cookies.set("lacuna", "lct_here")
    answer = client.post("/account/security/password", data=data, headers=OURS)
    assert answer.status_code == 422
    assert said in answer.text


def test_the_page_logs_out_everywhere(client: TestClient, ann: Login) -> None:
    client.cookies.set("lacuna", "lct_here")
    client.headers.update(OURS)
    answer = client.post("/account/security/logout-everywhere", data={"tokens": "true"}, follow_redirects=False)
    assert answer.headers["location"] == "/login"
    assert not is_in(client, "lct_here")
    client.cookies.clear()
    assert client.get("/api/v1/me", headers=ann.headers).status_code == 401


def test_another_site_ends_nobodys_log_in(client: TestClient, ann: Login) -> None:
    client.cookies.set("lacuna", "lct_here")
    answer = client.post("/account/security/logout-everywhere", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert is_in(client, "lct_here")
