"""The second factor: asked for by every way in, taken once, replaced by recovery codes, guessed by nobody."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select

from api.security import hash_password
from api.users import factors
from core.db.base import utc_now
from core.db.models.accounts import BrowserSession, RecoveryCode, SecondFactor, User
from core.db.session import transaction
from core.domain.errors import NotAuthenticated
from core.domain.quota import LOGIN_FAILURES, LimitReached
from core.settings import Settings
from tests.unit.api.conftest import Login

OURS = {"Sec-Fetch-Site": "same-origin"}
HTML = OURS | {"Accept": "text/html"}
PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def password_hash() -> str:
    return hash_password(PASSWORD)


@pytest.fixture
def ann(login: Callable[..., Login], engine: Engine, password_hash: str) -> Login:
    ann = login("ann", "organizer")
    with transaction(engine) as session:
        session.get_one(User, ann.user.id).password_hash = password_hash
    return ann


def make_code(secret: str, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(utc_now() + timedelta(seconds=30 * steps))


def set_up(client: TestClient, who: Login) -> tuple[str, list[str]]:
    secret = client.post("/api/v1/me/factor", headers=who.headers).json()["secret"]
    body = {"code": make_code(secret, -1)}
    answer = client.post("/api/v1/me/factor/confirm", json=body, headers=who.headers)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    return secret, answer.json()["codes"]


def get_token(client: TestClient, code: str = "") -> Any:
    return client.post("/api/v1/tokens", json={"name": "ann", "password": PASSWORD, "code": code})


def enter(client: TestClient) -> Any:
    client.cookies.clear()
    return client.post("/api/v1/auth/login", json={"name": "ann", "password": PASSWORD}, headers=OURS)


def test_a_secret_counts_once_a_code_of_it_was_shown(client: TestClient, ann: Login) -> None:
    first = client.post("/api/v1/me/factor", headers=ann.headers).json()
    assert client.post("/api/v1/me/factor", headers=ann.headers).json() == first
    assert get_token(client).status_code == 201
    wrong = {"code": make_code(first["secret"], 7)}
    assert client.post("/api/v1/me/factor/confirm", json=wrong, headers=ann.headers).status_code == 422
    set_up(client, ann)
    assert client.post("/api/v1/me/factor", headers=ann.headers).status_code == 409
    shown = client.get("/api/v1/me/factor", headers=ann.headers).json()
    assert (shown["confirmed_at"] is not None, shown["recovery_codes"]) == (True, 10)


def test_a_token_needs_a_code_and_takes_it_once(client: TestClient, ann: Login) -> None:
    secret, _ = set_up(client, ann)
    refused = get_token(client)
    assert (refused.status_code, refused.json()["code"]) == (401, "SECOND_FACTOR_NEEDED")
    code = make_code(secret)
    assert get_token(client, code).status_code == 201
    assert get_token(client, code).status_code == 401
    assert get_token(client, make_code(secret, -1)).status_code == 401  # an older one than the last
    assert get_token(client, f" {make_code(secret, 1)[:3]} {make_code(secret, 1)[3:]} ").status_code == 201


def test_a_browser_is_let_in_by_the_second_step_and_under_another_cookie(client: TestClient, ann: Login) -> None:
    secret, _ = set_up(client, ann)
    first = enter(client)
    assert first.json()["awaits_code"] is True
    waiting = client.cookies["lacuna"]
    assert client.get("/api/v1/me").status_code == 401
    assert client.post("/api/v1/auth/code", json={"code": "000000"}, headers=OURS).status_code == 401
    assert client.post("/api/v1/auth/code", json={"code": make_code(secret)}).status_code == 403
    passed = client.post("/api/v1/auth/code", json={"code": make_code(secret)}, headers=OURS)
    assert passed.json()["awaits_code"] is False
    assert client.get("/api/v1/me").status_code == 200
    assert client.cookies["lacuna"] != waiting
    client.cookies.clear()
    client.cookies.set("lacuna", waiting)
    assert client.get("/api/v1/me").status_code == 401
    assert client.post("/api/v1/auth/code", json={"code": make_code(secret, 1)}, headers=OURS).status_code == 401


def test_the_pages_ask_for_the_code_and_lead_on(client: TestClient, ann: Login) -> None:
    secret, _ = set_up(client, ann)
    form = {"name": "ann", "password": PASSWORD, "next": "/submissions"}
    asked = client.post("/login", data=form, headers=HTML)
    assert "One more step" in asked.text
    assert "Log in</a>" in asked.text  # nobody is in yet
    wrong = client.post("/login/code", data={"code": "1", "next": "/submissions"}, headers=HTML)
    assert (wrong.status_code, "is wrong" in wrong.text) == (401, True)
    answer = client.post(
        "/login/code", data={"code": make_code(secret), "next": "/submissions"}, headers=HTML, follow_redirects=False
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/submissions")
    evil = client.get("/login/code?next=//evil.example", headers=HTML).text
    assert "evil.example" not in evil


def test_a_half_log_in_ends_after_minutes(client: TestClient, engine: Engine, ann: Login) -> None:
    secret, _ = set_up(client, ann)
    enter(client)
    with transaction(engine) as session:
        row = session.scalars(select(BrowserSession).where(BrowserSession.awaits_code)).one()
        assert row.expires_at < utc_now() + timedelta(minutes=11)
        row.expires_at = utc_now()
    assert client.post("/api/v1/auth/code", json={"code": make_code(secret)}, headers=OURS).status_code == 401


def test_a_recovery_code_works_once_however_it_is_typed(client: TestClient, engine: Engine, ann: Login) -> None:
    secret, codes = set_up(client, ann)
    assert len(set(codes)) == 10
    assert get_token(client, codes[0].upper().replace("-", " ")).status_code == 201
    assert get_token(client, codes[0]).status_code == 401
    renewed = client.post("/api/v1/me/factor/codes", json={"code": make_code(secret)}, headers=ann.headers).json()
    assert get_token(client, codes[1]).status_code == 401
    assert get_token(client, renewed["codes"][1]).status_code == 201
    with transaction(engine) as session:
        stored = {row.code_sha256 for row in session.scalars(select(RecoveryCode))}
    assert not stored & {code.replace("-", "") for code in renewed["codes"]}


def test_guessing_codes_is_slowed_down_whoever_guesses(client: TestClient, engine: Engine, ann: Login) -> None:
    set_up(client, ann)
    for _ in range(LOGIN_FAILURES):
        with pytest.raises(NotAuthenticated):
            factors.check_code(engine, ann.user.id, "000000")
    with pytest.raises(LimitReached):
        factors.check_code(engine, ann.user.id, "000000")
    assert get_token(client, "000000").status_code == 429


def test_it_is_removed_by_a_code_alone(client: TestClient, engine: Engine, ann: Login) -> None:
    secret, _ = set_up(client, ann)
    remove = "/api/v1/me/factor/remove"
    assert client.post(remove, json={"code": "000000"}, headers=ann.headers).status_code == 401
    assert client.post(remove, json={"code": make_code(secret)}, headers=ann.headers).status_code == 204
    assert get_token(client).status_code == 201
    with transaction(engine) as session:
        assert session.scalars(select(SecondFactor)).all() == []


def test_an_admin_drops_it_for_who_lost_the_phone(client: TestClient, ann: Login, login: Callable[..., Login]) -> None:
    set_up(client, ann)
    root = login("root", "admin").headers
    path = "/api/v1/admin/users/ann/drop_factor"
    assert client.post(path, json={"reason": "lost"}, headers=root).status_code == 200
    assert client.post(path, json={"reason": "lost"}, headers=root).status_code == 409
    assert client.get("/api/v1/me", headers=ann.headers).status_code == 401
    assert get_token(client).status_code == 201


def test_staff_without_one_are_participants_where_it_is_required(
    client: TestClient, settings: Settings, ann: Login, login: Callable[..., Login]
) -> None:
    found = settings.model_copy(update={"staff_second_factor": True})
    client.app.state.settings = found  # type: ignore[attr-defined]
    refused = client.get("/api/v1/admin/queue", headers=ann.headers)
    assert (refused.status_code, "second factor" in refused.json()["detail"]) == (403, True)
    assert client.get("/api/v1/me/factor", headers=ann.headers).json()["is_required"] is True
    assert "need a second factor" in client.get("/account/factor", headers=ann.headers | HTML).text
    assert client.get("/api/v1/me/factor", headers=login("bob").headers).json()["is_required"] is False
    set_up(client, ann)
    assert client.get("/api/v1/admin/queue", headers=ann.headers).status_code == 200


def test_the_page_sets_it_up_with_a_picture_that_the_policy_allows(client: TestClient, ann: Login) -> None:
    headers = ann.headers | HTML
    page = client.post("/account/factor", headers=headers).text
    assert 'src="data:image/svg+xml;base64,' in page
    secret = client.post("/api/v1/me/factor", headers=ann.headers).json()["secret"]
    assert secret in page
    done = client.post("/account/factor/confirm", data={"code": make_code(secret)}, headers=headers)
    assert "Your recovery codes" in done.text
    assert done.headers["cache-control"] == "no-store"
    assert client.post("/account/factor/remove", data={"code": ""}, headers=headers).status_code == 422
