"""A small platform whose parts can be killed, frozen and started one by one."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil
import redis
from sqlalchemy import Engine

from core.db.session import get_engine
from core.settings import Settings
from tests.integration.chaos.dying import die_with_parent
from tests.integration.postgres import Postgres

ROOT = Path(__file__).resolve().parents[3]
WORKERS = ("one", "two")
JANITOR = "janitor"
API = "api"
SERVER = ("--factory", "api.main:app_factory", "--no-access-log", "--log-level", "warning")
QUEUES = "scores,shards,pools"
QUIET = ("-l", "WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat")
SANDBOX = "bubblewrap"
SKEWED = "tests.integration.chaos.skewed"
LOOK_SECONDS = 0.1
PATIENCE = 120.0  # for whatever must come about; nothing here waits longer than it has to


@dataclass
class Broker:
    """A real Redis that keeps nothing on disk."""

    port: int
    folder: Path
    _server: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        binary = shutil.which("redis-server") or "valkey-server"
        command = [binary, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)]
        self._server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_until(self.is_up, "the broker answers")

    def is_up(self) -> bool:
        with suppress(redis.ConnectionError), redis.Redis(port=self.port) as client:
            return bool(client.ping())
        return False

    def count_received(self) -> int:
        """Messages that workers have taken and not acknowledged."""
        with redis.Redis(port=self.port) as client:
            return int(client.hlen("unacked"))  # type: ignore[arg-type]

    def forget_everything(self) -> None:
        with redis.Redis(port=self.port) as client:
            client.flushall()

    def take_away(self) -> dict[bytes, list[bytes]]:
        """Every message that no worker has received."""
        with redis.Redis(port=self.port) as client:
            keys = [key for key in client.keys("*") if client.type(key) == b"list"]  # type: ignore[union-attr]
            held = {key: client.lrange(key, 0, -1) for key in keys}
            if keys:
                client.delete(*keys)
        return held  # type: ignore[return-value]

    def bring_back(self, held: dict[bytes, list[bytes]]) -> None:
        with redis.Redis(port=self.port) as client:
            for key, messages in held.items():
                client.rpush(key, *messages)

    def kill(self) -> None:
        if self._server is not None:
            self._server.kill()
            self._server.wait()


class Nursery:
    """Where processes of the platform are born, with the seconds behind them that reading large libraries takes."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.chaos.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            preexec_fn=die_with_parent,
        )

    def bear(self, module: str, arguments: list[str], *, environment: dict[str, str], log: Path) -> psutil.Process:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        birth = {"module": module, "arguments": arguments, "environment": environment, "log": str(log)}
        self._process.stdin.write(f"{json.dumps(birth)}\n".encode())
        self._process.stdin.flush()
        return psutil.Process(int(self._process.stdout.readline()))

    def close(self) -> None:
        self._process.communicate()


@dataclass
class Machines:
    settings: Settings
    nursery: Nursery
    broker: Broker
    postgres: Postgres | None  # None: SQLite
    has_own_disk: bool = False  # a small one, for its data folder
    children: dict[str, psutil.Process] = field(default_factory=dict)
    _strange: set[str] = field(default_factory=set)  # workers that the next row does not want

    @property
    def engine(self) -> Engine:
        return get_engine(self.settings.resolved_database_url)

    @property
    def database(self) -> str:
        """What kind it is."""
        return self.engine.dialect.name

    def start(self, name: str, *, ahead: int = 0, device: str = "cpu") -> None:
        """ahead: seconds by which this process's host is wrong about the time. device: of a worker."""
        if name.startswith(JANITOR):
            module, arguments = "worker.janitor", []
        elif name == API:
            module, arguments = "uvicorn", [*SERVER, "--port", str(self.settings.api_port)]
        else:
            module, first = (SKEWED, [str(ahead)]) if ahead else ("celery", [])
            own = ["-A", "worker.main", "worker", "-Q", QUEUES, "-c", "1", "-n", f"{name}@chaos"]
            arguments = [*first, *own, *QUIET]
        values = self.settings.model_dump(mode="json", exclude_none=True) | {"node_name": name, "device": device}
        environment = {f"LACUNA_{key.upper()}": str(value) for key, value in values.items()}
        log = self.settings.data_folder.parent / f"{name}.log"
        self.children[name] = self.nursery.bear(module, arguments, environment=environment, log=log)
        if ahead or device != "cpu":
            self._strange.add(name)

    def restore(self) -> None:
        """End what an earlier row added or changed, start what it left dead."""
        for name in ({*self.children} - {*WORKERS, JANITOR}) | self._strange:
            self.kill(name)
        self._strange.clear()
        self.complete()

    def complete(self) -> None:
        for name in (*WORKERS, JANITOR):
            if name not in self.children or not self.children[name].is_running():
                self.start(name)

    def kill(self, name: str) -> None:
        """A crash of the process and of everything it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.children[name].pid, signal.SIGKILL)
        self.children.pop(name).wait(PATIENCE)
        self._strange.discard(name)

    def terminate(self, name: str) -> psutil.Process:
        child = self.children.pop(name)
        child.terminate()
        return child

    def move(self, settings: Settings) -> "Machines":
        """Others of the same kind, at another place; none of them runs yet."""
        return replace(self, settings=settings, has_own_disk=False, children={}, _strange=set())

    def stop(self) -> None:
        for name in list(self.children):
            self.kill(name)

    def list_family(self, name: str) -> list[psutil.Process]:
        """The process and everything below it, the eldest first."""
        with suppress(psutil.NoSuchProcess):
            parent = psutil.Process(self.children[name].pid)
            return [parent, *parent.children(recursive=True)]
        return []

    def signal_family(self, name: str, number: signal.Signals) -> None:
        for process in self.list_family(name):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def list_boxes(self) -> Iterator[psutil.Process]:
        """What bubblewrap itself is of every sandbox."""
        for name in WORKERS:
            for process in self.list_family(name):
                with suppress(psutil.NoSuchProcess):
                    if process.name() == "bwrap":
                        yield process

    def list_replicas(self) -> Iterator[psutil.Process]:
        """What was forked from the Python in each sandbox."""
        for box in self.list_boxes():
            with suppress(psutil.NoSuchProcess):
                for process in box.children(recursive=True):
                    parent = process.parent()
                    if "python" in process.name() and parent is not None and "python" in parent.name():
                        yield process


def wait_until(is_so: Callable[[], object], what: str, *, seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:.0f} s in vain until {what}")
        time.sleep(LOOK_SECONDS)
