"""A running sandbox as the supervisor sees it: two streams, a way to end it, and what it said as it died."""

import signal
import subprocess
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import BinaryIO, Protocol

from worker.runner.waiting import Turns, read_turns

ERROR_TAIL_LINES = 20
LINE_BYTES = 2000
ENDING_SECONDS = 5.0  # from the end of a box's output to its own end
KILLED_CODE = 128 + signal.SIGKILL


class Box(Protocol):
    @property
    def stdin(self) -> BinaryIO: ...

    @property
    def stdout(self) -> BinaryIO: ...

    @property
    def writable(self) -> tuple[str, ...]:
        """The folders in the box that a replica can write to, scratch first."""

    def kill(self) -> None:
        """End everything in the box now; may be called again, and from another thread."""

    def close(self) -> None:
        """Kill, wait, and remove what the box left on this machine."""

    def read_errors(self) -> str:
        """The last lines the box's own parent wrote to its error stream."""

    def has_run_out_of_memory(self) -> bool:
        """Whether the kernel ended something in it for want of memory, where that can be known."""

    def forget(self) -> None:
        """Drop what the kernel remembers of the files that a replica looked for, where that can be done for one box."""

    def read_turns(self) -> dict[int, Turns]:
        """What its live threads had of the cores, as far as this host can tell."""

    def was_ended_from_outside(self) -> bool:
        """Whether this host has proof that a box which has ended was ended by nothing inside of it."""


class ProcessBox:
    """A box that is a child process of ours; backends add what it takes to end it for good."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        writable: tuple[str, ...],
        pass_fds: tuple[int, ...] = (),
    ) -> None:
        self.writable = writable
        self._process = subprocess.Popen(  # noqa: S603 -- the argument list is built by us, never by a submission
            list(argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(env),
            pass_fds=pass_fds,
            start_new_session=True,
        )
        self._errors: deque[str] = deque(maxlen=ERROR_TAIL_LINES)
        self._reader = threading.Thread(target=self._drain_errors, daemon=True)
        self._reader.start()

    @property
    def stdin(self) -> BinaryIO:
        return _present(self._process.stdin)

    @property
    def stdout(self) -> BinaryIO:
        return _present(self._process.stdout)

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        self._process.kill()

    def close(self) -> None:
        self.kill()
        self._process.wait()
        self._reader.join(timeout=5)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                with suppress(OSError):  # what was still to be written has no reader
                    stream.close()

    def read_errors(self) -> str:
        self._reader.join(timeout=1)
        return "\n".join(self._errors)

    def has_run_out_of_memory(self) -> bool:
        return False

    def forget(self) -> None:
        """Without a cgroup of the box's own there is nothing to drop it by."""

    def read_turns(self) -> dict[int, Turns]:
        return read_turns(self._process.pid)

    def was_ended_from_outside(self) -> bool:
        """Nothing in a box can signal its client, nor kill the first process of its namespace."""
        code = self.wait_code()
        return code is not None and (code < 0 or code == KILLED_CODE)

    def wait_code(self) -> int | None:
        """How the process ended, None if it has not."""
        try:
            return self._process.wait(timeout=ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            return None

    def _drain_errors(self) -> None:
        stream = _present(self._process.stderr)
        while line := stream.readline(LINE_BYTES):
            self._errors.append(line.decode(errors="replace").rstrip())


def _present(stream: object) -> BinaryIO:
    if stream is None:
        raise ValueError("the box was started without its pipes")
    return stream  # type: ignore[return-value]
