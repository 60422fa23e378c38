"""The launcher opens boxes within checked limits for the client, and leaves none behind one that went."""

import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from core.problem_parts import BatchFormat
from worker.runner.base import Limits, NetworkRef, RunRequest
from worker.runner.box import ProcessBox
from worker.runner.launcher import Engine, Launcher, Order, Refused, parse_order, read_ceilings
from worker.runner.remote import LauncherSandbox, open_remote_box

LIMITS = Limits(
    wall_seconds=5.0,
    memory_bytes=1 << 28,
    output_bytes=1 << 20,
    log_bytes=1 << 16,
    print_bytes=1 << 20,
    scratch_bytes=1 << 20,
    processes=16,
)
REQUEST = RunRequest(
    label="shard-1",
    network=NetworkRef("digits", {}, num_classes=10, input_shape=(64,)),
    batch_format=next(iter(BatchFormat)),
    batch_size=8,
    files={},
    splits=b"",
    originals=(),
    orders=(),
    limits=LIMITS,
)
ECHO = "import sys\nfor line in sys.stdin.buffer:\n sys.stdout.buffer.write(line.upper())\n sys.stdout.flush()"
COMPLAIN = "import sys, time; print('cannot start', file=sys.stderr, flush=True); time.sleep(60)"


class CountingBox(ProcessBox):
    """An ordinary process in place of a container, which says when it was closed."""

    def __init__(self, code: str) -> None:
        super().__init__([sys.executable, "-c", code], env={}, writable=("/tmp", "/dev/shm"))
        self.closed = threading.Event()
        self.forgotten = 0

    def close(self) -> None:
        super().close()
        self.closed.set()

    def forget(self) -> None:
        self.forgotten += 1

    def has_run_out_of_memory(self) -> bool:
        return self._process.poll() is not None


class FakeEngine:
    def __init__(self) -> None:
        self.code = ECHO
        self.obstacle: str | None = None
        self.orders: list[Order] = []
        self.boxes: list[CountingBox] = []

    def open_box(self, order: Order) -> CountingBox:
        self.orders.append(order)
        self.boxes.append(CountingBox(self.code))
        return self.boxes[-1]


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def path(tmp_path: Path, engine: FakeEngine) -> Iterator[Path]:
    """A launcher's socket, with room for one box."""
    socket_path = tmp_path / "launcher.sock"
    served = Engine(find_obstacle=lambda: engine.obstacle, open_box=engine.open_box, identify=lambda: "sha256:1")
    launcher = Launcher(socket_path, served, replace(read_ceilings(), boxes=1))
    threading.Thread(target=launcher.serve, daemon=True).start()
    yield socket_path
    launcher.close()


def start_message(**changes: Any) -> dict[str, Any]:
    return {"kind": "start", "label": "shard-1", "device": "cpu", "limits": asdict(LIMITS)} | changes


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)


def test_the_sandbox_tells_the_engines_obstacle(path: Path, engine: FakeEngine) -> None:
    engine.obstacle = "no engine answers"
    assert LauncherSandbox(path).find_obstacle() == "no engine answers"


def test_the_sandbox_has_no_obstacle_where_the_engine_has_none(path: Path) -> None:
    assert LauncherSandbox(path).find_obstacle() is None


def test_a_missing_launcher_is_an_obstacle_that_names_its_socket(tmp_path: Path) -> None:
    assert str(tmp_path / "none.sock") in (LauncherSandbox(tmp_path / "none.sock").find_obstacle() or "")


def test_a_boxs_streams_reach_its_process(path: Path, engine: FakeEngine) -> None:
    box = open_remote_box(path, REQUEST)
    box.stdin.write(b"hello\n")
    box.stdin.flush()
    assert box.stdout.readline() == b"HELLO\n"
    assert engine.orders == [Order("shard-1", "cpu", LIMITS)]
    assert box.writable == ("/tmp", "/dev/shm")
    box.close()


def test_a_killed_box_ends_its_output_and_tells_why(path: Path, engine: FakeEngine) -> None:
    engine.code = COMPLAIN
    box = open_remote_box(path, REQUEST)
    wait_until(lambda: box.read_errors() != "")
    assert box.has_run_out_of_memory() is False
    box.kill()
    assert box.stdout.read() == b""
    assert box.read_errors() == "cannot start"
    wait_until(box.has_run_out_of_memory)
    assert box.has_run_out_of_memory() is True
    box.close()


@pytest.mark.parametrize(
    ("code", "outside"),
    [("pass", False), ("import os; os.kill(os.getpid(), 9)", True), ("raise SystemExit(137)", True)],
)
def test_a_box_tells_whether_it_was_ended_from_outside(
    path: Path, engine: FakeEngine, code: str, outside: bool
) -> None:
    engine.code = code
    box = open_remote_box(path, REQUEST)
    assert box.stdout.read() == b""
    assert box.was_ended_from_outside() is outside
    box.close()


def test_a_box_forgets_through_its_launcher(path: Path, engine: FakeEngine) -> None:
    box = open_remote_box(path, REQUEST)
    box.forget()
    box.forget()
    assert engine.boxes[0].forgotten == 2
    box.close()


def test_the_launcher_says_what_its_boxes_are_made_of(path: Path, tmp_path: Path) -> None:
    assert LauncherSandbox(path).identify() == "sha256:1"
    assert LauncherSandbox(tmp_path / "none.sock").identify() == ""


def test_a_launcher_that_is_gone_is_the_platforms_trouble(path: Path, engine: FakeEngine) -> None:
    box = open_remote_box(path, REQUEST)
    box.close()
    assert box.was_ended_from_outside()


def test_a_client_that_goes_takes_its_box_with_it(path: Path, engine: FakeEngine) -> None:
    box = open_remote_box(path, REQUEST)
    box.close()
    assert engine.boxes[0].closed.wait(5)


def test_a_box_beyond_the_machines_limit_is_refused_and_a_closed_one_makes_room(path: Path, engine: FakeEngine) -> None:
    first = open_remote_box(path, REQUEST)
    with pytest.raises(OSError, match="the most this machine takes"):
        open_remote_box(path, REQUEST)
    first.close()
    assert engine.boxes[0].closed.wait(5)
    time.sleep(0.1)
    open_remote_box(path, REQUEST).close()
    assert len(engine.boxes) == 2


@pytest.mark.parametrize("line", [b"not json\n", b"[]\n", b'{"kind": "exec"}\n', b"x" * 5000 + b"\n", b"\n"])
def test_anything_but_a_request_is_refused(path: Path, engine: FakeEngine, line: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(path))
        client.sendall(line)
        assert json.loads(client.recv(4096))["obstacle"]
    assert engine.orders == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"label": "--privileged"}, "label"),
        ({"label": "a b"}, "label"),
        ({"label": None}, "label"),
        ({"device": "/dev/sda"}, "device"),
        ({"limits": {}}, "incomplete"),
        ({"limits": asdict(LIMITS) | {"mount": "/"}}, "unknown names"),
        ({"limits": asdict(LIMITS) | {"memory_bytes": 1 << 60}}, "memory_bytes"),
        ({"limits": asdict(LIMITS) | {"processes": "16 --privileged"}}, "processes"),
        ({"limits": asdict(LIMITS) | {"processes": True}}, "processes"),
        ({"limits": asdict(LIMITS) | {"memory_bytes": -1}}, "memory_bytes"),
        ({"limits": asdict(LIMITS) | {"scratch_bytes": 0.5}}, "scratch_bytes"),
        ({"limits": asdict(LIMITS) | {"wall_seconds": float("nan")}}, "wall_seconds"),
    ],
)
def test_an_order_outside_the_rules_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        parse_order(start_message(**changes), read_ceilings())
