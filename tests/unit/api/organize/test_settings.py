from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from core.db.base import utc_now
from core.db.models.contests import Competition
from core.db.session import transaction
from tests import factories
from tests.unit.api.conftest import Broker, Login

API = "/api/v1/competitions/digits"
ADMIN = "/api/v1/admin/competitions/digits"
HTML = {"Accept": "text/html"}


@pytest.fixture(autouse=True)
def competition(engine: Engine) -> Competition:
    with transaction(engine) as session:
        return factories.make_competition(session, "digits")


@pytest.fixture
def olga(login: Callable[..., Login]) -> dict[str, str]:
    return login("olga", "organizer").headers


@pytest.fixture
def ann(login: Callable[..., Login]) -> dict[str, str]:
    return login("ann").headers


def change(client: TestClient, headers: dict[str, str], **values: Any) -> int:
    return client.patch(ADMIN, json={"reason": "a test", **values}, headers=headers).status_code


def set_deadline(client: TestClient, headers: dict[str, str], hours: float) -> None:
    assert change(client, headers, closes_at=(utc_now() + timedelta(hours=hours)).isoformat()) == 200


def submit(client: TestClient, headers: dict[str, str]) -> Any:
    return client.post(f"{API}/submissions", files={"file": ("a.py", factories.SOURCE)}, headers=headers)


def make_draft(engine: Engine, competition: Competition) -> None:
    with transaction(engine) as session:
        session.get_one(Competition, competition.id).state = "draft"


def test_after_the_deadline_submissions_are_refused_without_any_sweep(
    client: TestClient, olga: dict[str, str], ann: dict[str, str]
) -> None:
    set_deadline(client, olga, 1)
    assert submit(client, ann).status_code == 202
    set_deadline(client, olga, -1)
    answer = submit(client, ann)
    assert (answer.status_code, answer.json()["code"]) == (409, "PHASE_CLOSED")
    assert "its deadline was" in answer.json()["detail"]
    assert client.get(API).json()["state"] == "closed"


def test_teams_no_longer_change_after_the_deadline(
    client: TestClient, olga: dict[str, str], ann: dict[str, str]
) -> None:
    set_deadline(client, olga, -1)
    assert client.post(f"{API}/teams", json={"name": "late ones"}, headers=ann).status_code == 409


def test_a_competition_past_its_deadline_opens_again_only_with_another_deadline(
    client: TestClient, olga: dict[str, str], ann: dict[str, str]
) -> None:
    set_deadline(client, olga, -1)
    move = {"state": "open", "reason": "a test"}
    assert client.post(f"{ADMIN}/state", json=move, headers=olga).status_code == 409
    set_deadline(client, olga, 1)
    assert submit(client, ann).status_code == 202


def test_the_page_shows_the_time_left(client: TestClient, olga: dict[str, str]) -> None:
    set_deadline(client, olga, 49.5)
    assert "2 days 1 hour left" in client.get("/competitions/digits", headers=HTML).text
    set_deadline(client, olga, -1)
    assert ">deadline over<" in client.get("/competitions/digits", headers=HTML).text


def test_a_change_is_recorded_with_what_it_was_before(client: TestClient, olga: dict[str, str]) -> None:
    assert change(client, olga, daily_limit=9, concurrent_limit=5) == 200
    entry = client.get("/api/v1/admin/audit", headers=olga).json()["items"][0]
    assert entry["detail"] == {"daily_limit": [50, 9], "reason": "a test"}


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"daily_limit": 50},
        {"daily_limit": 0},
        {"closes_at": "2026-01-01T00:00:00"},
        {"closes_at": "9999-12-31T23:59-12:00"},
        {"slug": "x"},
    ],
)
def test_what_changes_nothing_or_makes_no_sense_is_refused(
    client: TestClient, olga: dict[str, str], values: dict[str, Any]
) -> None:
    assert change(client, olga, **values) == 422


def test_the_form_saves_and_explains_what_it_refuses(client: TestClient, olga: dict[str, str]) -> None:
    page = "/competitions/digits/organize"
    form = {"closes_at": "2099-12-31T23:59", "daily_limit": "8", "concurrent_limit": "5", "reason": "a test"}
    assert 'value="2099-12-31T23:59:00"' in client.post(f"{page}/settings", data=form, headers=olga | HTML).text
    assert client.get(API).json()["closes_at"] == "2099-12-31T23:59:00Z"
    for wrong in ({"closes_at": "soon"}, {"daily_limit": "0"}, {"reason": ""}):
        answer = client.post(f"{page}/settings", data=form | wrong, headers=olga | HTML)
        assert (answer.status_code, 'role="alert"' in answer.text) == (422, True)
    client.post(f"{page}/settings", data=form | {"closes_at": ""}, headers=olga | HTML)
    assert client.get(API).json()["closes_at"] is None


def test_what_was_typed_stands_there_again_with_each_mistake_at_its_field(
    client: TestClient, olga: dict[str, str]
) -> None:
    typed = {"closes_at": "soon", "daily_limit": "0", "total_limit": "7", "team_size": "", "reason": "a test"}
    text = client.post("/competitions/digits/organize/settings", data=typed, headers=olga | HTML).text
    fields = {name: text.split(f'id="{name}"')[1].split("</p>")[0] for name in typed if name != "reason"}
    assert "is not a time such as" in fields["closes_at"]
    assert "greater than or equal to 1" in fields["daily_limit"]
    assert ['aria-invalid="true"' in field for field in fields.values()] == [True, True, False, False]
    assert 'value="7"' in fields["total_limit"]
    assert 'value="5"' in fields["team_size"]  # left empty, it stays as it is


@pytest.mark.parametrize(("typed", "kept"), [("2099-12-31T23:59", "23:59:00"), ("2099-12-31T23:59:59", "23:59:59")])
def test_a_deadline_keeps_its_seconds_when_the_form_is_saved_again(
    client: TestClient, olga: dict[str, str], typed: str, kept: str
) -> None:
    page, form = "/competitions/digits/organize", {"daily_limit": "8", "concurrent_limit": "5", "reason": "a test"}
    text = client.post(f"{page}/settings", data=form | {"closes_at": typed}, headers=olga | HTML).text
    again = text.split('name="closes_at"')[1].split('value="')[1].split('"')[0]
    client.post(f"{page}/settings", data=form | {"closes_at": again, "daily_limit": "9"}, headers=olga | HTML)
    assert client.get(API).json()["closes_at"] == f"2099-12-31T{kept}Z"


def test_a_draft_is_there_for_staff_alone(
    client: TestClient, engine: Engine, competition: Competition, olga: dict[str, str], ann: dict[str, str]
) -> None:
    make_draft(engine, competition)
    for path in (API, f"{API}/leaderboard", f"{API}/rules", f"{API}/limits", f"{API}/team"):
        assert client.get(path, headers=ann).status_code == 404, path
    for path in ("", "/submit", "/team", "/rules"):
        assert client.get(f"/competitions/digits{path}", headers=ann | HTML).status_code == 404, path
    assert submit(client, ann).status_code == 404
    lists = [client.get("/api/v1/competitions", headers=who).json()["items"] for who in ({}, ann, olga)]
    assert [len(items) for items in lists] == [0, 0, 1]
    assert client.get("/api/v1/runtime").json()["problems"] == []
    homes = [client.get("/", headers=who | HTML).text for who in (ann, olga)]
    assert ["/competitions/digits" in home for home in homes] == [False, True]
    assert client.get(API, headers=olga).json()["state"] == "draft"


def test_a_draft_is_let_out_to_be_prepared(
    client: TestClient, engine: Engine, competition: Competition, olga: dict[str, str], broker: Broker
) -> None:
    make_draft(engine, competition)
    move = {"state": "preparing", "reason": "all is written"}
    assert client.post(f"{ADMIN}/state", json=move, headers=olga).json()["state"] == "preparing"
    assert [task for task, _ in broker.sent] == ["lacuna.prepare_problem"]
    assert client.get(API).status_code == 200


def test_a_deadline_within_a_second_is_no_other_one(client: TestClient, olga: dict[str, str]) -> None:
    assert change(client, olga, closes_at="2099-12-31T23:59:59.250000Z") == 200
    assert change(client, olga, closes_at="2099-12-31T23:59:59Z", daily_limit=9) == 200
    entry = client.get("/api/v1/admin/audit", headers=olga).json()["items"][0]
    assert entry["detail"] == {"daily_limit": [50, 9], "reason": "a test"}
