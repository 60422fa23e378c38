from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from core.db.models.data_sets import DataSetVersion
from core.db.session import transaction
from core.domain.data_sets import Reference
from tests import factories
from tests.unit.api.conftest import Broker, Login

PATH = "/api/v1/admin/data-sets"


@pytest.fixture
def admin(login: Callable[..., Login]) -> dict[str, str]:
    return login("root", "admin").headers


def upload(client: TestClient, headers: dict[str, str], content: bytes = b"bytes", **params: str) -> Any:
    return client.post(f"{PATH}/faces/versions", params={"format": "npz"} | params, content=content, headers=headers)


def test_an_upload_waits_for_a_worker(
    client: TestClient, admin: dict[str, str], broker: Broker, engine: Engine
) -> None:
    answer = upload(client, admin, note="first try")
    assert answer.status_code == 202
    assert (answer.json()["reference"], answer.json()["status"]) == ("faces@1", "uploaded")
    from core.db.queries import data_sets
    from core.db.session import reading

    with reading(engine) as session:
        (row,) = data_sets.find_versions(session, Reference("faces", 1, None))
    assert broker.sent == [("lacuna.validate_data_set", row.id)]
    assert client.app.state.store.get(row.source_digest) == b"bytes"  # type: ignore[attr-defined]


def test_uploads_of_one_name_are_numbered(client: TestClient, admin: dict[str, str]) -> None:
    assert [upload(client, admin).json()["number"] for _ in range(3)] == [1, 2, 3]
    listed = client.get(PATH, headers=admin).json()["items"]
    assert [[version["number"] for version in found["versions"]] for found in listed] == [[1, 2, 3]]


def test_an_upload_is_in_the_audit_log(client: TestClient, admin: dict[str, str]) -> None:
    upload(client, admin)
    (entry,) = client.get("/api/v1/admin/audit", headers=admin).json()["items"]
    assert (entry["action"], entry["subject"], entry["actor"]) == ("data_set.add", "data_set/faces@1", "root")


@pytest.mark.parametrize(
    ("content", "params", "reason"),
    [
        (b"", {}, "the upload is empty"),
        (b"x", {"named": "digits"}, "comes with the format"),
        (b"", {"format": "named"}, "comes with the format"),
        (b"", {"format": "named", "named": "imagenet"}, "no set named"),
        (b"x", {"format": "pickle"}, "Input should be"),
    ],
)
def test_an_upload_that_makes_no_sense_is_refused(
    client: TestClient, admin: dict[str, str], content: bytes, params: dict[str, str], reason: str
) -> None:
    answer = upload(client, admin, content, **params)
    assert (answer.status_code, reason in answer.text) == (422, True)


def test_only_data_sets_may_be_large(client: TestClient, admin: dict[str, str]) -> None:
    large = bytes(300_000)  # over what a submission may have
    assert upload(client, admin, large).status_code == 202
    assert client.post("/api/v1/users", content=large).status_code == 413


def test_even_a_data_set_has_a_limit(client: TestClient, admin: dict[str, str], settings: Any) -> None:
    client.app.state.settings = settings.model_copy(update={"data_set_bytes": 2000})  # type: ignore[attr-defined]
    assert upload(client, admin, bytes(2001)).status_code == 413
    assert client.get(PATH, headers=admin).json()["items"] == []


@pytest.mark.parametrize("role", ["participant", "organizer"])
def test_nobody_else_sees_hidden_data(client: TestClient, login: Callable[..., Login], role: str) -> None:
    headers = login("olga", role).headers
    assert upload(client, headers).status_code == 403
    assert client.get(f"{PATH}/faces/versions/1/samples/0", headers=headers).status_code == 403


def test_samples_of_a_ready_version_are_images(client: TestClient, admin: dict[str, str], engine: Engine) -> None:
    store = client.app.state.store  # type: ignore[attr-defined]
    with transaction(engine) as session:
        factories.make_data_set_version(session, "faces", sample_digest=store.put(b"\x89PNG"))
    answer = client.get(f"{PATH}/faces/versions/1/samples/0", headers=admin)
    assert (answer.content, answer.headers["content-type"]) == (b"\x89PNG", "image/png")
    assert "no-store" in answer.headers["cache-control"]
    assert client.get(f"{PATH}/faces/versions/1/samples/1", headers=admin).status_code == 404


def test_a_refused_version_says_why(client: TestClient, admin: dict[str, str], engine: Engine) -> None:
    with transaction(engine) as session:
        version: DataSetVersion = factories.make_data_set_version(session, "faces")
        version.outcome, version.reason, version.summary = "refused", "it holds NaN", None
    answer = client.get(f"{PATH}/faces/versions/1", headers=admin).json()
    assert (answer["status"], answer["reason"]) == ("refused", "it holds NaN")
