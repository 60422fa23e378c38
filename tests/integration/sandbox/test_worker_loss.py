"""A worker that is killed leaves no sandbox behind."""

import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from tests.integration.sandbox.runs import DOCKER, make_sandbox
from worker.runner.base import LOCAL_LABEL
from worker.runner.docker import OWNER_LABEL, SHARD_LABEL, DockerOptions, DockerSandbox, docker_args, run_docker
from worker.runner.guest import PROBE_LIMITS

WORKER = """
import sys
from tests.integration.sandbox.runs import make_request, make_sandbox, read_cases
from worker.runner.base import ReplicaOrder

request = make_request({"submission.py": read_cases()[sys.argv[3]]}, (ReplicaOrder(0, 0),) * 1000, label=sys.argv[2])
make_sandbox(sys.argv[1]).run(request, on_replica=lambda replica: print("one", flush=True) is None)
"""
PATIENCE = 30.0


@pytest.mark.parametrize("backend", ["process", "bubblewrap", DOCKER])
def test_a_killed_worker_leaves_no_sandbox(backend: str) -> None:
    make_sandbox(backend)
    label = f"{LOCAL_LABEL}{uuid.uuid4().hex}"
    arguments = [sys.executable, "-c", WORKER, backend, label, "honest"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"one\n"
        family = find_descendants(worker.pid)
        assert family
        worker.send_signal(signal.SIGKILL)
    wait_until(lambda: not any(is_running(pid) for pid in family) and not list_containers(backend, label))


@pytest.mark.integration
def test_the_janitor_removes_what_no_lease_stands_for_and_nothing_else() -> None:
    make_sandbox("docker")
    owner = uuid.uuid4().hex
    mine, other = DockerOptions(owner=owner), DockerOptions(owner=uuid.uuid4().hex)
    labels = [("lacuna-1-1", mine), ("lacuna-2-1", mine), (f"{LOCAL_LABEL}x", mine), ("lacuna-1-1", other)]
    names = [f"lacuna-test-{uuid.uuid4().hex}" for _ in labels]
    try:
        for (label, options), name in zip(labels, names, strict=True):
            arguments = docker_args(PROBE_LIMITS, label=label, name=name, options=options, command=("sleep", "60"))
            started = run_docker("run", "--detach", *arguments[2:])
            assert started.returncode == 0, started.stderr
        DockerSandbox(mine).kill_orphans(lambda: {"lacuna-2-1"})
        left = [run_docker("inspect", name).returncode == 0 for name in names]
        assert left == [False, True, True, True]
    finally:
        run_docker("rm", "--force", *names)


def list_containers(backend: str, label: str) -> str:
    if backend != "docker":
        return ""
    return run_docker("ps", "--all", "--quiet", "--filter", f"label={SHARD_LABEL}={label}").stdout.decode().strip()


def find_descendants(pid: int) -> set[int]:
    found: set[int] = set()
    fresh = {pid}
    while fresh:
        children = set()
        for parent in fresh:
            for task in Path(f"/proc/{parent}/task").glob("*/children"):
                children |= {int(child) for child in task.read_text().split()}
        fresh = children - found
        found |= fresh
    return found


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] != b"Z"
    except OSError:
        return False


def wait_until(holds: object) -> None:
    assert callable(holds)
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def test_find_descendants_sees_a_child() -> None:
    with subprocess.Popen(["/bin/sleep", "30"]) as child:
        assert child.pid in find_descendants(os.getpid())
        child.kill()


def test_owner_and_shard_are_labels_of_every_container() -> None:
    arguments = docker_args(PROBE_LIMITS, label="s", name="n", options=DockerOptions(owner="o"))
    assert f"{SHARD_LABEL}=s" in arguments
    assert f"{OWNER_LABEL}=o" in arguments
