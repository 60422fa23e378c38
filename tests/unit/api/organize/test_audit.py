"""The audit log read by people: sentences, filters, exports."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from core.db.session import transaction
from tests import factories
from tests.unit.api.conftest import Login

AUDIT = "/api/v1/admin/audit"


@pytest.fixture
def staff(client: TestClient, engine: Engine, login: Callable[..., Login]) -> TestClient:
    """Two people did three things."""
    olga, oscar = login("olga", "organizer"), login("oscar", "organizer")
    with transaction(engine) as session:
        factories.make_competition(session, "digits")
    for who, state in ((olga, "frozen"), (oscar, "open"), (olga, "closed")):
        body = {"state": state, "reason": "=1+1"}
        client.post("/api/v1/admin/competitions/digits/state", json=body, headers=who.headers)
    client.headers.update(olga.headers)
    return client


def read(staff: TestClient, **params: str) -> list[str]:
    return [item["sentence"] for item in staff.get(AUDIT, params=params).json()["items"]]


def test_entries_are_chosen_by_person_action_object_and_time(staff: TestClient) -> None:
    assert read(staff, actor="oscar") == ["oscar moved competition digits from frozen to open. Because: =1+1"]
    assert len(read(staff, action="competition.state", subject="competition/digits")) == 3
    assert read(staff, action="competition.rules") == read(staff, subject="competition/other") == []
    middle = staff.get(AUDIT).json()["items"][1]["at"]
    assert len(read(staff, since=middle)) == 2
    assert len(read(staff, until=middle)) == 1
    assert staff.get(AUDIT, params={"since": "yesterday"}).status_code == 422


def test_the_log_is_exported_as_it_was_chosen(staff: TestClient) -> None:
    answer = staff.get(f"{AUDIT}.csv", params={"actor": "olga"})
    lines = answer.text.splitlines()
    assert answer.headers["content-type"].startswith("text/csv")
    assert lines[0].startswith("id,at,actor,action,subject,sentence,detail")
    assert len(lines) == 3


def test_the_page_has_sentences_and_keeps_what_was_chosen(staff: TestClient) -> None:
    params = {"actor": "olga", "since": "2020-01-01T00:00"}
    page = staff.get("/audit", params=params, headers={"Accept": "text/html"}).text
    assert "olga moved competition digits from open to frozen. Because: =1+1" in page
    assert "oscar moved" not in page
    assert "<option selected>olga</option>" in page
    assert "/api/v1/admin/audit.csv?actor=olga&amp;since=2020-01-01T00%3A00%3A00%2B00%3A00" in page
