"""Upload → leaderboard on a small competition, on real parts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.here.processes import LocalPlatform
from client.http import LacunaClient
from core.db.queries import evaluations
from core.db.session import get_engine, reading
from core.jobs import celery_app, make_celery
from tests.buckets import make_bucket, serve_buckets
from tests.e2e.conftest import make_settings, make_small_problem, wait

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
BASELINES = Path(__file__).parents[2] / "baselines"
SLOW = b"""
import time
def unlearning(net, retain_loader, forget_loader, val_loader):
    time.sleep(0.4)
    for parameter in net.parameters():
        parameter.data.add_(0.01 * __import__("torch").randn_like(parameter))
    return net
"""
IDLE = b"def unlearning(net, retain_loader, forget_loader, val_loader):\n    return net\n"


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalPlatform]:
    """Its blobs are in a bucket: what holds for a folder holds there."""
    folder = tmp_path_factory.mktemp("platform")
    with pytest.MonkeyPatch.context() as patch, serve_buckets() as endpoint:
        make_bucket(endpoint, "blobs", patch)
        with LocalPlatform(make_settings(folder, "s3://blobs/lacuna"), [make_small_problem()]) as running:
            yield running


def wait_until_open(platform: LocalPlatform, client: LacunaClient) -> None:
    wait(platform, lambda: client.get_competition("digits")["state"] == "open")


def submit(client: LacunaClient, name: str, source: bytes) -> str:
    return str(client.submit("digits", name, source)["id"])


def finish(platform: LocalPlatform, client: LacunaClient, submission_id: str) -> dict[str, Any]:
    wait(platform, lambda: client.get_submission(submission_id)["status"] == "finished")
    return client.get_submission(submission_id)


def count_replicas(platform: LocalPlatform, submission_id: str) -> list[int]:
    with reading(get_engine(platform.settings.resolved_database_url)) as session:
        submission = evaluations.fetch_submission(session, submission_id)
        assert submission is not None
        return [row.position for row in evaluations.fetch_replicas(session, submission.evaluations[-1].id)]


def test_a_baseline_becomes_a_place_on_the_board(platform: LocalPlatform, client: LacunaClient) -> None:
    wait_until_open(platform, client)
    submission_id = submit(client, "finetune.py", (BASELINES / "finetune.py").read_bytes())
    state = finish(platform, client, submission_id)
    assert state["verdict"] in ("scored", "over_budget")  # which of them depends on how busy this machine is
    if state["verdict"] == "scored":
        board = client.get_leaderboard("digits")
        assert submission_id in [entry["submission_id"] for entry in board["entries"]]
        assert client.get_scorecard(submission_id)["replicas"]["unlearned"] == 24
    assert not platform.settings.store_folder.exists()


@pytest.mark.parametrize("victim", ["worker"])
def test_a_worker_killed_in_a_shard_loses_and_doubles_no_replica(
    platform: LocalPlatform, client: LacunaClient, victim: str
) -> None:
    wait_until_open(platform, client)
    submission_id = submit(client, "slow.py", SLOW)

    def is_in_the_middle() -> bool:
        return bool(client.get_submission(submission_id)["progress"]["finished"] >= 1)

    wait(platform, is_in_the_middle)
    platform.kill(victim)
    state = finish(platform, client, submission_id)
    replicas = count_replicas(platform, submission_id)
    assert len(replicas) == len(set(replicas))
    assert state["verdict"] in ("scored", "over_budget")
    assert state["verdict"] == "over_budget" or replicas == list(range(24))


def list_consumed(platform: LocalPlatform) -> set[str]:
    """The queues from which the worker takes messages, as the broker's control channel tells."""
    app = make_celery(platform.settings.model_copy(update={"broker_url": celery_app.conf.broker_url}))
    answers = app.control.inspect(timeout=1.0).active_queues() or {}
    app.close()
    return {queue["name"] for queues in answers.values() for queue in queues}


def test_a_draining_worker_ends_what_it_holds_takes_nothing_new_and_comes_back(
    platform: LocalPlatform, client: LacunaClient, admin: LacunaClient
) -> None:
    wait_until_open(platform, client)
    node = platform.settings.node_name

    def is_empty() -> bool:
        return not admin.list_nodes()["items"][0]["shards"]

    held = submit(client, "slow.py", SLOW)
    wait(platform, lambda: not is_empty())
    assert admin.set_node(node, "drain", "a new disk")["is_draining"]
    later = submit(client, "idle.py", IDLE)
    wait(platform, lambda: list_consumed(platform) == {"scores"})
    wait(platform, is_empty)
    assert len(count_replicas(platform, held)) == 4  # its canary, and nothing of the rest
    waiting = client.get_submission(later)
    assert (waiting["status"], waiting["progress"]["finished"]) == ("queued", 0)
    assert not admin.set_node(node, "activate", "the disk is in")["is_draining"]
    wait(platform, lambda: list_consumed(platform) == {"scores", "shards", "pools"})
    assert finish(platform, client, later)["verdict"] == "scored"
    assert finish(platform, client, held)["verdict"] in ("scored", "over_budget")


@pytest.mark.parametrize(
    ("name", "source", "verdict", "code"),
    [
        (
            "raises.py",
            b"def unlearning(a, b, c, d):\n    if len(b): raise ValueError('no')\n",
            "runtime_error",
            "EXCEPTION",
        ),
        ("junk.py", b"def unlearning(a, b, c, d):\n    return len(b)\n", "bad_output", "OUTPUT_MISSING"),
        ("syntax.py", b"def unlearning(a, b, c, d:\n", "rejected", "SYNTAX_ERROR"),
        ("absent.py", b"x = 1\n", "rejected", "ENTRYPOINT_MISSING"),
        ("empty.py", b"", "rejected", "ENTRYPOINT_MISSING"),
        ("signature.py", b"def unlearning(net):\n    return net\n", "rejected", "SIGNATURE_MISMATCH"),
        ("picture.py", b"\x89PNG\r\n\x1a\n\x00\x00", "rejected", "SYNTAX_ERROR"),
        (
            "nan.py",
            b"def unlearning(net, b, c, d):\n    for p in net.parameters():\n        p.data.fill_(float('nan'))\n",
            "bad_output",
            "OUTPUT_NOT_FINITE",
        ),
        (
            "shape.py",
            b"import torch\ndef unlearning(net, b, c, d):\n    return torch.nn.Linear(3, 4)\n",
            "bad_output",
            "OUTPUT_SCHEMA",
        ),
        (
            "never.py",
            b"def unlearning(a, b, c, d):\n    while True:\n        pass\n",
            "time_limit",
            "TIME_LIMIT",
        ),
        (
            "forks.py",
            b"import os\ndef unlearning(a, b, c, d):\n    while True:\n        os.fork()\n",
            "runtime_error",
            "PROCESS_LIMIT",
        ),
        (
            "prints.py",
            b"def unlearning(a, b, c, d):\n    for _ in range(1024):\n        print('x' * (1 << 20))\n",
            "output_limit",
            "OUTPUT_LIMIT",
        ),
        (
            "hoards.py",
            b"def unlearning(a, b, c, d):\n    kept = []\n    while True:\n        kept.append(bytearray(1 << 26))\n",
            "memory_limit",
            "MEMORY_LIMIT",
        ),
    ],
)
def test_bad_input_ends_in_its_own_verdict_with_a_reason_and_a_hint(
    platform: LocalPlatform, client: LacunaClient, name: str, source: bytes, verdict: str, code: str
) -> None:
    wait_until_open(platform, client)
    state = finish(platform, client, submit(client, name, source))
    assert (state["verdict"], state["code"]) == (verdict, code)
    assert state["reason"]
    assert "\n" not in state["reason"]
    assert state["hint"]
