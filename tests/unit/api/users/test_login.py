from collections.abc import Callable
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select

from api.security import hash_password, hash_token
from core.db.base import utc_now
from core.db.models.accounts import BrowserSession
from core.db.session import reading, transaction
from core.settings import Settings
from tests import factories
from tests.unit.api.conftest import Login

OURS = {"Sec-Fetch-Site": "same-origin"}
ANN = {"name": "ann", "password": "correct horse"}


@pytest.fixture(scope="module")
def password_hash() -> str:
    return hash_password(ANN["password"])


@pytest.fixture
def ann(engine: Engine, password_hash: str) -> dict[str, str]:
    with transaction(engine) as session:
        factories.make_user(session, "ann").password_hash = password_hash
    return ANN


def log_in(client: TestClient, **changes: str) -> int:
    return client.post("/api/v1/auth/login", json=ANN | changes, headers=OURS).status_code


def test_a_log_in_is_a_cookie_no_script_can_read(client: TestClient, ann: dict[str, str]) -> None:
    answer = client.post("/api/v1/auth/login", json=ann, headers=OURS)
    cookie = answer.headers["set-cookie"]
    assert (answer.status_code, answer.json()["user"]["name"]) == (200, "ann")
    assert all(part in cookie for part in ("lacuna=lct_", "HttpOnly", "SameSite=lax", "Path=/"))
    assert client.get("/api/v1/me").json()["name"] == "ann"


def test_only_a_digest_of_the_cookie_is_kept(client: TestClient, ann: dict[str, str], engine: Engine) -> None:
    log_in(client)
    with reading(engine) as session:
        row = session.scalars(select(BrowserSession)).one()
    assert row.secret_sha256 == hash_token(client.cookies["lacuna"])


def test_over_https_a_subdomain_cannot_set_the_cookie(client: TestClient, ann: dict[str, str]) -> None:
    client.base_url = client.base_url.copy_with(scheme="https")
    answer = client.post("/api/v1/auth/login", json=ann, headers=OURS)
    assert answer.headers["set-cookie"].startswith("__Host-lacuna=lct_")
    assert "Secure" in answer.headers["set-cookie"]


def test_in_production_the_cookie_never_goes_over_http(
    client: TestClient, ann: dict[str, str], settings: Settings
) -> None:
    client.app.state.settings = settings.model_copy(update={"production": True})  # type: ignore[attr-defined]
    answer = client.post("/api/v1/auth/login", json=ann, headers=OURS)
    assert "Secure" in answer.headers["set-cookie"]


def test_logging_out_ends_the_cookie_on_the_server_too(client: TestClient, ann: dict[str, str]) -> None:
    log_in(client)
    kept = client.cookies["lacuna"]
    assert client.post("/api/v1/auth/logout", headers=OURS).status_code == 204
    client.cookies.set("lacuna", kept)
    assert client.get("/api/v1/me").status_code == 401


def test_an_old_cookie_makes_its_sender_anonymous(client: TestClient, ann: dict[str, str], engine: Engine) -> None:
    log_in(client)
    with transaction(engine) as session:
        session.scalars(select(BrowserSession)).one().expires_at = utc_now() - timedelta(seconds=1)
    assert client.get("/api/v1/competitions").status_code == 200
    assert client.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"},
    ],
)
@pytest.mark.parametrize("path", ["/api/v1/me/tokens", "/api/v1/auth/logout", "/logout", "/account/tokens"])
def test_another_site_cannot_use_the_cookie(
    client: TestClient, ann: dict[str, str], headers: dict[str, str], path: str
) -> None:
    log_in(client)
    answer = client.post(path, json={}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "CROSS_SITE")
    assert client.get("/api/v1/me").status_code == 200


def test_a_browser_that_sends_only_an_origin_is_served(client: TestClient, ann: dict[str, str]) -> None:
    log_in(client)
    answer = client.post("/api/v1/me/tokens", json={}, headers={"Origin": "http://testserver"})
    assert answer.status_code == 201


def test_another_site_cannot_log_somebody_in(client: TestClient, ann: dict[str, str]) -> None:
    answer = client.post("/api/v1/auth/login", json=ann, headers={"Sec-Fetch-Site": "cross-site"})
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


def test_a_token_needs_no_proof_of_its_page(client: TestClient, login: Callable[..., Login]) -> None:
    headers = login().headers | {"Sec-Fetch-Site": "cross-site"}
    assert client.post("/api/v1/me/tokens", json={}, headers=headers).status_code == 201


@pytest.mark.parametrize("name", ["ann", "nobody"])
def test_a_wrong_password_and_a_wrong_name_read_alike(client: TestClient, ann: dict[str, str], name: str) -> None:
    answer = client.post("/api/v1/auth/login", json={"name": name, "password": "wrong"}, headers=OURS)
    assert (answer.status_code, answer.json()["detail"]) == (401, "wrong name or password")


@pytest.mark.parametrize(
    ("scopes", "method", "path", "status"),
    [
        (["read"], "GET", "/api/v1/submissions", 200),
        (["read"], "POST", "/api/v1/submissions/none/cancel", 403),
        (["read"], "POST", "/api/v1/me/tokens", 403),
        (["submit"], "GET", "/api/v1/submissions", 403),
        (["submit"], "POST", "/api/v1/submissions/none/cancel", 404),
        (["manage"], "POST", "/api/v1/me/tokens", 201),
    ],
)
def test_a_token_does_what_its_scopes_say(
    client: TestClient, login: Callable[..., Login], scopes: list[str], method: str, path: str, status: int
) -> None:
    made = client.post("/api/v1/me/tokens", json={"scopes": scopes}, headers=login().headers).json()
    answer = client.request(method, path, json={}, headers={"Authorization": f"Bearer {made['token']}"})
    assert answer.status_code == status


def test_a_token_can_live_shorter_but_not_longer(
    client: TestClient, login: Callable[..., Login], settings: Settings
) -> None:
    headers = login().headers
    ends = [
        client.post("/api/v1/me/tokens", json={"days": days}, headers=headers).json()["expires_at"]
        for days in (1, 10**6)
    ]
    assert ends[0] < (utc_now() + timedelta(days=2)).isoformat()
    assert ends[1] < (utc_now() + timedelta(days=settings.token_days + 1)).isoformat()
