"""The self-check's submission: it tries the opposite of each promise of the box that it runs in.

It is sent into a box as any entry file is, with what to try in a file beside it, and prints what got through.
"""

import ctypes
import json
import mmap
import os
import random
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

ORDER_FILE = "order.json"
REFUSED = (1, 38)  # not permitted, no such call: how a list of system calls answers
CODE = bytes([0xC3]) * 4096
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.mmap.restype = ctypes.c_void_p
LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
LIBC.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
NO_PAGE = ctypes.c_void_p(-1).value
Order = dict[str, Any]


def unlearning(net: object, retain_loader: object, forget_loader: object, val_loader: object, seed: int) -> None:
    order: Order = json.loads(Path(ORDER_FILE).read_text())
    sys.stdout.write(json.dumps(ACTS[seed](order)) + "\n")


def try_all(order: Order) -> dict[str, str]:
    """What got through of each; then everything is left that the next replica could find."""
    found = {}
    for name, attempt in ATTEMPTS.items():
        try:
            found[name] = "; ".join(attempt(order))
        except Exception as error:
            found[name] = f"it could not be tried: {type(error).__name__}: {error}"
    _leave(order)
    return {**found, "user": str(os.getuid())}


def try_network(order: Order) -> Iterator[str]:
    for family in order["families"]:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
            with suppress(OSError), socket.socket(family, kind):
                yield f"opened a socket of family {family}"
    if order["namespace"] and _read_link("/proc/self/ns/net") == order["namespace"]:
        yield "it is in the network namespace of this machine"
    with suppress(OSError), socket.socket(socket.AF_UNIX) as client:
        client.connect(f"\0{order['token']}")
        yield "reached a socket of this machine"


def try_writing(order: Order) -> Iterator[str]:
    allowed = {*order["writable"], os.getcwd()}
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for place in dict.fromkeys([*mounts, *sys.path, *order["places"]]):
        path = os.path.realpath(place)
        if os.path.isdir(path) and path not in allowed:
            with suppress(OSError):
                os.close(os.open(f"{path}/{order['token']}", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
                yield f"made a file in {path}"
        elif os.path.isfile(path):
            with suppress(OSError):
                os.close(os.open(path, os.O_WRONLY))
                yield f"could write to {path}"


def try_host_files(order: Order) -> Iterator[str]:
    with suppress(OSError):
        if Path(order["marker"]).read_text() == order["token"]:
            yield "read a file of this machine"
    for process in (1, os.getppid()):
        for name in ("environ", "mem", "maps"):
            with suppress(OSError):
                with open(f"/proc/{process}/{name}", "rb") as file:
                    file.read(1)
                yield f"read {name} of process {process}"
        with suppress(OSError):
            os.listdir(f"/proc/{process}/root/")
            yield f"saw the files of process {process}"


def try_host_processes(order: Order) -> Iterator[str]:
    known = {1, os.getpid(), os.getppid()}
    others = _list_processes() - known
    if others:
        yield f"saw {len(others)} other processes"
    if order["victim"] not in known:
        with suppress(OSError):
            os.kill(order["victim"], signal.SIGKILL)


def try_environment(order: Order) -> Iterator[str]:
    if found := sorted(set(os.environ) & set(order["variables"])):
        yield f"has the variables {', '.join(found)}"


def try_system_calls(order: Order) -> Iterator[str]:
    for name, number, first in order["calls"]:
        ctypes.set_errno(0)
        answer = LIBC.syscall(number, first, 0, 0, 0, 0, 0)
        if answer != -1 or ctypes.get_errno() not in REFUSED:
            yield f"{name} reached the kernel"


def try_lists(order: Order) -> Iterator[str]:
    status = _read_status()
    if status.get("Seccomp") != "2":
        yield "no list is in force"
    elif int(status.get("Seccomp_filters", "2")) < 2:
        yield "only one list is in force"


def try_privileges(order: Order) -> Iterator[str]:
    status = _read_status()
    for name in ("CapPrm", "CapEff", "CapAmb"):
        if int(status.get(name, "0"), 16):
            yield f"has capabilities ({name} {status[name]})"
    if status.get("NoNewPrivs", "1") != "1":
        yield "may gain privileges"
    with suppress(OSError):
        os.setuid(0)
        yield "became root"


def try_programs(order: Order) -> Iterator[str]:
    with suppress(OSError):
        os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)
        yield "started a program"
    child = os.fork()
    if child == 0:
        with suppress(OSError):
            os.execve("/bin/true", ["true"], {})  # noqa: S606 -- no shell, and it is meant to fail
        os._exit(1)
    if os.waitpid(child, 0)[1] == 0:
        yield "became a program"


def try_executable_memory(order: Order) -> Iterator[str]:
    if LIBC.mmap(None, len(CODE), 7, 0x22, -1, 0) != NO_PAGE:
        yield "mapped memory to write and execute"
    page = LIBC.mmap(None, len(CODE), 3, 0x22, -1, 0)
    if page != NO_PAGE and LIBC.mprotect(page, len(CODE), 5) == 0:
        yield "made written memory executable"
    with suppress(OSError):
        os.close(os.memfd_create("self-check"))
        yield "made a file in memory"
    with suppress(OSError):
        os.close(os.open("/proc/self/mem", os.O_WRONLY))
        yield "opened its own memory for writing"


def try_executable_files(order: Order) -> Iterator[str]:
    for folder in (os.getcwd(), *order["writable"]):
        path = Path(folder) / f"{order['token']}.code"
        with suppress(OSError):
            path.write_bytes(CODE)
            with path.open("rb") as file, suppress(OSError):
                mmap.mmap(file.fileno(), len(CODE), flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_EXEC)
                yield f"mapped a file of {folder} executable"
            path.unlink()


def try_parent(order: Order) -> Iterator[str]:
    keeper = os.getppid()
    for process in (keeper, 1):
        with suppress(OSError):
            os.kill(process, 0)
            yield f"may signal process {process}"
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, keeper, os.getpriority(os.PRIO_PROCESS, keeper))
        yield "may change its keeper's priority"
    with suppress(OSError):
        os.sched_setaffinity(keeper, os.sched_getaffinity(keeper))
        yield "may move its keeper to other cores"


def look_around(order: Order) -> dict[str, Any]:
    """What the replica before left, and what is heard of the names that it looked up."""
    found = []
    for folder in order["writable"]:
        found += [f"{place}/{each}" for place, _, names in os.walk(folder) for each in names if order["token"] in each]
    if others := _list_processes() - {1, os.getpid(), os.getppid()}:
        found.append(f"{len(others)} processes")
    with suppress(OSError), socket.socket(socket.AF_UNIX) as client:
        client.connect(f"\0{order['token']}-left")
        found.append("a socket that answers")
    bits, names = _list_names(order)
    times = [_look_up(name) for name in names]
    middle = sorted(times)[len(times) // 2]
    wrong = sum(bit != (each < middle) for bit, each in zip(bits, times, strict=True))
    return {"leftovers": "; ".join(found), "user": str(os.getuid()), "wrong": wrong / len(bits)}


def burn(order: Order) -> dict[str, float]:
    """Compute in two orphans at once, whose deaths nobody is told."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    reading, writing = os.pipe()
    begun = time.monotonic()
    for _ in range(2):
        if os.fork() == 0:
            if os.fork() == 0:
                _compute(begun + order["burn_seconds"], writing)
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as stream:
        burnt = sum(float(line) for line in stream)
    return {"burnt": burnt, "elapsed": time.monotonic() - begun}


def fill(order: Order) -> dict[str, str]:
    found = {"file_size": "", "processes": ""}
    piece = b"\1" * (1 << 20)
    with suppress(OSError), open("large", "wb", buffering=0) as file:
        for _ in range((order["scratch_bytes"] >> 20) + 2):
            if file.write(piece) < len(piece):
                break
        else:
            found["file_size"] = "wrote more than scratch may hold"
    Path("large").unlink()
    is_over = threading.Event()
    with suppress(RuntimeError):
        for _ in range(order["processes"] + 16):
            threading.Thread(target=is_over.wait, daemon=True).start()
        found["processes"] = "started more threads than allowed"
    is_over.set()
    return found


def take_memory(order: Order) -> dict[str, str]:
    """Children that hold more than the box may have, though none does alone."""
    share, children = order["memory_bytes"] * 2 // 5, 4
    reading, writing = os.pipe()
    for _ in range(children):
        if os.fork() == 0:
            _hold(share, writing)
    os.close(writing)
    os.set_blocking(reading, False)
    held = 0
    for _ in range(400):
        with suppress(BlockingIOError):
            held += len(os.read(reading, children))
        ended, status = os.waitpid(-1, os.WNOHANG)
        if ended and status:
            return {"memory": ""}
        if held == children:
            return {"memory": "children together held more than the limit"}
        time.sleep(0.02)
    return {"memory": "children neither got their memory nor were ended"}


def oversleep(order: Order) -> dict[str, str]:
    time.sleep(600)
    return {}


def _leave(order: Order) -> None:
    for folder in order["writable"]:
        with suppress(OSError):
            (Path(folder) / f"{order['token']}-left").write_text("left")
    if os.fork() == 0:
        _stay(f"\0{order['token']}-left")
    for bit, name in zip(*_list_names(order), strict=True):
        if bit:
            _look_up(name)


def _compute(deadline: float, writing: int) -> NoReturn:
    start = time.process_time()
    while time.monotonic() < deadline:
        pass
    os.write(writing, f"{time.process_time() - start}\n".encode())
    os._exit(0)


def _hold(share: int, writing: int) -> NoReturn:
    try:
        kept = b"\1" * share
        os.write(writing, kept[:1])
        time.sleep(60)
    finally:
        os._exit(1)


def _stay(name: str) -> NoReturn:
    try:
        os.setsid()
        if os.fork() == 0:
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(name)
                server.listen()
                time.sleep(600)
    finally:
        os._exit(0)


def _list_names(order: Order) -> tuple[list[bool], list[str]]:
    """Bits drawn from the token, and a name that was never looked up for each."""
    bits = [False, True] * 64
    random.Random(order["token"]).shuffle(bits)
    return bits, [f"/usr/lib/{order['token']}-{place}" for place in range(len(bits))]


def _look_up(name: str) -> int:
    begun = time.perf_counter_ns()
    with suppress(OSError):
        os.stat(name)
    return time.perf_counter_ns() - begun


def _list_processes() -> set[int]:
    return {int(name) for name in os.listdir("/proc") if name.isdigit()}


def _read_link(path: str) -> str:
    with suppress(OSError):
        return os.readlink(path)
    return ""


def _read_status() -> dict[str, str]:
    lines = (line.partition(":") for line in Path("/proc/self/status").read_text().splitlines())
    return {name: value.strip() for name, _, value in lines}


ATTEMPTS: dict[str, Callable[[Order], Iterator[str]]] = {
    "network": try_network,
    "writing": try_writing,
    "host_files": try_host_files,
    "host_processes": try_host_processes,
    "environment": try_environment,
    "system_calls": try_system_calls,
    "lists": try_lists,
    "privileges": try_privileges,
    "programs": try_programs,
    "executable_memory": try_executable_memory,
    "executable_files": try_executable_files,
    "parent": try_parent,
}
ACTS: tuple[Callable[[Order], dict[str, Any]], ...] = (try_all, look_around, burn, fill, take_memory, oversleep)
