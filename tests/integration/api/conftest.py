"""The application behind a real server, on a database of its own."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from sqlalchemy import Engine

from api.main import create_app
from api.security import hash_token
from core import jobs
from core.db.migrate import upgrade_database
from core.db.session import get_engine, transaction
from core.settings import Settings
from tests import factories


class SilentBroker:
    def send_task(self, *_: Any, **__: Any) -> None: ...


@dataclass(frozen=True)
class Site:
    url: str
    engine: Engine

    def make_headers(self, name: str) -> dict[str, str]:
        """A new account's token."""
        with transaction(self.engine) as session:
            factories.make_token(session, factories.make_user(session, name), hash_token(f"lct_{name}"))
        return {"Authorization": f"Bearer lct_{name}"}


@contextmanager
def serve(settings: Settings) -> Iterator[Site]:
    upgrade_database(settings.resolved_database_url)
    engine = get_engine(settings.resolved_database_url)
    port = settings.api_port if "api_port" in settings.model_fields_set else 0  # named, where links must lead back
    config = uvicorn.Config(
        create_app(settings), port=port, log_level="warning", log_config=None, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield Site(f"http://127.0.0.1:{port}", engine)
    finally:
        server.should_exit = True
        thread.join(30)
        engine.dispose()


@pytest.fixture
def start_site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., Site]]:
    monkeypatch.setattr(jobs, "celery_app", SilentBroker())
    opened = []

    def start(**values: Any) -> Site:
        context = serve(Settings(data_folder=tmp_path, **values))
        site = context.__enter__()
        opened.append(context)
        return site

    yield start
    for context in opened:
        context.__exit__(None, None, None)


@pytest.fixture
def site(start_site: Callable[..., Site]) -> Site:
    return start_site()
