"""The whole platform on one machine: embedded broker, worker, janitor and API as child processes of this one."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict, deque
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType

import httpx2
from filelock import FileLock, Timeout

from cli.here.broker import EmbeddedBroker
from core.broker import check_broker
from core.db.migrate import upgrade_database
from core.db.session import get_engine, transaction
from core.domain.errors import PlatformFault
from core.jobs import celery_app
from core.problems import ProblemSpec
from core.registration import register_competition
from core.settings import Settings

START_SECONDS = 60.0
STOP_SECONDS = 15.0
DEATHS_FORGIVEN = 5  # of one process within
DEATHS_SECONDS = 3600.0
SOCKET_PATH_LIMIT = 100  # the kernel's is 108 with the terminator
QUEUES = "scores,shards,pools"


class LocalPlatform:
    """Start in `__enter__`, stop in `__exit__`; children die with this process even if it is killed."""

    def __init__(self, settings: Settings, problems: list[ProblemSpec]) -> None:
        self.settings = settings
        self.url = f"http://{settings.api_host}:{settings.api_port}"
        self._problems = problems
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._environment: dict[str, str] = {}
        self._deaths: defaultdict[str, deque[float]] = defaultdict(deque)
        self._broker: EmbeddedBroker | None = None  # None: another one was named
        self._is_ready = False
        self._stack = ExitStack()

    def __enter__(self) -> "LocalPlatform":
        with ExitStack() as stack:
            self._stack = stack
            if self.settings.broker_url:
                check_broker(self.settings.broker_url)
            self._lock_folder()
            check_port(self.settings.api_host, self.settings.api_port)
            upgrade_database(self.settings.resolved_database_url)
            self._environment = self._start_broker()
            celery_app.conf.update(broker_url=self._environment["LACUNA_BROKER_URL"])  # for what this process sends
            stack.callback(self._stop_children)
            self._start_children()
            with transaction(get_engine(self.settings.resolved_database_url)) as session:
                for problem in self._problems:
                    register_competition(session, problem)
            self._wait_until_ready()
            self._is_ready = True
            self._stack = stack.pop_all()
        return self

    def _start_children(self) -> None:
        settings = self.settings
        worker = ["-m", "celery", "-A", "worker.main", "worker", "-Q", QUEUES, "-c", str(settings.workers)]
        quiet = ["-l", "WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat"]
        server = ["-m", "uvicorn", "--factory", "api.main:app_factory", "--no-access-log", "--log-level", "warning"]
        server += ["--timeout-graceful-shutdown", "2"]  # open event streams would hold it up
        where = ["--host", settings.api_host, "--port", str(settings.api_port)]
        self._start("worker", [sys.executable, *worker, *quiet])
        self._start("janitor", [sys.executable, "-m", "worker.janitor"])
        self._start("api", [sys.executable, *server, *where])

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._stack.close()

    def check(self) -> list[str]:
        """Start again what died and name it; raise a readable fault when one keeps dying."""
        started = []
        if self._broker is not None and not self._broker.is_running():
            self._count_death("broker", f"see {self.settings.data_folder / 'broker'}")
            self._broker.restart()
            started.append("broker")
        for name, child in self._children.items():
            if child.poll() is None:
                continue
            self._count_death(name, f"exit {child.returncode}: {self._tail(name)}")
            self._start(name, list(map(str, child.args)))  # type: ignore[arg-type]
            started.append(name)
        return started

    def _count_death(self, name: str, reason: str) -> None:
        now, deaths = time.monotonic(), self._deaths[name]
        deaths.append(now)
        while deaths[0] < now - DEATHS_SECONDS:
            deaths.popleft()
        if len(deaths) > DEATHS_FORGIVEN or not self._is_ready:
            raise PlatformFault(f"the {name} process ended ({reason})")

    @property
    def broker_url(self) -> str:
        return self._environment["LACUNA_BROKER_URL"]

    @property
    def processes(self) -> dict[str, int]:
        """The children's numbers, by name; each leads a group of its own."""
        return {name: child.pid for name, child in self._children.items()}

    def kill(self, name: str) -> None:
        """Kill a child and everything it started, as a crash would; `check` brings it back."""
        os.killpg(self._children[name].pid, signal.SIGKILL)
        self._children[name].wait()

    def _lock_folder(self) -> None:
        folder = self.settings.data_folder
        try:
            (folder / "logs").mkdir(parents=True, exist_ok=True)
            lock = FileLock(folder / "platform.lock")
            lock.acquire(timeout=0)
        except Timeout:
            raise PlatformFault(f"another `lacuna up` already uses {folder}") from None
        except OSError as error:
            raise PlatformFault(f"cannot write to {folder}: {error.strerror}; set LACUNA_DATA_FOLDER") from None
        self._stack.callback(lock.release)

    def _start_broker(self) -> dict[str, str]:
        """Start the embedded broker unless another was named; return the children's environment."""
        settings = self.settings
        broker_url = settings.broker_url
        if not broker_url:
            path = settings.broker_socket.resolve()
            if len(str(path)) > SOCKET_PATH_LIMIT:
                folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="lacuna-"))
                path = Path(folder) / "broker.sock"
            self._broker = EmbeddedBroker(path, settings.data_folder / "broker")
            self._broker.start()
            self._stack.callback(self._broker.stop)
            broker_url = self._broker.url
        values = settings.model_dump(mode="json", exclude_none=True) | {
            "broker_url": broker_url,
            "data_folder": str(settings.data_folder.resolve()),
            "database_url": settings.resolved_database_url,
        }
        return {f"LACUNA_{name.upper()}": str(value) for name, value in values.items()}

    def _start(self, name: str, argv: list[str]) -> None:
        with open(self._log_path(name), "ab") as log:
            self._children[name] = subprocess.Popen(  # noqa: S603  (our own argv)
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=Path(__file__).resolve().parents[2],
                env={**os.environ, "OMP_NUM_THREADS": "1", **self._environment},
                start_new_session=True,  # Ctrl-C reaches us, and we stop them in order
                preexec_fn=_die_with_parent,
            )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            self.check()
            with suppress(httpx2.HTTPError):
                if httpx2.get(f"{self.url}/healthz", timeout=2.0).status_code == httpx2.codes.OK:
                    return
            time.sleep(0.1)
        raise PlatformFault(f"the API did not answer at {self.url} within {START_SECONDS:.0f} s: {self._tail('api')}")

    def _stop_children(self) -> None:
        for child in reversed(self._children.values()):
            if child.poll() is None:
                child.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for child in self._children.values():
            try:
                child.wait(max(deadline - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                with suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
                child.wait()

    def _log_path(self, name: str) -> Path:
        return self.settings.data_folder / "logs" / f"{name}.log"

    def _tail(self, name: str) -> str:
        path = self._log_path(name)
        lines = path.read_text(errors="replace").strip().splitlines()
        return f"{lines[-1] if lines else 'it printed nothing'} (whole log: {path})"


def check_port(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PlatformFault(
                f"cannot listen on {host}:{port}: {error.strerror}; choose another with --port"
            ) from None


def end_on_sigterm() -> None:
    """Let `kill`, as a service manager sends it, end a platform as Ctrl-C does: children first, then the broker."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
