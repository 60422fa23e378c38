"""The admin's way from an upload to an open competition and back, on PostgreSQL; workers are called in turn."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from api.main import create_app
from api.security import hash_token
from core import jobs
from core.db.migrate import upgrade_database
from core.db.models.accounts import User
from core.db.session import get_engine, transaction
from core.settings import Settings
from core.storage import FolderStore
from tests import factories
from tests.tiny_problems import make_tiny_spec
from tests.unit.worker.conftest import FakeSandbox, Platform
from tests.unit.worker.data_sets.uploads import make_images, make_npz
from worker.jobs.context import WorkerContext

pytestmark = pytest.mark.integration

DATA, ADMIN = "/api/v1/admin/data-sets/faces/versions", "/api/v1/admin/competitions/faces"
WHY = {"reason": "one person objected"}
SOURCE = b"def unlearning(net, retain_loader, forget_loader, val_loader):\n    return net\n"


class NoBroker:
    """Every message stays in the outbox until the test delivers it."""

    def send_task(self, *_: Any, **__: Any) -> None:
        raise OSError("nobody listens")


@pytest.fixture
def platform(tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    monkeypatch.setattr(jobs, "celery_app", NoBroker())
    upgrade_database(postgres_url)
    settings = Settings(data_folder=tmp_path, database_url=postgres_url, workers=1)
    engine = get_engine(postgres_url)
    sandbox = FakeSandbox()
    yield Platform(WorkerContext(settings, engine, FolderStore(settings.store_folder), sandbox), sandbox, engine)
    engine.dispose()


@pytest.fixture
def client(platform: Platform) -> Iterator[TestClient]:
    """Logged in as an admin."""
    with transaction(platform.engine) as session:
        factories.make_token(session, factories.make_user(session, "root", role="admin"), hash_token("lct_root"))
    with TestClient(create_app(platform.context.settings), headers={"Authorization": "Bearer lct_root"}) as client:
        yield client


def upload(client: TestClient, platform: Platform, content: bytes) -> dict[str, Any]:
    version = client.post(DATA, params={"format": "npz"}, content=content).json()
    platform.run_until_quiet()
    found: dict[str, Any] = client.get(f"{DATA}/{version['number']}").json()
    return found


def make_file() -> dict[str, Any]:
    parts = {"split": {"train": 120, "validation": 30, "test": 60}, "recipe": {"epochs": 2}}
    spec = make_tiny_spec(data={"set": "faces@1"}, **parts)
    own = {"draft": True, "open": "by hand", "total_limit": 9, "closes_at": "2090-01-01T00:00:00Z"}
    return spec.model_dump(mode="json") | {"slug": "faces", "data": {"set": "faces@1"}, "competition": own}


def make_upload() -> bytes:
    return make_npz(images=make_images(240, 8, 8), labels=np.arange(240) % 3)


def add_participant(engine: Engine, name: str) -> dict[str, str]:
    with transaction(engine) as session:
        user: User = factories.make_user(session, name)
        factories.make_token(session, user, hash_token(f"lct_{name}"))
    return {"Authorization": f"Bearer lct_{name}"}


def test_from_an_upload_to_an_open_competition_and_back(platform: Platform, client: TestClient) -> None:
    version = upload(client, platform, make_upload())
    assert (version["status"], version["summary"]["train"]) == ("ready", 240)
    assert client.put(ADMIN, json=make_file()).json()["state"] == "draft"
    client.post(f"{ADMIN}/preview")
    platform.run_until_quiet()
    (preview,) = client.get(f"{ADMIN}/preview").json()["items"]
    assert (preview["fault"], sum(preview["counts"]["forget"])) == ("", 20)

    client.post(f"{ADMIN}/state", json={"state": "preparing", **WHY})
    platform.run_until_quiet()
    pools = client.get(f"{ADMIN}/pools").json()
    assert ({pool["state"] for pool in pools["items"]}, pools["prepared_at"] is not None) == ({"sealed"}, True)
    assert client.post(f"{ADMIN}/pools/verify").json()["intact"] is True
    client.post(f"{ADMIN}/state", json={"state": "open", **WHY})

    ann = add_participant(platform.engine, "ann")
    submitted = client.post("/api/v1/competitions/faces/submissions", files={"file": ("a.py", SOURCE)}, headers=ann)
    assert submitted.status_code == 202
    shown = client.post(f"{DATA}/1/revoke", json=WHY, params={"dry_run": "true", "stop_running": "true"}).json()
    assert [row["by"] for row in shown["running"]] == ["ann"]
    assert client.post(f"{DATA}/1/revoke", json=WHY, params={"stop_running": "true"}).json()["stopped"] == 1
    assert client.get("/api/v1/submissions", headers=ann).json()["items"][0]["verdict"] == "withdrawn"
    assert client.get("/api/v1/competitions/faces/limits", headers=ann).json()["used"] == 0
    again = upload(client, platform, make_upload())
    assert (again["status"], "was revoked" in again["reason"]) == ("refused", True)
    assert client.get("/api/v1/admin/audit/verify").json()["intact"] is True


def test_uploads_at_once_get_a_number_each(platform: Platform, client: TestClient) -> None:
    contents = [make_npz(images=make_images(24, 6, 6, seed=place)) for place in range(6)]
    answers: list[Any] = []

    def send(content: bytes) -> None:
        answers.append(client.post(DATA, params={"format": "npz"}, content=content).json())

    threads = [threading.Thread(target=send, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer["number"] for answer in answers) == [1, 2, 3, 4, 5, 6]
    platform.run_until_quiet()
    (data_set,) = client.get("/api/v1/admin/data-sets").json()["items"]
    assert {each["status"] for each in data_set["versions"]} == {"ready"}
