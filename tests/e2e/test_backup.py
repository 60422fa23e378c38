"""`lacuna admin backup` beside a live `lacuna up`, and `restore` on a machine where there is nothing."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.main import create_app
from client.http import LacunaClient
from core.domain.errors import ContestError
from core.domain.toml_text import write_toml
from core.settings import Settings
from tests.e2e.conftest import PASSWORD
from tests.ports import find_free_port
from tests.tiny_problems import make_tiny_spec

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 240.0
SOURCE = (
    "import time\ndef unlearning(net, retain_loader, forget_loader, val_loader):\n    time.sleep({})\n    return net\n"
)


def lacuna(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """The command as people type it, for the platform in a folder."""
    own = {"LACUNA_DATA_FOLDER": str(folder), "LACUNA_SANDBOX": "bubblewrap", "LACUNA_WORKERS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "cli.main", *arguments],
        cwd=ROOT,
        env={**os.environ, **own, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def say(folder: Path, *arguments: str) -> str:
    """What a command that ended well printed."""
    process = lacuna(folder, *arguments)
    printed, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, printed
    return printed


@contextmanager
def up(folder: Path, problem: Path) -> Iterator[LacunaClient]:
    port = find_free_port()
    process = lacuna(folder, "up", "--port", str(port), "--problem", str(problem))
    try:
        with LacunaClient(f"http://127.0.0.1:{port}") as client:
            wait(lambda: client.get_competition("tiny")["state"] == "open")
            yield client
    finally:
        process.send_signal(signal.SIGTERM)
        printed, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, printed


def wait(is_so: Callable[[], bool]) -> None:
    """A server that does not answer yet has not done it."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            if is_so():
                return
        except ContestError:
            pass
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.2)


def submit(client: LacunaClient, name: str, seconds: float) -> str:
    return str(client.submit("tiny", name, SOURCE.format(seconds).encode())["id"])


def test_what_was_backed_up_beside_the_live_platform_is_the_same_elsewhere(tmp_path: Path) -> None:
    rules = {"replicas": 16, "canary_replicas": 2, "shard_replicas": 14, "calibration_replicas": 2}
    spec = make_tiny_spec(evaluation=rules | {"compute_budget": 1e6}).model_dump(mode="json", exclude_none=True)
    problem, here, there = tmp_path / "tiny.toml", tmp_path / "here", tmp_path / "there"
    problem.write_text(write_toml(spec))
    with up(here, problem) as client:
        client.register("ann", PASSWORD)
        client.token = client.create_token("ann", PASSWORD)
        ended = submit(client, "ended.py", 0.0)
        wait(lambda: bool(client.get_submission(ended)["status"] == "finished"))
        board, card = client.get_leaderboard("tiny"), client.get_scorecard(ended)
        process = lacuna(here, "admin", "backup", str(tmp_path / "backup"))
        meanwhile = submit(client, "meanwhile.py", 5.0)  # nobody is held up
        printed, _ = process.communicate(timeout=PATIENCE)
        assert (process.returncode, "secrets are among them" in printed) == (0, True), printed
        client.cancel(meanwhile)
    assert [entry["submission_id"] for entry in board["entries"]] == [ended]

    printed = say(there, "admin", "restore", str(tmp_path / "backup"))
    assert "1 boards and the audit log hold" in printed
    with TestClient(create_app(Settings(data_folder=there))) as other:
        assert read(other, "/competitions/tiny/leaderboard") == board
        assert read(other, f"/submissions/{ended}/scorecard", client.token) == card
        mine = read(other, "/submissions", client.token)["items"]
    assert {each["id"] for each in mine} - {meanwhile} == {ended}


def read(client: TestClient, path: str, token: str = "") -> Any:
    answer = client.get(f"/api/v1{path}", headers={"Authorization": f"Bearer {token}"} if token else {})
    return answer.raise_for_status().json()
