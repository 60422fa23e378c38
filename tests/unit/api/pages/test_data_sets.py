from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from core.db.session import transaction
from tests import factories
from tests.unit.api.conftest import Broker, Login


@pytest.fixture
def admin(login: Callable[..., Login]) -> dict[str, str]:
    return login("root", "admin").headers


def test_a_form_uploads_a_version(client: TestClient, admin: dict[str, str], broker: Broker) -> None:
    fields = {"name": "faces", "format": "npz", "note": "first", "named": "digits"}
    answer = client.post(
        "/admin/data-sets", data=fields, files={"file": ("a.npz", b"bytes")}, headers=admin, follow_redirects=False
    )
    assert answer.headers["location"] == "/admin/data-sets/faces/1"
    assert len(broker.sent) == 1
    page = client.get("/admin/data-sets/faces/1", headers=admin).text
    assert "A worker reads the upload" in page
    assert "first" in page


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"name": "Faces!", "format": "npz"}, "lower-case"),
        ({"name": "faces", "format": "pickle"}, "a format of the list"),
        ({"name": "faces", "format": "npz"}, "upload is empty"),
    ],
)
def test_a_form_that_makes_no_sense_comes_back_with_the_reason(
    client: TestClient, admin: dict[str, str], fields: dict[str, str], reason: str
) -> None:
    answer = client.post("/admin/data-sets", data=fields, headers=admin)
    assert (answer.status_code, reason in answer.text) == (422, True)


def test_a_ready_version_shows_classes_samples_and_its_name(
    client: TestClient, admin: dict[str, str], engine: Engine
) -> None:
    with transaction(engine) as session:
        version = factories.make_data_set_version(session, "faces")
    page = client.get("/admin/data-sets/faces/1", headers=admin).text
    assert f'set = "faces@{version.digest}"' in page
    assert 'alt="Image 0, class cat"' in page
    assert "A worker reads the upload" not in page


def test_the_list_shows_every_version(client: TestClient, admin: dict[str, str], engine: Engine) -> None:
    with transaction(engine) as session:
        factories.make_data_set_version(session, "faces")
        factories.make_data_set_version(session, "faces")
    page = client.get("/admin/data-sets", headers=admin).text
    assert "faces@1" in page
    assert "faces@2" in page
