from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, update

from core.db.models.contests import Competition
from core.db.models.submissions import Evaluation
from core.db.queries import competitions
from core.db.session import reading, transaction
from core.problem_files import find_problem
from tests import factories
from tests.unit.api.conftest import Login

PATH = "/api/v1/admin/data-sets/faces/versions/1"
WHY = {"reason": "one person objected"}


@pytest.fixture
def admin(login: Callable[..., Login]) -> dict[str, str]:
    return login("root", "admin").headers


@pytest.fixture
def file(engine: Engine) -> dict[str, Any]:
    """A competition file on faces@1, which is ready."""
    with transaction(engine) as session:
        factories.make_data_set_version(session, "faces")
    return find_problem("digits").model_dump(mode="json") | {"slug": "faces", "data": {"set": "faces@1"}}


@pytest.fixture
def competition(client: TestClient, admin: dict[str, str], file: dict[str, Any], engine: Engine) -> Competition:
    """Applied, with a pool and a score."""
    client.put("/api/v1/admin/competitions/faces", json=file, headers=admin)
    with transaction(engine) as session:
        row = competitions.fetch_competition(session, "faces")
        assert row is not None
        factories.make_pool(session, row)
        factories.make_scored(session, row, factories.make_user(session, "ann"))
        return row


def revoke(client: TestClient, headers: dict[str, str], *, dry_run: bool = False) -> Any:
    return client.post(f"{PATH}/revoke", json=WHY, params={"dry_run": str(dry_run).lower()}, headers=headers)


def submit(client: TestClient, headers: dict[str, str]) -> int:
    path = "/api/v1/competitions/faces/submissions"
    return client.post(path, files={"file": ("a.py", factories.SOURCE)}, headers=headers).status_code


def set_state(engine: Engine, state: str) -> None:
    with transaction(engine) as session:
        row = competitions.fetch_competition(session, "faces")
        assert row is not None
        row.state = state


def test_lineage_leads_from_the_data_to_the_scores(
    client: TestClient, admin: dict[str, str], competition: Competition
) -> None:
    (problem,) = client.get(f"{PATH}/lineage", headers=admin).json()["problems"]
    assert problem["slug"] == "faces"
    assert problem["pools"] == [{"kind": "retrained", "state": "building", "size": 256}]
    (spec,) = problem["specs"]
    assert (spec["evaluations"], spec["scored"]) == (1, 1)
    assert spec["competitions"] == [{"slug": "faces", "state": "preparing"}]


def test_a_version_that_nothing_descends_from_has_an_empty_lineage(
    client: TestClient, admin: dict[str, str], file: dict[str, Any], engine: Engine
) -> None:
    with transaction(engine) as session:
        factories.make_competition(session)
    assert client.get(f"{PATH}/lineage", headers=admin).json()["problems"] == []


def test_a_dry_run_shows_the_lineage_and_stops_nothing(
    client: TestClient, admin: dict[str, str], competition: Competition
) -> None:
    answer = revoke(client, admin, dry_run=True).json()
    assert (answer["applied"], answer["version"]["status"]) == (False, "ready")
    assert "1 competitions take no new work" in answer["consequence"]
    assert client.get(PATH, headers=admin).json()["status"] == "ready"


def test_revoking_stops_submissions_and_keeps_scores(
    client: TestClient, admin: dict[str, str], competition: Competition, engine: Engine, login: Callable[..., Login]
) -> None:
    set_state(engine, "open")
    bob = login("bob").headers
    assert submit(client, bob) == 202
    assert revoke(client, admin).json()["version"]["status"] == "revoked"
    assert submit(client, bob) == 409
    board = client.get("/api/v1/competitions/faces/leaderboard").json()
    assert [entry["name"] for entry in board["entries"]] == ["ann"]


def test_revoking_tells_what_prepares(
    client: TestClient, admin: dict[str, str], competition: Competition, engine: Engine
) -> None:
    revoke(client, admin)
    with reading(engine) as session:
        row = competitions.fetch_competition(session, "faces")
    assert row is not None
    assert "revoked" in row.fault


def test_nothing_new_is_made_of_revoked_data(
    client: TestClient, admin: dict[str, str], file: dict[str, Any], engine: Engine
) -> None:
    revoke(client, admin)
    answer = client.put("/api/v1/admin/competitions/faces", json=file, headers=admin)
    assert (answer.status_code, "one person objected" in answer.text) == (409, True)


def test_revoking_is_in_the_audit_log_and_cannot_be_done_twice(
    client: TestClient, admin: dict[str, str], competition: Competition
) -> None:
    assert revoke(client, admin).status_code == 200
    assert revoke(client, admin).status_code == 409
    entry = client.get("/api/v1/admin/audit", headers=admin).json()["items"][0]
    assert (entry["action"], entry["detail"]["reason"]) == ("data_set.revoke", "one person objected")


def test_the_page_shows_lineage_and_revokes(
    client: TestClient, admin: dict[str, str], competition: Competition
) -> None:
    page = client.get("/admin/data-sets/faces/1", headers=admin).text
    assert "1 evaluations, 1 scored" in page
    assert client.post("/admin/data-sets/faces/1/revoke", data={"reason": ""}, headers=admin).status_code == 422
    after = client.post("/admin/data-sets/faces/1/revoke", data=WHY, headers=admin).text
    assert "No new work begins on it" in after
    assert "Revoke this version" not in after


@pytest.fixture
def running(
    client: TestClient, competition: Competition, engine: Engine, login: Callable[..., Login]
) -> dict[str, str]:
    """The headers of Eve, who has submitted."""
    set_state(engine, "open")
    headers = login("eve").headers
    assert submit(client, headers) == 202
    return headers


def count_used(client: TestClient, headers: dict[str, str]) -> int:
    return int(client.get("/api/v1/competitions/faces/limits", headers=headers).json()["used"])


def find_own(client: TestClient, headers: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/api/v1/submissions", headers=headers).json()["items"][0]
    return found


def test_a_dry_run_says_what_would_be_stopped(
    client: TestClient, admin: dict[str, str], running: dict[str, str]
) -> None:
    params = {"dry_run": "true", "stop_running": "true"}
    answer = client.post(f"{PATH}/revoke", json=WHY, params=params, headers=admin).json()
    assert [(row["by"], row["status"]) for row in answer["running"]] == [("eve", "queued")]
    assert (answer["stopped"], "1 evaluations run on it and are cancelled" in answer["consequence"]) == (0, True)
    assert find_own(client, running)["status"] == "queued"


def test_what_runs_ends_by_itself_unless_it_is_stopped(
    client: TestClient, admin: dict[str, str], running: dict[str, str]
) -> None:
    assert revoke(client, admin).json()["stopped"] == 0
    assert (find_own(client, running)["status"], count_used(client, running)) == ("queued", 1)


def test_what_is_stopped_says_why_and_costs_nothing(
    client: TestClient, admin: dict[str, str], running: dict[str, str]
) -> None:
    assert count_used(client, running) == 1
    answer = client.post(f"{PATH}/revoke", json=WHY, params={"stop_running": "true"}, headers=admin).json()
    assert answer["stopped"] == 1
    own = find_own(client, running)
    assert (own["verdict"], "one person objected" in own["reason"]) == ("withdrawn", True)
    assert count_used(client, running) == 0
    entry = client.get("/api/v1/admin/audit", headers=admin).json()["items"][0]
    assert entry["detail"]["stopped"] == 1


def test_what_its_author_cancelled_before_is_not_counted_as_stopped(
    client: TestClient, admin: dict[str, str], running: dict[str, str], engine: Engine
) -> None:
    with transaction(engine) as session:  # a worker holds it still
        session.execute(update(Evaluation).where(Evaluation.status == "queued").values(status="cancelling"))
    answer = client.post(f"{PATH}/revoke", json=WHY, params={"stop_running": "true"}, headers=admin).json()
    assert (len(answer["running"]), answer["stopped"], count_used(client, running)) == (1, 0, 1)


def test_the_page_offers_to_stop_what_runs(client: TestClient, admin: dict[str, str], running: dict[str, str]) -> None:
    assert "by eve in faces" in client.get("/admin/data-sets/faces/1", headers=admin).text
    client.post("/admin/data-sets/faces/1/revoke", data=WHY | {"stop_running": "true"}, headers=admin)
    assert find_own(client, running)["verdict"] == "withdrawn"
