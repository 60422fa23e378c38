"""The keeper's view of one running replica: it reads pipes, obeys the host, and believes nothing but a whole frame."""

import os
import select
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.cage import kill_everything
from sandbox.contract import FrameBuffer, FrameError, Message, Outcome, PayloadTooLarge, Speaker

PROCESSES = Path("/proc")
PIECE = 1 << 20
TICK_MS = 50
NO_RESULT = "what came back is no result"


@dataclass(slots=True)
class Report:
    """What the keeper tells the host about a replica that is over and dead."""

    outcome: Outcome = Outcome.OUTPUT_MISSING
    error: str = "the code left the process without giving back a network"
    traceback: str = ""
    weights: bytes = b""
    log: bytes = b""
    cpu_seconds: float = 0.0
    metered: bool = False  # by the box's cgroup; otherwise of the child and of whatever was waited for
    peak_memory_bytes: int = 0
    started_cpu: float = 0.0  # that the child had used before any participant code ran
    waited_seconds: float | None = None  # for a core while its code ran; None where the kernel does not tell

    def believe_meter(self, seconds: float) -> None:
        """Take what all of the box used since before the fork, its parent aside, for what the replica used."""
        self.cpu_seconds, self.metered = max(0.0, seconds - self.started_cpu), True


class Watch:
    """Follows one child from fork to its end; `orders` tells whether the host wants it dead."""

    def __init__(self, child: int, *, result_fd: int, log_fd: int, limits: Mapping[str, Any], alone: bool) -> None:
        self._child, self._result_fd, self._log_fd, self._limits = child, result_fd, log_fd, limits
        self._alone = alone
        self._buffer = FrameBuffer(speaker=Speaker.REPLICA, payload_limit=limits["output_bytes"])
        self._report = Report()
        self._started_cpu: float | None = None
        self._started_waiting: float | None = None
        self._printed = 0
        self._over = False

    def follow(self, *, host_fd: int, is_told_to_kill: Callable[[], bool], tell: Callable[[Message], None]) -> Report:
        os.set_blocking(self._result_fd, False)
        os.set_blocking(self._log_fd, False)
        poll = select.poll()
        for fd in (host_fd, self._result_fd, self._log_fd):
            poll.register(fd, select.POLLIN)
        while not self._over:
            ready = [fd for fd, _ in poll.poll(TICK_MS)]
            if host_fd in ready and is_told_to_kill():
                self._fault(Outcome.TIME_LIMIT, "stopped by the clock outside")
                break
            ended = self._has_ended()
            self._read_log(poll)
            self._read_results(poll, tell)
            if ended and not self._over:
                break
        if self._started_cpu is not None:
            tell(Message.RETURNED)  # what it gave back is fixed now; to end its processes is not its own time
        return self._close()

    def _close(self) -> Report:
        waiting = read_waiting(self._child)
        if waiting is not None and self._started_waiting is not None:
            self._report.waited_seconds = max(0.0, waiting - self._started_waiting)
        status, cpu_seconds, peak = kill_everything(self._child, alone=self._alone)
        self._read_log(None)
        report = self._report
        if self._started_cpu is None and not self._over:
            self._fault(Outcome.SANDBOX_FAILED, f"the replica ended before it started (status {status})")
        elif not self._over and os.WIFSIGNALED(status):
            self._explain_signal(os.WTERMSIG(status))
        report.started_cpu = self._started_cpu or 0.0
        report.cpu_seconds = max(0.0, cpu_seconds - report.started_cpu)
        report.peak_memory_bytes = peak
        return report

    def _explain_signal(self, number: int) -> None:
        if number == signal.SIGKILL:  # nobody here sent it: the kernel out of memory, this machine, or the replica
            self._fault(Outcome.KILLED, "the replica was killed")
        else:
            self._fault(Outcome.EXCEPTION, f"the replica died of {signal.Signals(number).name}")

    def _has_ended(self) -> bool:
        ended = os.waitid(os.P_PID, self._child, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        return ended is not None

    def _fault(self, outcome: Outcome, error: str) -> None:
        self._report.outcome, self._report.error, self._report.weights = outcome, error, b""
        self._over = True

    def _read_log(self, poll: "select.poll | None") -> None:
        while (piece := self._read(self._log_fd, poll)) is not None:
            self._printed += len(piece)
            room = self._limits["log_bytes"] - len(self._report.log)
            self._report.log += piece[: max(0, room)]
            if self._printed > self._limits["print_bytes"]:
                self._fault(Outcome.OUTPUT_LIMIT, f"printed more than {self._limits['print_bytes']} bytes")
                return

    def _read_results(self, poll: select.poll, tell: Callable[[Message], None]) -> None:
        while not self._over and (piece := self._read(self._result_fd, poll)) is not None:
            self._buffer.feed(piece)
            try:
                while not self._over and (frame := self._buffer.pop()) is not None:
                    self._take(*frame, tell)
            except PayloadTooLarge:
                self._fault(Outcome.OUTPUT_LIMIT, "the result is larger than the network may be")
            except FrameError:
                self._fault(Outcome.OUTPUT_MISSING, NO_RESULT)

    def _take(self, header: Mapping[str, Any], payload: bytes, tell: Callable[[Message], None]) -> None:
        if self._started_cpu is None and header["kind"] is Message.STARTED:
            self._started_cpu = header["cpu_seconds"]
            self._started_waiting = read_waiting(self._child)
            tell(Message.STARTED)
        elif header["kind"] is Message.FINISHED:
            self._finish(header, payload)
        else:
            self._fault(Outcome.OUTPUT_MISSING, NO_RESULT)

    def _finish(self, header: Mapping[str, Any], payload: bytes) -> None:
        outcome = header["outcome"]
        if outcome in (Outcome.SANDBOX_FAILED, Outcome.KILLED) and self._started_cpu is not None:
            outcome = Outcome.OUTPUT_MISSING  # a replica cannot blame the platform once its code runs
        report = self._report
        report.outcome, report.weights = outcome, payload if outcome is Outcome.OK else b""
        report.error, report.traceback = header["error"], header["traceback"]
        if outcome is Outcome.OUTPUT_MISSING and not report.error:
            report.error = NO_RESULT
        self._over = True

    @staticmethod
    def _read(fd: int, poll: "select.poll | None") -> bytes | None:
        """One piece of what is there, None if nothing is; a pipe at its end is no longer polled."""
        try:
            piece = os.read(fd, PIECE)
        except BlockingIOError:
            return None
        if not piece and poll is not None:
            with suppress(KeyError):
                poll.unregister(fd)
        return piece or None


def read_waiting(pid: int, processes: Path = PROCESSES) -> float | None:
    """Seconds that the first thread of a process was ready to run and had no core; None without `schedstat`."""
    try:
        return int((processes / str(pid) / "schedstat").read_text().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return None
