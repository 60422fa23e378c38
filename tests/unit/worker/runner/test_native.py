"""The second list, installed in a child of this process, which then tries what it refuses."""

import base64
import ctypes
import json
import mmap
import os
import signal
from collections.abc import Callable

import pytest
import torch

from sandbox.lock import lock
from worker.runner.native import build_native_lock

READ, WRITE, EXECUTE = 1, 2, 4
PRIVATE, SHARED, ANONYMOUS = 2, 1, 0x20
PAGE = mmap.PAGESIZE
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.mmap.restype = ctypes.c_void_p
LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_long, ctypes.c_long, ctypes.c_int, ctypes.c_long]
LIBC.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_long]
LIBC.prctl.argtypes = [ctypes.c_long] * 5
FAILED = ctypes.c_void_p(-1).value


def run_locked(act: Callable[[], object]) -> object:
    """What `act` gives in a forked child that has installed the list."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        try:
            lock(base64.b64encode(build_native_lock()).decode())
            answer = act()
        except BaseException as error:
            answer = repr(error)
        os.write(writer, json.dumps(answer).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        text = stream.read()
    os.waitpid(child, 0)
    return json.loads(text)


def map_memory(protection: int, flags: int, descriptor: int = -1) -> int:
    """0, or the error."""
    return ctypes.get_errno() if LIBC.mmap(None, PAGE, protection, flags, descriptor, 0) == FAILED else 0


def protect_fresh(protection: int) -> int:
    page = LIBC.mmap(None, PAGE, READ | WRITE, PRIVATE | ANONYMOUS, -1, 0)
    return ctypes.get_errno() if LIBC.mprotect(page, PAGE, protection) else 0


def open_zero() -> int:
    return os.open("/dev/zero", os.O_RDWR)


@pytest.mark.parametrize(
    "attempt",
    [
        lambda: map_memory(READ | WRITE | EXECUTE, PRIVATE | ANONYMOUS),
        lambda: map_memory(READ | EXECUTE, PRIVATE | ANONYMOUS),
        lambda: map_memory(EXECUTE | 1 << 40, PRIVATE | ANONYMOUS),
        lambda: map_memory(READ | EXECUTE, SHARED, open_zero()),
        lambda: map_memory(READ | EXECUTE, 3, open_zero()),  # MAP_SHARED_VALIDATE
        lambda: map_memory(READ | WRITE | EXECUTE, PRIVATE, open_zero()),
        lambda: protect_fresh(READ | EXECUTE),
        lambda: protect_fresh(EXECUTE),
        lambda: ctypes.get_errno() if LIBC.prctl(4, 1, 0, 0, 0) else 0,
        lambda: ctypes.get_errno() if LIBC.prctl(4 | 1 << 32, 1, 0, 0, 0) else 0,
    ],
)
def test_memory_gains_no_right_to_be_executed(attempt: Callable[[], int]) -> None:
    assert run_locked(attempt) == 1


def test_no_other_program_runs() -> None:
    answer = run_locked(lambda: os.execv("/bin/true", ["true"]))
    assert "PermissionError" in str(answer)


def test_no_file_is_made_in_memory() -> None:
    assert "PermissionError" in str(run_locked(lambda: os.memfd_create("m")))


def test_libraries_of_the_image_still_load() -> None:
    assert run_locked(lambda: map_memory(READ | EXECUTE, PRIVATE, os.open(os.__file__, os.O_RDONLY))) == 0
    assert run_locked(lambda: [protect_fresh(READ), protect_fresh(READ | WRITE)]) == [0, 0]


def test_networks_of_every_kind_train_without_code_made_on_the_fly() -> None:
    def train() -> list[float]:
        image = torch.nn.Sequential(
            *(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.MaxPool2d(2)),
            *(torch.nn.Flatten(), torch.nn.Linear(36, 2)),
        )
        losses = [image(torch.ones(2, 3, 8, 8)).sum()]
        losses.append(torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)(torch.ones(2, 3, 8)).sum())
        losses.append(torch.nn.LSTM(4, 4)(torch.ones(3, 2, 4))[0].sum())
        with torch.autocast("cpu"):
            losses.append(torch.nn.Conv1d(2, 2, 3)(torch.ones(2, 2, 8)).float().sum())
        for loss in losses:
            loss.backward()
        return [float(loss.detach()) for loss in losses]

    answer = run_locked(train)
    assert isinstance(answer, list), answer
    assert len(answer) == 4


def test_a_list_that_the_kernel_does_not_take_is_an_error() -> None:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            lock(base64.b64encode(b"\xff" * 16).decode())
        except OSError as error:
            os.write(writer, str(error).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        assert b"native code cannot be refused" in stream.read()
    os.waitpid(child, 0)
