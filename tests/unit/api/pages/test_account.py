from collections.abc import Callable
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from api.security import hash_password, hash_token
from core.db.base import utc_now
from core.db.models.accounts import BrowserSession
from core.db.session import transaction
from tests import factories

PAGE = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}
ANN = {"name": "ann", "password": "correct horse"}


@pytest.fixture(scope="module")
def password_hash() -> str:
    return hash_password(ANN["password"])


@pytest.fixture
def reader(client: TestClient, engine: Engine, password_hash: str) -> TestClient:
    """Somebody who logged in."""
    with transaction(engine) as session:
        user = factories.make_user(session, "ann")
        user.password_hash = password_hash
        expires_at = utc_now() + timedelta(hours=1)
        session.add(BrowserSession(user_id=user.id, secret_sha256=hash_token("lct_ann"), expires_at=expires_at))
    client.headers.update(PAGE)
    client.cookies.set("lacuna", "lct_ann")
    return client


def test_registering_logs_in(client: TestClient) -> None:
    answer = client.post("/register", data=ANN, headers=PAGE, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/start")
    assert "Log out" in client.get("/").text


def test_a_page_for_members_sends_others_to_the_log_in_and_back(reader: TestClient) -> None:
    reader.post("/logout")
    answer = reader.get("/submissions", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/submissions")
    answer = reader.post("/login", data=ANN | {"next": "/submissions"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/submissions")


def test_a_wrong_password_keeps_the_form_and_says_why(reader: TestClient) -> None:
    answer = reader.post("/login", data=ANN | {"password": "wrong one"})
    assert answer.status_code == 401
    assert "Wrong name or password" in answer.text
    assert 'value="ann"' in answer.text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "a b"}, "a name has 2 to 39 letters"),
        ({"name": "bob", "password": "short"}, "at least 8 characters"),
        ({}, "is taken"),
    ],
)
def test_a_refused_registration_says_why(reader: TestClient, changes: dict[str, str], said: str) -> None:
    answer = reader.post("/register", data=ANN | changes)
    assert answer.status_code in (409, 422)
    assert said.lower() in answer.text.lower()


def test_a_new_token_is_shown_once(reader: TestClient) -> None:
    answer = reader.post("/account/tokens", data={"label": "laptop", "scopes": ["read"]})
    assert (answer.text.count("lct_"), answer.headers["cache-control"]) == (1, "no-store")
    again = reader.get("/account").text
    assert "laptop" in again
    assert "lct_" not in again


def test_a_token_for_nothing_is_refused(reader: TestClient) -> None:
    answer = reader.post("/account/tokens", data={"label": "laptop"})
    assert answer.status_code == 422
    assert "choose at least one" in answer.text.lower()


def test_a_revoked_token_leaves_the_page(reader: TestClient) -> None:
    reader.post("/account/tokens", data={"label": "old phone", "scopes": ["read"]})
    token = reader.get("/api/v1/tokens").json()["items"][0]["id"]
    reader.post(f"/account/tokens/{token}/revoke")
    assert "old phone" not in reader.get("/account").text


@pytest.fixture
def slug(engine: Engine) -> str:
    with transaction(engine) as session:
        return factories.make_competition(session).slug


def upload(reader: TestClient, slug: str, content: bytes = factories.SOURCE, **data: str) -> tuple[int, str]:
    answer = reader.post(
        f"/competitions/{slug}/submit", files={"file": ("mine.py", content)}, data=data, follow_redirects=False
    )
    return answer.status_code, answer.headers.get("location", answer.text)


def test_a_file_chosen_on_the_page_is_submitted_and_shown(reader: TestClient, slug: str) -> None:
    status, location = upload(reader, slug, note="first try")
    assert status == 303
    page = reader.get(location).text
    assert "mine.py" in page
    assert "first try" in page
    assert "mine.py" in reader.get("/submissions").text


def test_sending_the_form_twice_submits_once(reader: TestClient, slug: str) -> None:
    assert upload(reader, slug, key="once") == upload(reader, slug, key="once")


def test_an_empty_file_is_refused_on_the_form(reader: TestClient, slug: str) -> None:
    status, text = upload(reader, slug, content=b"", note="kept")
    assert status == 422
    assert "empty one cannot be run" in text
    assert 'value="kept"' in text


def test_a_used_up_quota_is_said_on_the_form(reader: TestClient, engine: Engine) -> None:
    with transaction(engine) as session:
        slug = factories.make_competition(session, daily_limit=1).slug
    upload(reader, slug)
    status, text = upload(reader, slug)
    assert status == 429
    assert "used" in text
    assert "disabled" in text


def test_ones_own_submission_is_cancelled_from_its_page(reader: TestClient, slug: str) -> None:
    _, location = upload(reader, slug)
    answer = reader.post(f"{location}/cancel")
    assert "withdrawn" in answer.text


def test_a_reader_sees_only_their_own_submissions(
    reader: TestClient, engine: Engine, login: Callable[..., object]
) -> None:
    with transaction(engine) as session:
        other = factories.make_user(session, "bob")
        factories.make_scored(session, factories.make_competition(session), other)
    assert "None yet" in reader.get("/submissions").text
