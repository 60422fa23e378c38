"""Every submission that was charged, given back or granted can be read, with its reason, by its team and by staff."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select

from core.db.models.contests import Competition
from core.db.queries import teams
from core.db.queries.grants import store_grant
from core.db.session import transaction
from tests import factories
from tests.unit.api.conftest import Login

API = "/api/v1/competitions/digits/limits"
ADMIN = "/api/v1/admin/competitions/digits/ledger"
HTML = {"Accept": "text/html"}


@pytest.fixture
def ann(engine: Engine, login: Callable[..., Login]) -> Login:
    """Two submissions, one of which we failed, and a grant."""
    ann, bob = login("ann"), login("bob")
    with transaction(engine) as session:
        competition = factories.make_competition(session, "digits", total_limit=9)
        team = teams.make_team_of_one(session, competition.id, ann.user)
        teams.add_member(session, team, bob.user.id)
        factories.make_scored(session, competition, ann.user, filename="good.py", team_id=team.id)
        failed = factories.make_submission(session, competition, bob.user, filename="lost.py", team_id=team.id)
        factories.make_evaluation(session, failed, verdict="platform_error")
        store_grant(session, team.id, 3, reason="the node was down", author="olga")
        other = factories.make_user(session, "eve")
        theirs = teams.make_team_of_one(session, competition.id, other)
        factories.make_scored(session, competition, other, filename="theirs.py", team_id=theirs.id)
    return ann


def read(client: TestClient, headers: dict[str, str]) -> dict[str, Any]:
    body: dict[str, Any] = client.get(f"{API}/ledger", headers=headers).json()
    return body


def test_a_team_reads_what_it_was_charged_given_back_and_granted(client: TestClient, ann: Login) -> None:
    body = read(client, ann.headers)
    assert [(item["kind"], item["amount"], item["by"]) for item in body["items"]] == [
        ("grant", 3, "olga"),
        ("refund", 1, ""),
        ("charge", -1, "bob"),
        ("charge", -1, "ann"),
    ]
    assert body["items"][0]["reason"] == "the node was down"
    assert body["items"][1]["reason"] == "lost.py failed by the platform's own fault"
    assert (body["team"], body["charged"], body["refunded"], body["granted"]) == ("ann", 2, 1, 3)


def test_the_ledger_adds_up_to_the_limits(client: TestClient, ann: Login) -> None:
    body, limits = read(client, ann.headers), client.get(API, headers=ann.headers).json()
    assert body["charged"] - body["refunded"] == limits["total_used"]
    assert body["granted"] == limits["granted"]
    left = limits["total_limit"] + sum(item["amount"] for item in body["items"])
    assert left == limits["total_left"]


def test_nobody_reads_the_ledger_of_another_team_but_staff(
    client: TestClient, ann: Login, login: Callable[..., Login]
) -> None:
    stranger = read(client, login("mallory").headers)
    assert (stranger["team"], stranger["items"]) == ("", [])
    assert client.get(ADMIN, params={"team": "ann"}, headers=ann.headers).status_code == 403
    olga = login("olga", "organizer").headers
    assert client.get(ADMIN, params={"team": "Ann"}, headers=olga).json() == read(client, ann.headers)
    assert client.get(ADMIN, params={"team": "none"}, headers=olga).status_code == 404


def test_the_pages_show_it(client: TestClient, ann: Login, login: Callable[..., Login]) -> None:
    text = client.get("/competitions/digits/ledger", headers=ann.headers | HTML).text
    assert "2 submitted, 1 given back, 3 granted" in text
    assert "the node was down" in text
    olga = login("olga", "organizer").headers | HTML
    page = "/competitions/digits/organize/ledger"
    assert "Quota of ann" in client.get(page, params={"team": "ann"}, headers=olga).text
    assert client.get(page, params={"team": "ann"}, headers=ann.headers | HTML).status_code == 403
    assert "/competitions/digits/ledger" in client.get("/competitions/digits/submit", headers=ann.headers | HTML).text


def test_what_organizers_stopped_is_given_back_and_says_so(client: TestClient, engine: Engine, ann: Login) -> None:
    with transaction(engine) as session:
        competition = session.scalars(select(Competition)).one()
        team = teams.fetch_team_of(session, competition.id, ann.user.id)
        assert team is not None
        row = factories.make_submission(session, competition, ann.user, filename="stopped.py", team_id=team.id)
        factories.make_evaluation(session, row, verdict="withdrawn", refunded=True)
    body = read(client, ann.headers)
    assert body["refunded"] == 2
    assert "stopped.py was stopped by the organizers" in [item["reason"] for item in body["items"]]
    limits = client.get(API, headers=ann.headers).json()
    assert body["charged"] - body["refunded"] == limits["total_used"]
