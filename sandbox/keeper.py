"""The keeper of one replica: a fork of the loaded parent that takes an order, watches the replica and answers the host.

What a replica gives back, prints or raises is in this process alone, and this process ends with it. It runs no
participant code; a replica that gets at it all the same takes its own box down, which is held against the replica.
"""

import os
import signal
import traceback
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from sandbox.assignment import Assignment
from sandbox.cage import blur_counters, choose_uid, die_with_parent, harden, wipe
from sandbox.contract import Message, Outcome, Speaker, read_frame, write_frame
from sandbox.meter import Meter
from sandbox.replica import run_replica
from sandbox.watch import Report, Watch

DONE = b"."  # the box may serve another replica


class Keeper:
    """Made in the parent, where it holds nothing of a replica; `keep` is for a fork of it."""

    def __init__(
        self, assignment: Assignment, host_in: BinaryIO, host_out: BinaryIO, meter: Meter, *, alone: bool
    ) -> None:
        self._assignment, self._in, self._out, self._meter, self._alone = assignment, host_in, host_out, meter, alone
        self._writable = [Path(folder) for folder in assignment.setup["writable"]]

    def keep(self, done_fd: int) -> NoReturn:
        """Never returns; DONE is written if an order was carried out, and nothing if the host wants no more."""
        try:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            harden()
            die_with_parent()
            if self._alone:
                blur_counters(self._writable)
            if (order := self._take_order()) is not None:
                self._run(order)
                os.write(done_fd, DONE)
        except BaseException:
            traceback.print_exc()  # the box's last words
        finally:
            os._exit(0)

    def _take_order(self) -> dict[str, Any] | None:
        """The next order to run a replica; a kill is for one that had ended when it was sent."""
        while (frame := read_frame(self._in, speaker=Speaker.HOST, payload_limit=0)) is not None:
            if frame[0]["kind"] is Message.RUN:
                return frame[0]
            if frame[0]["kind"] is Message.STOP:
                return None
        return None

    def _run(self, order: dict[str, Any]) -> None:
        uid = choose_uid(alone=self._alone)
        report = self._watch_child(order, uid)
        clean = wipe(self._writable, uid=uid)
        write_frame(self._out, Message.LOG, report.log)
        write_frame(
            self._out,
            Message.FINISHED,
            report.weights,
            outcome=report.outcome,
            cpu_seconds=report.cpu_seconds,
            metered=report.metered,
            waited_seconds=report.waited_seconds,
            peak_memory_bytes=report.peak_memory_bytes,
            error=report.error if report.outcome is not Outcome.OK else "",
            traceback=report.traceback,
            clean=clean,
        )

    def _watch_child(self, order: dict[str, Any], uid: int | None) -> Report:
        result_read, result_write = os.pipe()
        log_read, log_write = os.pipe()
        before = self._meter.read_others()
        child = os.fork()
        if child == 0:
            run_replica(self._assignment, order, uid=uid, result_fd=result_write, log_fd=log_write)
        os.close(result_write)
        os.close(log_write)
        limits = self._assignment.limits
        watch = Watch(child, result_fd=result_read, log_fd=log_read, limits=limits, alone=self._alone)
        report = watch.follow(
            host_fd=self._in.fileno(),
            is_told_to_kill=self._is_told_to_kill,
            tell=lambda kind: write_frame(self._out, kind),
        )
        after = self._meter.read_others()
        if before is not None and after is not None:
            report.believe_meter(after - before)
        return report

    def _is_told_to_kill(self) -> bool:
        """While a replica runs the host says only `kill`; its silence for ever (end of file) means the same."""
        frame = read_frame(self._in, speaker=Speaker.HOST, payload_limit=0)
        return frame is None or frame[0]["kind"] in (Message.KILL, Message.STOP)
