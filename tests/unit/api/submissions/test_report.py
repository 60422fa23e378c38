from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from core.db.session import transaction
from tests import factories
from tests.unit.api.conftest import Login

HTML = b"<!doctype html><title>a report</title>"


@pytest.fixture
def ann(login: Callable[..., Login]) -> Login:
    return login("ann")


def make_reported(client: TestClient, engine: Engine, who: Login, exposure: str = "practice", **values: str) -> str:
    """Return the id of a scored submission whose report is in the store."""
    digest = client.app.state.store.put(HTML)  # type: ignore[attr-defined]
    with transaction(engine) as session:
        competition = factories.make_competition(session, exposure=exposure)
        return factories.make_scored(session, competition, who.user, report_digest=digest, **values).id


def test_a_practice_report_is_served_to_everybody_as_it_was_drawn(
    client: TestClient, engine: Engine, ann: Login
) -> None:
    answer = client.get(f"/api/v1/submissions/{make_reported(client, engine, ann)}/report")
    assert (answer.status_code, answer.content) == (200, HTML)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-disposition"] == 'inline; filename="report.html"'


def test_a_reports_policy_allows_its_own_styles_and_pictures_and_nothing_else(
    client: TestClient, engine: Engine, ann: Login
) -> None:
    headers = client.get(f"/api/v1/submissions/{make_reported(client, engine, ann)}/report").headers
    rules = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    assert rules.pop("style-src") == "'unsafe-inline'"
    assert rules.pop("img-src") == "data:"
    assert rules.pop("sandbox") == ""
    assert set(rules.values()) == {"'none'"}
    assert "default-src" in rules
    assert headers["x-content-type-options"] == "nosniff"


def test_a_references_report_is_as_open_as_its_page(
    client: TestClient, engine: Engine, login: Callable[..., Login]
) -> None:
    row_id = make_reported(client, engine, login(role="organizer"), purpose="reference")
    assert client.get(f"/submissions/{row_id}").status_code == 200
    assert client.get(f"/api/v1/submissions/{row_id}/report").status_code == 200


def test_a_hidden_problems_report_is_for_its_author_and_staff(
    client: TestClient, engine: Engine, ann: Login, login: Callable[..., Login]
) -> None:
    url = f"/api/v1/submissions/{make_reported(client, engine, ann, 'private')}/report"
    assert client.get(url).status_code == 404
    assert client.get(url, headers=login("bob").headers).status_code == 404
    assert client.get(url, headers=ann.headers).content == HTML
    assert client.get(url, headers=login(role="organizer").headers).content == HTML


def test_without_a_report_the_answer_says_why(client: TestClient, engine: Engine, ann: Login) -> None:
    with transaction(engine) as session:
        competition = factories.make_competition(session)
        old = factories.make_scored(session, competition, ann.user)
        running = factories.make_submission(session, competition, ann.user)
        factories.make_evaluation(session, running, status="running")
    for row, reason in ((old, "older than reports"), (running, "it is running")):
        answer = client.get(f"/api/v1/submissions/{row.id}/report")
        assert answer.status_code == 404
        assert reason in answer.json()["detail"]


def test_a_report_that_is_gone_from_the_store_is_our_fault(client: TestClient, engine: Engine, ann: Login) -> None:
    with transaction(engine) as session:
        competition = factories.make_competition(session)
        row = factories.make_scored(session, competition, ann.user, report_digest="f" * 64)
    answer = client.get(f"/api/v1/submissions/{row.id}/report")
    assert (answer.status_code, answer.json()["code"]) == (503, "PLATFORM_FAULT")


def test_the_page_leads_to_the_report_where_there_is_one(client: TestClient, engine: Engine, ann: Login) -> None:
    row_id = make_reported(client, engine, ann)
    with transaction(engine) as session:
        old = factories.make_scored(session, factories.make_competition(session), ann.user).id
    link = 'href="/api/v1/submissions/{}/report"'
    assert link.format(row_id) in client.get(f"/submissions/{row_id}").text
    assert link.format(old) not in client.get(f"/submissions/{old}").text
