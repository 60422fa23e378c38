"""Nodes that joined over HTTP run everything: no worker of the platform takes a shard, and one node is unplugged."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.here import processes
from cli.here.processes import LocalPlatform
from client.http import LacunaClient
from core.db.queries import evaluations
from core.db.session import get_engine, reading
from tests.e2e.conftest import make_settings, make_small_problem, wait

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
ROOT = Path(__file__).parents[2]
SLOW = b"""
import time
def unlearning(net, retain_loader, forget_loader, val_loader):
    time.sleep(0.3)
    for parameter in net.parameters():
        parameter.data.add_(0.01 * __import__("torch").randn_like(parameter))
    return net
"""


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalPlatform]:
    """Its workers train and score, and leave shards to nodes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processes, "QUEUES", "scores,pools")
        with LocalPlatform(make_settings(tmp_path_factory.mktemp("platform")), [make_small_problem()]) as running:
            yield running


def run_node(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    """As on another machine: its own folder, and of our settings none."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("LACUNA_")}
    named = {"LACUNA_DATA_FOLDER": str(folder), "LACUNA_SANDBOX": "bubblewrap", "OMP_NUM_THREADS": "1"}
    folder.mkdir(exist_ok=True)
    with (folder / "out").open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-c", "from cli.main import run; run()", "node", *words],
            env=ours | named, cwd=ROOT, stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip


def test_nodes_bring_a_submission_to_the_board_though_one_is_unplugged(
    platform: LocalPlatform, admin: LacunaClient, tmp_path: Path
) -> None:
    running = {}
    for name in ("one", "two"):
        token = admin.add_node_key(name, [], "a test")["token"]
        running[name] = run_node(tmp_path / name, "join", platform.url, token, "--workers", "1")
    try:
        wait(platform, lambda: admin.get_competition("digits")["state"] == "open")
        submission = str(admin.submit("digits", "slow.py", SLOW)["id"])

        def find_busy() -> list[str]:
            """Who holds something after the canary."""
            nodes = admin.list_nodes()["items"]
            return [node["name"] for node in nodes if any(shard["first"] > 0 for shard in node["shards"])]

        wait(platform, lambda: bool(find_busy()))
        lost = find_busy()[0]
        os.killpg(running[lost].pid, signal.SIGKILL)
        running.pop(lost).wait()
        wait(platform, lambda: admin.get_submission(submission)["status"] == "finished")
        assert admin.get_submission(submission)["verdict"] == "scored"
        assert submission in [entry["submission_id"] for entry in admin.get_leaderboard("digits")["entries"]]
        with reading(get_engine(platform.settings.resolved_database_url)) as session:
            whole = evaluations.fetch_submission(session, submission)
            assert whole is not None
            evaluation = evaluations.fetch_evaluation(session, whole.evaluations[-1].id)
            rows = evaluations.fetch_replicas(session, whole.evaluations[-1].id)
        assert evaluation is not None
        assert [row.position for row in rows] == list(range(24))
        assert sum(shard.attempts for shard in evaluation.shards) == len(evaluation.shards) + 1
        [left] = running
        assert run_node(tmp_path / left, "leave").wait(60) == 0
        assert running[left].wait(30) == 0
        [row] = [node for node in admin.list_nodes()["items"] if node["name"] == left]
        assert row["health"] == "silent"
    finally:
        for node in running.values():
            if node.poll() is None:
                os.killpg(node.pid, signal.SIGKILL)
                node.wait()
