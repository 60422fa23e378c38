from fastapi.testclient import TestClient
from sqlalchemy import Engine

from core.db.session import transaction
from core.domain.faults import FaultCode
from tests import factories


def test_a_server_tells_what_a_submission_finds_there(client: TestClient, engine: Engine) -> None:
    with transaction(engine) as session:
        factories.make_competition(session, "digits")
        factories.make_competition(session, "old", state="archived")
    found = client.get("/api/v1/runtime").json()
    assert {"name": "torch", "version": "2.13.0"} in found["libraries"]
    assert found["observed"] is None
    assert [(each["competition"], each["memory_bytes"]) for each in found["problems"]] == [("digits", 2 << 30)]


def test_what_really_ran_is_read_from_the_newest_score(client: TestClient, engine: Engine) -> None:
    with transaction(engine) as session:
        competition = factories.make_competition(session, "digits", exposure="private")
        factories.make_scored(session, competition, factories.make_user(session))
    seen = client.get("/api/v1/runtime").json()["observed"]
    assert (seen["sandbox"], seen["node_class"]) == ("bubblewrap", "cpu")
    assert {"name": "python", "version": "3.11"} in seen["versions"]


def test_every_error_code_has_a_verdict_and_a_hint(client: TestClient) -> None:
    items = client.get("/api/v1/error-codes").json()["items"]
    assert {each["code"] for each in items} == set(FaultCode)
    assert all(each["hint"] and each["verdict"] for each in items)


def test_the_page_says_the_same(client: TestClient, engine: Engine) -> None:
    with transaction(engine) as session:
        factories.make_competition(session, "digits")
    text = client.get("/runtime").text
    for shown in ("<strong>torch</strong> 2.13.0", "<code>OUTPUT_NOT_FINITE</code>", "10 to 600 s", "2.0 GiB"):
        assert shown in text
