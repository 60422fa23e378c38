"""Read an upload in another process, under limits: whoever asks keeps answering others meanwhile.

A child is started once and reads many uploads, each in a fork of its own (`core.reader.child`); it knows no setting,
no secret and no database. What it answers is believed no more than the upload.
"""

import os
import queue
import subprocess
import sys
import threading
import weakref
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import BinaryIO, cast

from core.domain.errors import ParticipantFault, PlatformFault
from core.domain.faults import FaultCode
from core.domain.intake.report import SubmissionFiles, show
from core.reader.child import Ending
from core.reader.wire import Unreadable, receive, send, unpack

ROOT = Path(__file__).resolve().parents[2]
CHILDREN = 2  # that one process has: more would take the cores that answers need
GRACE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """Of one upload. The dearest honest one takes a tenth of a second and 60 MiB."""

    cpu_seconds: int = 5
    wall_seconds: float = 20.0
    memory_bytes: int = 1 << 30  # of addresses
    answer_bytes: int = 32 << 20


LIMITS = ReadLimits()


def read_apart(filename: str, content: bytes, *, limit_bytes: int, limits: ReadLimits = LIMITS) -> SubmissionFiles:
    """As `read_submission`, elsewhere: whatever the upload does to its reader is a ParticipantFault.

    Raises PlatformFault if no reader can be started.
    """
    pool = _get_pool(os.getpid(), limits)
    child = pool.get()
    try:
        child = child if child.is_alive else _start(limits)
        ending, answer = child.ask(filename, content, limit_bytes)
    finally:
        pool.put(child)
    if ending is not Ending.ANSWERED:
        raise ParticipantFault(FaultCode.TOO_LARGE, _explain(ending, filename, limits))
    try:
        return unpack(answer)
    except Unreadable:
        raise ParticipantFault(FaultCode.TOO_LARGE, _explain(Ending.CRASHED, filename, limits)) from None


class Child:
    """One process that reads for us; it ends with us, as its input does."""

    def __init__(self, limits: ReadLimits) -> None:
        self._limits = limits
        numbers = (limits.cpu_seconds, limits.wall_seconds, limits.memory_bytes, limits.answer_bytes)
        # without site: a start takes a third of the time, and nothing but the library and core can be imported
        argv = [sys.executable, "-S", "-s", "-P", "-m", "core.reader.child", *map(str, numbers)]
        self._process = subprocess.Popen(  # noqa: S603 -- our own arguments
            argv,
            env={"PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            process_group=0,  # and our session: the kernel wakes and ends a frozen one that loses its parent
        )
        weakref.finalize(self, _end, self._process)

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, filename: str, content: bytes, limit_bytes: int) -> tuple[Ending, bytes]:
        to, back = cast(BinaryIO, self._process.stdin), cast(BinaryIO, self._process.stdout)
        late = threading.Event()
        timer = threading.Timer(self._limits.wall_seconds + GRACE_SECONDS, self._kill, [late])
        timer.start()
        try:
            send(to, filename.encode("utf-8", "replace"), content, b"%d" % limit_bytes)
            ending = receive(back, most=len(Ending.ANSWERED) * 2)
            answer = receive(back, most=self._limits.answer_bytes)
        except (OSError, Unreadable):
            ending = answer = None
        finally:
            timer.cancel()
        if ending is None or answer is None:
            self._kill(threading.Event())
            if late.is_set():
                return Ending.TIME, b""
            raise PlatformFault(f"the reader of uploads ended (exit code {self._process.wait()})")
        return Ending(ending.decode()), answer

    def _kill(self, told: threading.Event) -> None:
        told.set()
        self._process.kill()


@cache
def _get_pool(_process: int, limits: ReadLimits) -> "queue.SimpleQueue[Child]":
    """Of this process: what a fork inherited is its parent's."""
    pool: queue.SimpleQueue[Child] = queue.SimpleQueue()
    for _ in range(CHILDREN):
        pool.put(_start(limits))
    return pool


def _start(limits: ReadLimits) -> Child:
    try:
        return Child(limits)
    except OSError as error:
        raise PlatformFault(f"the reader of uploads cannot be started: {error}") from None


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
    process.wait()


def _explain(ending: Ending, filename: str, limits: ReadLimits) -> str:
    name = show(filename)
    return {
        Ending.TIME: f"reading {name} takes more than {limits.cpu_seconds} seconds of a processor",
        Ending.MEMORY: f"reading {name} takes more than {limits.memory_bytes >> 20:,} MiB of memory",
    }.get(ending, f"{name} breaks its reader: it nests too deeply, or is no text at all")
