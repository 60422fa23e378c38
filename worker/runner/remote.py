"""The sandbox of a worker without an engine: the launcher opens its boxes."""

import json
import os
import socket
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from core.domain.promises import EVERY, Promise
from worker.runner.base import ReplicaResult, RunRequest, RunResult
from worker.runner.supervisor import supervise
from worker.runner.waiting import Turns

ANSWER_SECONDS = 30.0
ANSWER_BYTES = 1 << 16


class LauncherSandbox:
    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def name(self) -> str:
        return "launcher"

    @property
    def promises(self) -> frozenset[Promise]:
        return EVERY

    def identify(self) -> str:
        try:
            with _connect(self._path) as connection:
                return str(_ask(connection, kind="identify")[0]["identity"])
        except (OSError, KeyError):
            return ""

    def find_obstacle(self) -> str | None:
        try:
            with _connect(self._path) as connection:
                obstacle = _ask(connection, kind="check")[0]["obstacle"]
        except OSError as error:
            return f"the launcher does not answer at {self._path}: {error.strerror or error}"
        return None if obstacle is None else str(obstacle)

    def run(self, request: RunRequest, *, on_replica: Callable[[ReplicaResult], bool]) -> RunResult:
        return supervise(
            request, name=self.name, open_box=partial(open_remote_box, self._path, request), on_replica=on_replica
        )

    def kill_orphans(self, find_live: Callable[[], Collection[str]]) -> None:
        """Nothing to do: the launcher ends a box with the connection that asked for it."""


class RemoteBox:
    """A box whose streams are ours and whose life hangs on a connection to the launcher."""

    def __init__(self, connection: socket.socket, descriptors: tuple[int, int], writable: tuple[str, ...]) -> None:
        self.stdin = os.fdopen(descriptors[0], "wb")
        self.stdout = os.fdopen(descriptors[1], "rb")
        self.writable = writable
        self._connection = connection
        self._lock = threading.Lock()

    def kill(self) -> None:
        self._say("kill")

    def close(self) -> None:
        with self._lock:
            self._connection.close()
        for stream in (self.stdin, self.stdout):
            with suppress(OSError):  # what was still to be written has no reader
                stream.close()

    def read_errors(self) -> str:
        return str(self._say("report").get("errors", ""))

    def has_run_out_of_memory(self) -> bool:
        return bool(self._say("report").get("out_of_memory", False))

    def forget(self) -> None:
        self._say("forget")

    def read_turns(self) -> dict[int, Turns]:
        """An engine's box is no child of anybody here, so nothing is known."""
        return {}

    def was_ended_from_outside(self) -> bool:
        return bool(self._say("ending").get("ended_from_outside", True))  # no answer: the launcher itself is gone

    def _say(self, kind: str) -> dict[str, Any]:
        with self._lock:
            try:
                return _ask(self._connection, kind=kind)[0]
            except (OSError, ValueError):
                return {}  # without its launcher a box is gone, and there is nobody to ask


def open_remote_box(path: Path, request: RunRequest) -> RemoteBox:
    """Have a box opened within the request's limits; raises OSError with the launcher's reason if it will not."""
    connection = _connect(path)
    try:
        answer, descriptors = _ask(
            connection, kind="start", label=request.label, device=request.device, limits=asdict(request.limits)
        )
        if answer["obstacle"] is not None:
            raise OSError(f"the launcher refused: {answer['obstacle']}")
        stdin, stdout = descriptors
    except BaseException:
        connection.close()
        raise
    return RemoteBox(connection, (stdin, stdout), tuple(answer["writable"]))


def _connect(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(ANSWER_SECONDS)
    try:
        connection.connect(str(path))
    except BaseException:
        connection.close()
        raise
    return connection


def _ask(connection: socket.socket, **message: Any) -> tuple[dict[str, Any], list[int]]:
    connection.sendall(json.dumps(message).encode() + b"\n")
    line, descriptors, _, _ = socket.recv_fds(connection, ANSWER_BYTES, 2)
    while line and not line.endswith(b"\n"):
        part = connection.recv(ANSWER_BYTES)
        if not part:
            break
        line += part
    try:
        answer = json.loads(line)
    except ValueError:
        raise OSError("the launcher closed the connection") from None
    return answer, descriptors
