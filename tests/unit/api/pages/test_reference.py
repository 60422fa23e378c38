from datetime import timedelta
from html import escape

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from core.db.base import utc_now
from core.db.session import transaction
from tests import factories

HTML = {"Accept": "text/html"}


def test_the_reference_shows_every_operation_and_loads_nothing_from_elsewhere(client: TestClient) -> None:
    page = client.get("/reference", headers=HTML).text
    document = client.get("/api/v1/openapi.json").json()
    names = [each["operationId"] for operations in document["paths"].values() for each in operations.values()]
    assert [name for name in names if f'id="{name}"' not in page] == []
    assert [path for path in document["paths"] if escape(path) not in page] == []
    assert 'src="http' not in page
    assert "days of" not in page
    assert "life of the token" in page


def test_the_status_says_who_works_and_what_waits(client: TestClient, engine: Engine) -> None:
    assert client.get("/api/v1/status").json()["condition"] == "away"
    assert "No node takes work now" in client.get("/status", headers=HTML).text


@pytest.mark.parametrize(("minutes", "condition"), [(1, "working"), (30, "slow")])
def test_a_long_queue_is_called_slow_and_names_nobody(
    client: TestClient, engine: Engine, minutes: int, condition: str
) -> None:
    with transaction(engine) as session:
        user = factories.make_user(session, "secretive")
        competition = factories.make_competition(session, "digits", exposure="private")
        factories.make_node(session, "node-with-a-name")
        waiting = factories.make_evaluation(
            session, factories.make_submission(session, competition, user), status="queued"
        )
        waiting.created_at = utc_now() - timedelta(minutes=minutes)
        failed = factories.make_evaluation(
            session, factories.make_submission(session, competition, user), verdict="platform_error"
        )
        failed.finished_at = utc_now()
    answer = client.get("/api/v1/status")
    found = answer.json()
    assert (found["condition"], found["waiting"], found["oldest_minutes"]) == (condition, 1, minutes)
    assert (found["nodes"], found["nodes_working"]) == (1, 1)
    assert [each["failed"] for each in found["incidents"]] == [1]
    assert not {"secretive", "digits", "node-with-a-name"} & set(answer.text.split('"'))
