"""Keys of nodes: shown once, kept as a hash, ended at once; and what a node may say with one."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select

from api.security import hash_token
from core.db.base import utc_now
from core.db.models.operations import AuditEntry, Node, NodeKey
from core.db.session import reading, transaction
from core.domain.promises import Promise
from core.settings import Settings
from core.version import find_version
from tests import factories
from tests.unit.api.conftest import Login

KEYS = "/api/v1/admin/node-keys"
HELD = {each: {"finding": "held", "detail": ""} for each in Promise}


@pytest.fixture
def admin(login: Callable[..., Login]) -> dict[str, str]:
    return login("adam", "admin").headers


def add(client: TestClient, admin: dict[str, str], name: str = "gpu-1", **more: Any) -> dict[str, Any]:
    answer = client.post(KEYS, json={"name": name, "reason": "a new host", **more}, headers=admin)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def report(client: TestClient, token: str, **changes: Any) -> Any:
    told = {
        "instance": uuid.uuid4().hex,
        "version": find_version(),
        "node_class": "gpu",
        "device": "cuda",
        "workers": 2,
    }
    told |= {"sandbox": "docker", "fault": "", "promises": HELD}
    headers = {"Authorization": f"Bearer {token}"}
    return client.post("/api/v1/nodes/report", json=told | changes, headers=headers)


def test_a_key_is_shown_once_and_kept_as_a_hash(client: TestClient, engine: Engine, admin: dict[str, str]) -> None:
    fresh = add(client, admin, purposes=["practice", "ranked"])
    assert fresh["token"].startswith("lcn_")
    assert fresh["purposes"] == ["practice", "ranked"]
    [listed] = client.get(KEYS, headers=admin).json()["items"]
    assert "token" not in listed
    with reading(engine) as session:
        assert session.scalars(select(NodeKey.token_sha256)).one() == hash_token(fresh["token"])
        [entry] = session.scalars(select(AuditEntry).where(AuditEntry.action == "node.add"))
    assert fresh["token"] not in str(entry.detail)


@pytest.mark.parametrize("name", ["", "GPU", "a b", "-a", "x" * 64, "a/b"])
def test_a_name_that_is_none_is_refused(client: TestClient, admin: dict[str, str], name: str) -> None:
    answer = client.post(KEYS, json={"name": name, "reason": "a new host"}, headers=admin)
    assert answer.status_code == 422


def test_a_key_is_made_once_exchanged_and_ended(client: TestClient, admin: dict[str, str]) -> None:
    first, why = add(client, admin), {"reason": "it was lost"}
    assert client.post(KEYS, json={"name": "gpu-1", **why}, headers=admin).status_code == 409
    second = client.post(f"{KEYS}/gpu-1/rotate", json=why, headers=admin).json()
    assert report(client, first["token"]).status_code == 401
    assert report(client, second["token"]).status_code == 200
    assert client.post(f"{KEYS}/gpu-1/revoke", json=why, headers=admin).json()["revoked_at"]
    assert report(client, second["token"]).status_code == 401
    assert client.post(f"{KEYS}/gpu-1/revoke", json=why, headers=admin).status_code == 409
    assert report(client, add(client, admin)["token"]).status_code == 200  # given again


def test_a_nodes_key_opens_nothing_else(client: TestClient, admin: dict[str, str]) -> None:
    headers = {"Authorization": f"Bearer {add(client, admin)['token']}"}
    assert client.get("/api/v1/me", headers=headers).status_code == 401
    assert client.get("/api/v1/admin/nodes", headers=headers).status_code == 401
    assert client.post("/api/v1/nodes/work", json={"instance": uuid.uuid4().hex}, headers=headers).status_code == 409


def test_a_node_stands_on_the_list_as_any_other(client: TestClient, admin: dict[str, str]) -> None:
    told = report(client, add(client, admin)["token"]).json()
    assert (told["name"], told["is_draining"]) == ("gpu-1", False)
    [node] = client.get("/api/v1/admin/nodes", headers=admin).json()["items"]
    assert (node["name"], node["health"], node["node_class"]) == ("gpu-1", "healthy", "gpu")
    assert len(node["promises"]) == len(Promise)


def test_another_version_is_refused_with_both(client: TestClient, admin: dict[str, str]) -> None:
    answer = report(client, add(client, admin)["token"], version="0.0.9")
    assert answer.status_code == 422
    assert "0.0.9" in answer.json()["detail"]
    assert find_version() in answer.json()["detail"]


def test_a_name_that_another_machine_has_is_refused_until_that_is_silent(
    client: TestClient, engine: Engine, admin: dict[str, str]
) -> None:
    token = add(client, admin)["token"]
    assert report(client, token).status_code == 200
    assert report(client, token).status_code == 409
    with transaction(engine) as session:
        session.get_one(Node, "gpu-1").last_seen_at = utc_now() - timedelta(minutes=1)
    assert report(client, token).status_code == 200


def test_a_worker_beside_the_database_keeps_its_name(client: TestClient, engine: Engine, admin: dict[str, str]) -> None:
    with transaction(engine) as session:
        factories.make_node(session, "gpu-1", instance="machine 12 34")
    assert report(client, add(client, admin)["token"]).status_code == 409


def test_a_node_whose_boxes_keep_no_promise_takes_no_work(
    client: TestClient, admin: dict[str, str], settings: Settings
) -> None:
    token = add(client, admin)["token"]
    broken = {**HELD, Promise.NETWORK: {"finding": "not held", "detail": "it got out"}}
    assert report(client, token, promises=broken, sandbox="docker").status_code == 200
    [node] = client.get("/api/v1/admin/nodes", headers=admin).json()["items"]
    assert node["health"] == "faulty"
    assert "it got out" in node["fault"]


@pytest.mark.parametrize(
    "change",
    [
        {"workers": 0},
        {"device": "cuda; rm"},
        {"node_class": ""},
        {"instance": "x"},
        {"fault": "x" * 1001},
        {"promises": {"no_such": {"finding": "held", "detail": ""}}},
        {"more": 1},
    ],
)
def test_what_a_node_says_of_itself_is_bounded(
    client: TestClient, admin: dict[str, str], change: dict[str, Any]
) -> None:
    assert report(client, add(client, admin)["token"], **change).status_code == 422


def test_the_page_shows_a_fresh_key_once_with_the_line_to_run(client: TestClient, login: Callable[..., Login]) -> None:
    adam = login("adam", "admin")
    form = {"name": "gpu-7", "purposes": ["ranked"], "reason": "a new host"}
    shown = client.post("/admin/nodes", data=form, headers=adam.headers)
    assert shown.headers["cache-control"] == "no-store"
    assert "lacuna node join http" in shown.text
    page = client.get("/admin/nodes", headers=adam.headers).text
    assert "gpu-7" in page
    assert "lcn_" not in page
    gone = client.post("/admin/nodes/gpu-7/key", data={"deed": "revoke", "reason": "it is sold"}, headers=adam.headers)
    assert "revoked" in gone.text
