import shutil
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from api.main import app_factory, create_app
from core.db.session import get_engine, transaction
from core.domain.errors import PlatformFault
from core.settings import Settings


def test_a_migrated_database_is_ready(client: TestClient) -> None:
    body = client.get("/readyz").json()
    assert body["ready"]
    assert body["revision"] == body["newest_revision"]


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
    get_engine(f"sqlite:///{tmp_path / 'lacuna.sqlite'}").dispose()
