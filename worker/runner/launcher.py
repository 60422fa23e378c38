"""The one process that may use the container engine: it opens boxes for the worker on this machine, and no more.

It listens on a unix socket and has no network. A client sends one JSON line and gets one back:
  {"kind": "check"}                                            answered by {"obstacle": text or null}
  {"kind": "identify"}                                         answered by {"identity": text}, of the image
  {"kind": "start", "label": …, "device": …, "limits": {…}}    answered by {"obstacle": null, "writable": […]}
The second answer carries two descriptors, the box's stdin and stdout, so no byte of a submission passes through here.
After it the client may say {"kind": "kill"} or {"kind": "report"}; either is answered by
{"errors": text, "out_of_memory": bool}. {"kind": "forget"}, after a replica, is answered by {} once the kernel has
dropped what it remembers of it. {"kind": "ending"}, of a box whose output has ended, is answered by
{"ended_from_outside": bool}. A closed connection ends the box. The client chooses no image, no command and
no mount: only limits, which are checked against this machine's.
"""

import json
import os
import re
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, BinaryIO

import structlog

from core.settings import get_settings
from worker.runner.base import Limits
from worker.runner.box import Box
from worker.runner.docker import DockerOptions, DockerSandbox

LINE_LIMIT = 4096
REQUEST_SECONDS = 10.0
LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
DEVICE = re.compile(r"cpu|cuda(:\d{1,2})?")
GIBIBYTE = 1 << 30

log = structlog.get_logger()


class Refused(Exception):
    """The request is not one that the launcher grants; the text is told to the client."""


@dataclass(frozen=True, slots=True)
class Order:
    """All that a client may choose about a box."""

    label: str
    device: str
    limits: Limits


@dataclass(frozen=True, slots=True)
class Engine:
    """What the launcher needs of a container engine."""

    find_obstacle: Callable[[], str | None]
    open_box: Callable[[Order], Box]
    identify: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Ceilings:
    """What one box may be given on this machine, and how many there may be at once."""

    limits: Limits
    boxes: int


def read_ceilings() -> Ceilings:
    limits = Limits(
        wall_seconds=24 * 3600.0,
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        output_bytes=16 * GIBIBYTE,
        log_bytes=GIBIBYTE,
        print_bytes=GIBIBYTE,
        scratch_bytes=16 * GIBIBYTE,
        processes=4096,
    )
    return Ceilings(limits, boxes=2 * (os.cpu_count() or 1))


def parse_order(message: dict[str, Any], ceilings: Ceilings) -> Order:
    """Read a start request, or raise Refused saying which field is at fault."""
    label, device, limits = message.get("label"), message.get("device"), message.get("limits")
    if not isinstance(label, str) or not LABEL.fullmatch(label):
        raise Refused("the label must be 1 to 63 letters, digits, dots, dashes or underscores")
    if not isinstance(device, str) or not DEVICE.fullmatch(device):
        raise Refused("the device must be cpu, cuda or cuda:N")
    if not isinstance(limits, dict) or set(limits) != {field.name for field in fields(Limits)}:
        raise Refused("the limits are incomplete or have unknown names")
    for name, value in limits.items():
        highest = getattr(ceilings.limits, name)
        is_number = type(value) is int or (type(value) is float and name == "wall_seconds")
        if not is_number or not 0 < value <= highest:
            raise Refused(f"the limit {name} must be above 0 and at most {highest}")
    return Order(label=label, device=device, limits=Limits(**limits))


class Launcher:
    """Serves clients until closed, one thread a connection."""

    def __init__(self, path: Path, engine: Engine, ceilings: Ceilings) -> None:
        self._engine = engine
        self._ceilings = ceilings
        self._free = threading.BoundedSemaphore(ceilings.boxes)
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        path.chmod(0o666)  # the folder is shared with the worker alone, which runs as another user
        self._listener.listen(64)

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _answer(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            try:
                connection.settimeout(REQUEST_SECONDS)
                self._serve_request(connection, lines)
            except Refused as refusal:
                log.warning("request refused", reason=str(refusal))
                with suppress(OSError):  # whoever sent that may be gone
                    write_line(connection, obstacle=str(refusal))
            except OSError as error:
                log.info("connection lost", reason=str(error))

    def _serve_request(self, connection: socket.socket, lines: BinaryIO) -> None:
        message = read_line(lines)
        if message is None:
            return  # a health check: connected, and gone
        kind = message.get("kind")
        if kind not in ("check", "identify", "start"):
            raise Refused("the kind must be check, identify or start")
        if kind == "identify":
            write_line(connection, identity=self._engine.identify())
            return
        if kind == "check":
            write_line(connection, obstacle=self._engine.find_obstacle())
            return
        order = parse_order(message, self._ceilings)
        if not self._free.acquire(blocking=False):
            raise Refused(f"{self._ceilings.boxes} boxes are open already, the most this machine takes")
        try:
            _keep_box(connection, lines, self._engine.open_box(order))
        finally:
            self._free.release()


def _keep_box(connection: socket.socket, lines: BinaryIO, box: Box) -> None:
    """Hand the streams over, then serve the box until the client closes the connection."""
    try:
        line = _encode({"obstacle": None, "writable": list(box.writable)})
        socket.send_fds(connection, [line], [box.stdin.fileno(), box.stdout.fileno()])
        connection.settimeout(None)
        while message := read_line(lines):
            if message.get("kind") == "ending":
                write_line(connection, ended_from_outside=box.was_ended_from_outside())
                continue
            if message.get("kind") == "kill":
                box.kill()
            if message.get("kind") == "forget":
                box.forget()
                write_line(connection)
                continue
            write_line(connection, errors=box.read_errors(), out_of_memory=box.has_run_out_of_memory())
    finally:
        box.close()


def read_line(lines: BinaryIO) -> dict[str, Any] | None:
    """Read one JSON object, or None at the end of the connection."""
    line = lines.readline(LINE_LIMIT)
    if not line:
        return None
    try:
        message = json.loads(line)
    except ValueError:
        raise Refused("a request is one line of JSON") from None
    if not isinstance(message, dict):
        raise Refused("a request is a JSON object")
    return message


def write_line(connection: socket.socket, **message: Any) -> None:
    connection.sendall(_encode(message))


def _encode(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode() + b"\n"


def main() -> None:
    settings = get_settings()
    # the host name is this launcher's own, and stays when its container is started again
    owner = f"launcher-{socket.gethostname()}"
    runtime = settings.sandbox_runtime
    sandbox = DockerSandbox(DockerOptions(image=settings.sandbox_image, owner=owner, runtime=runtime))
    sandbox.kill_orphans(tuple)

    def open_box(order: Order) -> Box:
        return sandbox.open_box(label=order.label, limits=order.limits, device=order.device)

    engine = Engine(sandbox.find_obstacle, open_box, sandbox.identify)
    launcher = Launcher(settings.launcher_socket, engine, read_ceilings())
    signal.signal(signal.SIGTERM, lambda *_: launcher.close())
    log.info("launcher listens", socket=str(settings.launcher_socket), image=settings.sandbox_image)
    launcher.serve()


if __name__ == "__main__":
    main()
