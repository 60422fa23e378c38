"""What is told to a Prometheus server, to whom, and that dashboard and alerts ask for nothing else."""

import json
import math
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine

from core.db.base import utc_now
from core.db.models.operations import Outbox
from core.db.session import transaction
from core.domain.submission import Status, Verdict
from core.domain.work import WorkState
from tests import factories
from tests.unit.api.conftest import Login

ROOT = Path(__file__).parents[3]
Read = Callable[..., dict[str, float]]


@pytest.fixture
def organizer(login: Callable[..., Login]) -> Login:
    return login("olga", role="organizer")


@pytest.fixture
def read(client: TestClient, organizer: Login) -> Read:
    """The samples of one name, by the values of their labels."""

    def fetch(name: str) -> dict[str, float]:
        text = client.get("/metrics", headers=organizer.headers).text
        families = text_string_to_metric_families(text)
        samples = [sample for family in families for sample in family.samples if sample.name == name]
        assert samples or name in text, f"nothing is called {name}"
        return {" ".join(sample.labels.values()): sample.value for sample in samples}

    return fetch


def list_names(text: str) -> set[str]:
    return set(re.findall(r"\blacuna_\w+", text))


def test_what_is_missing_is_told_as_by_readiness(read: Read, client: TestClient) -> None:
    checks = client.get("/readyz").json()["checks"]
    assert read("lacuna_part_ready") == {check["part"]: float(check["ok"]) for check in checks}


def test_the_queue_is_told_by_purpose_and_status(read: Read, engine: Engine) -> None:
    with transaction(engine) as session:
        competition = factories.make_competition(session, "digits")
        user = factories.make_user(session)
        for _ in range(2):
            row = factories.make_evaluation(session, factories.make_submission(session, competition, user))
        row.created_at = utc_now() - timedelta(minutes=5)
        session.add(Outbox(task="x", object_id="y", created_at=utc_now() - timedelta(minutes=2)))
    assert read("lacuna_evaluations") == {"ranked false queued": 2}
    assert 299 < read("lacuna_evaluation_oldest_seconds")["ranked false queued"] < 400
    assert 119 < read("lacuna_message_unsent_seconds")[""] < 200
    assert read("lacuna_pieces")["shard pending"] > 0
    assert math.isnan(read("lacuna_queue_seconds_left")[""])  # with nobody to do it


def test_nodes_are_told_by_name(read: Read, engine: Engine) -> None:
    with transaction(engine) as session:
        factories.make_node(session, "good")
        factories.make_node(session, "gone", last_seen_at=utc_now() - timedelta(hours=1))
        factories.make_node(session, "sick", fault="no sandbox", strikes=3)
    ours = {name for name, value in read("lacuna_node_health").items() if value}
    assert ours == {"healthy good cpu", "silent gone cpu", "faulty sick cpu"}
    assert read("lacuna_node_strikes") == {"good": 0, "gone": 0, "sick": 3}
    assert 3599 < read("lacuna_node_silent_seconds")["gone"] < 3700


def test_totals_are_told_over_the_whole_life(read: Read, engine: Engine) -> None:
    with transaction(engine) as session:
        competition = factories.make_competition(session, "digits")
        row = factories.make_evaluation(
            session, factories.make_submission(session, competition, factories.make_user(session))
        )
        row.status, row.verdict, row.refunded = Status.FINISHED, Verdict.PLATFORM_ERROR, True
        factories.make_replicas(session, row, 3, cpu=2.0, wall=3.0)
    assert read("lacuna_evaluations_ended_total") == {"platform_error": 1}
    assert read("lacuna_evaluations_refunded_total") == {"": 1}
    assert read("lacuna_replicas_total") == {"": 3}
    assert read("lacuna_replica_seconds_total") == {"cpu": 6.0, "wall": 9.0}


def test_a_lease_that_ran_out_is_told(read: Read, engine: Engine) -> None:
    with transaction(engine) as session:
        competition = factories.make_competition(session, "digits")
        row = factories.make_evaluation(
            session, factories.make_submission(session, competition, factories.make_user(session))
        )
        session.refresh(row, ["shards"])
        row.shards[0].state, row.shards[0].lease_until = WorkState.LEASED, utc_now() - timedelta(seconds=1)
    assert read("lacuna_leases_expired")["shard"] == 1


def test_requests_are_timed_by_route_and_not_by_address(read: Read, client: TestClient) -> None:
    before = read("lacuna_http_answer_seconds_count")
    for name in ("one", "two"):
        client.get(f"/competitions/{name}")
        client.get(f"/no/such/{name}")
    after = read("lacuna_http_answer_seconds_count")
    grown = {key: value - before.get(key, 0) for key, value in after.items() if value != before.get(key, 0)}
    assert grown == {"GET /competitions/{slug} 404": 2, "GET none 404": 2, "GET /metrics 200": 1}


def test_a_token_for_metrics_reads_them_and_nothing_else(client: TestClient, organizer: Login) -> None:
    made = client.post("/api/v1/me/tokens", json={"scopes": ["metrics"]}, headers=organizer.headers).json()
    headers = {"Authorization": f"Bearer {made['token']}"}
    assert client.get("/metrics", headers=headers).status_code == 200
    for path in ("/api/v1/admin/queue", "/api/v1/me", "/api/v1/competitions"):
        assert client.get(path, headers=headers).status_code == 403


@pytest.mark.parametrize("name", ["dashboard.json", "alerts.yml"])
def test_what_watches_asks_for_what_there_is(name: str, client: TestClient, organizer: Login) -> None:
    text = client.get("/metrics", headers=organizer.headers).text
    told = {family.name for family in text_string_to_metric_families(text)}
    asked = {
        re.sub(r"_(total|bucket|count|sum)$", "", each)
        for each in list_names((ROOT / "docs/monitoring" / name).read_text())
    }
    assert len(asked) > 5
    assert asked <= told


def test_every_panel_asks_something() -> None:
    board = json.loads((ROOT / "docs/monitoring/dashboard.json").read_text())
    assert all(panel["targets"] and panel["title"] for panel in board["panels"])
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


def test_every_alert_leads_to_what_to_do() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "docs/operations.md").read_text(), re.MULTILINE)
    anchors = {heading.lower().replace(" ", "-") for heading in headings}
    [group] = yaml.safe_load((ROOT / "docs/monitoring/alerts.yml").read_text())["groups"]
    for rule in group["rules"]:
        page, anchor = rule["annotations"]["runbook"].split("#")
        assert (page, anchor in anchors) == ("docs/operations.md", True), rule["alert"]
        assert rule["annotations"]["summary"]
