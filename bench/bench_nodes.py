"""One node against two: how long the same entry takes when nodes that joined over HTTP run all of it.

python -m bench.bench_nodes [--file baselines/finetune.py] [--replicas 96] [--shard 4] [--rounds 2]
The platform's own workers train and score, and take no shard. Each node is a process of one slot with a folder of its
own, in a network namespace of its own where this user may make one. Rounds of one and of two nodes alternate; between
them one is drained.
"""

import argparse
import os
import secrets
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cli.here import processes
from cli.here.processes import LocalPlatform, end_on_sigterm
from client.http import LacunaClient
from core.db.queries.users import set_role
from core.db.session import get_engine, transaction
from core.domain.access import Role
from core.problem_files import find_problem
from core.problems import ProblemSpec
from core.settings import Settings

LOOPBACK, EVERYWHERE = "127.0.0.1", "0.0.0.0"  # noqa: S104 (for as long as this runs)
ROOT = Path(__file__).parents[1]
WAIT_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Network:
    """A namespace with one cable to this machine; without one, loopback."""

    name: str = ""
    here: str = LOOPBACK

    @property
    def prefix(self) -> list[str]:
        return ["ip", "netns", "exec", self.name] if self.name else []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path, default=ROOT / "baselines" / "finetune.py")
    parser.add_argument("--replicas", type=int, default=96)
    parser.add_argument("--shard", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    processes.QUEUES = "scores,pools"
    end_on_sigterm()  # namespaces and nodes do not end by themselves
    with tempfile.TemporaryDirectory(prefix="lacuna-bench-") as folder, open_networks(2) as networks:
        settings = Settings(
            data_folder=Path(folder), api_host=EVERYWHERE, api_port=8497, sandbox="bubblewrap", workers=2
        )
        with LocalPlatform(settings, [make_problem(options)]), LacunaClient(f"http://{LOOPBACK}:8497") as client:
            compare(options, settings, client, networks)


def make_problem(options: argparse.Namespace) -> ProblemSpec:
    spec = find_problem("digits")
    rules = {"replicas": options.replicas, "canary_replicas": 4, "shard_replicas": options.shard, "adaptive": None}
    changes = {"pools": spec.pools.model_dump() | {"replicas": 64}}
    changes |= {"evaluation": spec.evaluation.model_dump() | rules}
    return ProblemSpec.model_validate(spec.model_dump(mode="json") | changes)


def compare(options: argparse.Namespace, settings: Settings, client: LacunaClient, networks: list[Network]) -> None:
    become_admin(settings, client)
    folder, seconds = settings.data_folder, dict[int, list[float]]()
    first, second = (
        Node(
            f"node-{place}",
            folder / f"node-{place}",
            network,
            client.add_node_key(f"node-{place}", [], "a benchmark")["token"],
        )
        for place, network in enumerate(networks)
    )
    with first.running(), second.running():
        wait(lambda: client.get_competition("digits")["state"] == "open" and count_at_work(client) == 2)
        run_once(options, client)  # both have met the problem
        for _ in range(options.rounds):
            for count, deed in ((1, "drain"), (2, "activate")):
                client.set_node(second.name, deed, "a benchmark")
                wait(lambda count=count: count_at_work(client) == count)  # type: ignore[misc]
                seconds.setdefault(count, []).append(run_once(options, client))
    where = "network namespaces" if networks[0].name else "folders"
    print(
        f"{options.file.name}, {options.replicas} replicas in shards of {options.shard}; nodes in {where} of their own"
    )
    for count, each in seconds.items():
        print(f"{count} node{'s' if count > 1 else ''}: {', '.join(f'{one:.1f}' for one in each)} s")
    print(f"two ÷ one: {statistics.median(seconds[2]) / statistics.median(seconds[1]):.2f}")


@dataclass(frozen=True, slots=True)
class Node:
    name: str
    folder: Path
    network: Network
    token: str

    @contextmanager
    def running(self) -> Iterator[None]:
        ours = {name: value for name, value in os.environ.items() if not name.startswith("LACUNA_")}
        named = {"LACUNA_DATA_FOLDER": str(self.folder), "LACUNA_SANDBOX": "bubblewrap", "OMP_NUM_THREADS": "1"}
        join = ["-m", "cli.main", "node", "join", f"http://{self.network.here}:8497", self.token]
        command = [*self.network.prefix, sys.executable, *join, "--workers", "1", "--allow-http"]
        self.folder.mkdir(exist_ok=True)
        with (self.folder / "out").open("ab") as out:
            child = subprocess.Popen(  # noqa: S603 (our own argv)
                command, env=ours | named, cwd=ROOT, stdout=out, stderr=out, start_new_session=True
            )
        try:
            yield
        finally:
            os.killpg(child.pid, signal.SIGTERM)
            child.wait()


def run_once(options: argparse.Namespace, client: LacunaClient) -> float:
    """From upload to score, by the server's clock. Not gated: nothing is measured again because of noise."""
    source = options.file.read_bytes() + f"\n# {secrets.token_hex(8)}\n".encode()
    named = str(client.submit("digits", options.file.name, source, purpose="reference")["id"])
    wait(lambda: client.get_submission(named)["status"] == "finished")
    found = client.get_submission(named)
    if found["verdict"] != "scored":
        raise SystemExit(f"it ended {found['verdict']}: {found['reason']}")
    return (read_time(found, "finished_at") - read_time(found, "created_at")).total_seconds()


def read_time(found: dict[str, Any], name: str) -> datetime:
    return datetime.fromisoformat(str(found[name]))


def count_at_work(client: LacunaClient) -> int:
    nodes = [node for node in client.list_nodes()["items"] if node["name"].startswith("node-")]
    return sum(node["health"] == "healthy" and not node["is_draining"] for node in nodes)


def wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not until():
        if time.monotonic() > deadline:
            raise SystemExit("waited too long")
        time.sleep(0.05)


def become_admin(settings: Settings, client: LacunaClient) -> None:
    password = secrets.token_hex(16)
    client.register("bench", password)
    with transaction(get_engine(settings.resolved_database_url)) as session:
        set_role(session, "bench", Role.ADMIN)
    client.create_token("bench", password)


@contextmanager
def open_networks(count: int) -> Iterator[list[Network]]:
    made: list[Network] = []
    try:
        with suppress(OSError, subprocess.CalledProcessError):
            for place in range(count):
                made.append(make_network(place))
        yield made if len(made) == count else [Network()] * count
    finally:
        for network in made:
            run("ip", "netns", "del", network.name)  # its end of the cable goes with it, and so does ours


def make_network(place: int) -> Network:
    name, ours, theirs = f"lacuna-{place}", f"lacuna-h{place}", f"lacuna-n{place}"
    network = Network(name, f"10.87.{place}.1")
    run("ip", "netns", "add", name)
    run("ip", "link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", name)
    run("ip", "addr", "add", f"{network.here}/30", "dev", ours)
    run("ip", "link", "set", ours, "up")
    run("ip", "-n", name, "addr", "add", f"10.87.{place}.2/30", "dev", theirs)
    run("ip", "-n", name, "link", "set", theirs, "up")
    return network


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603


if __name__ == "__main__":
    main()
