from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, update

from core.db.base import utc_now
from core.db.models.contests import Competition
from core.db.models.lifecycle import QuotaGrant
from core.db.models.submissions import Evaluation, Submission
from core.db.session import transaction
from tests import factories
from tests.unit.api.conftest import Login

API = "/api/v1/competitions/digits"
ADMIN = "/api/v1/admin/competitions/digits"
HTML = {"Accept": "text/html"}


@pytest.fixture(autouse=True)
def competition(engine: Engine) -> Competition:
    with transaction(engine) as session:
        return factories.make_competition(session, "digits", daily_limit=2, total_limit=3, daily_refunds=0)


@pytest.fixture
def olga(login: Callable[..., Login]) -> dict[str, str]:
    return login("olga", "organizer").headers


@pytest.fixture
def ann(login: Callable[..., Login]) -> dict[str, str]:
    return login("ann").headers


def submit(client: TestClient, headers: dict[str, str]) -> str:
    """Accepted, or the code of the refusal."""
    answer = client.post(f"{API}/submissions", files={"file": ("a.py", b"broken(")}, headers=headers)
    return "accepted" if answer.status_code == 202 else str(answer.json()["code"])


def grant(client: TestClient, headers: dict[str, str], team: str = "ann", amount: int = 1) -> int:
    body = {"team": team, "amount": amount, "reason": "the node was down"}
    return client.post(f"{ADMIN}/grants", json=body, headers=headers).status_code


def read_limits(client: TestClient, headers: dict[str, str]) -> dict[str, Any]:
    body: dict[str, Any] = client.get(f"{API}/limits", headers=headers).json()
    return body


def move_back(engine: Engine) -> None:
    """Everything so far was done the day before."""
    with transaction(engine) as session:
        for table in (Submission, QuotaGrant):
            session.execute(update(table).values(created_at=utc_now() - timedelta(days=1)))


def test_a_grant_stretches_the_day_it_is_given_on(
    client: TestClient, olga: dict[str, str], ann: dict[str, str]
) -> None:
    assert [submit(client, ann) for _ in range(3)] == ["accepted", "accepted", "DAILY_LIMIT"]
    assert grant(client, olga) == 201
    assert [submit(client, ann) for _ in range(2)] == ["accepted", "DAILY_LIMIT"]


def test_the_total_is_limited_over_the_days_and_a_grant_stays(
    client: TestClient, engine: Engine, olga: dict[str, str], ann: dict[str, str]
) -> None:
    for _ in range(2):
        submit(client, ann)
    move_back(engine)
    assert [submit(client, ann) for _ in range(2)] == ["accepted", "TOTAL_LIMIT"]
    grant(client, olga, amount=3)
    move_back(engine)
    limits = read_limits(client, ann)
    assert (limits["total_limit"], limits["total_used"], limits["granted"], limits["granted_today"]) == (3, 3, 3, 0)
    assert (limits["total_left"], limits["left"]) == (3, 2)


def test_what_fails_on_our_side_is_given_back_of_the_total_too(
    client: TestClient, engine: Engine, ann: dict[str, str]
) -> None:
    for _ in range(2):
        submit(client, ann)
    with transaction(engine) as session:
        session.execute(update(Evaluation).values(verdict="platform_error", refunded=True))
    assert (read_limits(client, ann)["total_left"], read_limits(client, ann)["left"]) == (3, 2)


def test_a_grant_is_for_one_team_and_recorded(
    client: TestClient, olga: dict[str, str], ann: dict[str, str], login: Callable[..., Login]
) -> None:
    submit(client, ann)
    grant(client, olga, amount=2)
    bob = login("bob").headers
    submit(client, bob)
    assert (read_limits(client, ann)["granted"], read_limits(client, bob)["granted"]) == (2, 0)
    entry = client.get("/api/v1/admin/audit", headers=olga).json()["items"][0]
    assert (entry["action"], entry["detail"]) == (
        "quota.grant",
        {"team": "ann", "amount": 2, "reason": "the node was down"},
    )


def test_a_grant_to_nobody_or_of_nothing_is_refused(client: TestClient, olga: dict[str, str]) -> None:
    assert grant(client, olga, "nobody") == 404
    assert grant(client, olga, amount=0) == 422


def test_merging_joins_the_grants_and_a_team_that_goes_takes_its_own_along(
    client: TestClient, engine: Engine, olga: dict[str, str], ann: dict[str, str], login: Callable[..., Login]
) -> None:
    bob = login("bob").headers
    submit(client, ann)
    team = client.post(f"{API}/teams", json={"name": "bobs"}, headers=bob).json()["id"]
    grant(client, olga)
    grant(client, olga, "bobs", 2)
    invites = client.post(f"/api/v1/teams/{team}/invites", json={"user": "ann"}, headers=bob).json()["invites"]
    assert client.post(f"/api/v1/invites/{invites[0]['id']}/accept", headers=ann).status_code == 200
    assert read_limits(client, ann)["granted"] == read_limits(client, bob)["granted"] == 3
    alone = login("carl").headers
    lonely = client.post(f"{API}/teams", json={"name": "lonely"}, headers=alone).json()["id"]
    grant(client, olga, "lonely")
    assert client.post(f"/api/v1/teams/{lonely}/leave", headers=alone).status_code == 204
    assert read_limits(client, alone)["granted"] == 0


def test_two_teams_that_used_up_the_total_may_not_become_one(
    client: TestClient, olga: dict[str, str], ann: dict[str, str], login: Callable[..., Login]
) -> None:
    bob = login("bob").headers
    for who in (ann, ann, bob, bob):
        submit(client, who)
    client.patch(ADMIN, json={"daily_limit": 9, "reason": "a test"}, headers=olga)
    team = client.get(f"{API}/team", headers=bob).json()["team"]["id"]
    invites = client.post(f"/api/v1/teams/{team}/invites", json={"user": "ann"}, headers=bob).json()["invites"]
    assert client.post(f"/api/v1/invites/{invites[0]['id']}/accept", headers=ann).status_code == 409
    grant(client, olga)
    assert client.post(f"/api/v1/invites/{invites[0]['id']}/accept", headers=ann).status_code == 200


def test_the_form_grants(client: TestClient, olga: dict[str, str], ann: dict[str, str]) -> None:
    submit(client, ann)
    page = "/competitions/digits/organize/grant"
    form = {"team": "ann", "amount": "2", "reason": "the node was down"}
    assert client.post(page, data=form, headers=olga | HTML).status_code == 200
    assert read_limits(client, ann)["granted"] == 2
    answer = client.post(page, data=form | {"team": "nobody"}, headers=olga | HTML)
    assert (answer.status_code, "No team named" in answer.text) == (404, True)
    assert "4 left in all" in client.get("/competitions/digits/submit", headers=ann | HTML).text
