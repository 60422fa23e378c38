"""An application on a database built by the migrations; nothing leaves for a broker."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
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

LIMITS: dict[str, Any] = {"upload_bytes": 100_000, "registrations_per_hour": 5}


@dataclass
class Broker:
    """Takes what would be sent to workers."""

    sent: list[tuple[str, str]] = field(default_factory=list)

    def send_task(self, name: str, args: list[str], **_: Any) -> None:
        self.sent.append((name, args[0]))


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("database") / "lacuna.sqlite"
    url = f"sqlite:///{path}"
    upgrade_database(url)
    get_engine(url).dispose()
    return path


@pytest.fixture
def settings(tmp_path: Path, migrated_database: Path) -> Settings:
    shutil.copy(migrated_database, tmp_path / "lacuna.sqlite")
    return Settings(data_folder=tmp_path, **LIMITS)


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    engine = get_engine(settings.resolved_database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    broker = Broker()
    monkeypatch.setattr(jobs, "celery_app", broker)
    return broker


@pytest.fixture(scope="session")
def app(migrated_database: Path) -> FastAPI:
    """Building the routes takes most of a short test's time: one application serves every test's own database."""
    return create_app(Settings(data_folder=migrated_database.parent, **LIMITS))


@pytest.fixture
def client(app: FastAPI, settings: Settings, engine: Engine, broker: Broker) -> Iterator[TestClient]:
    app.state.settings, app.state.engine, app.state.store = settings, engine, FolderStore(settings.store_folder)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@dataclass(frozen=True)
class Login:
    user: User
    headers: dict[str, str]


@pytest.fixture
def login(engine: Engine) -> Callable[..., Login]:
    """Make an account with a token: `login("ann")`, `login(role="admin")`."""

    def make(name: str = "", role: str = "participant") -> Login:
        with transaction(engine) as session:
            user = factories.make_user(session, name, role=role)
            secret = f"lct_{user.id}"
            factories.make_token(session, user, hash_token(secret))
        return Login(user, {"Authorization": f"Bearer {secret}"})

    return make
