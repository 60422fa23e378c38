"""The parent inside the sandbox: load once, then fork one replica after another at the host's word.

It never runs participant code, is the first process of its container, and speaks frames on the standard streams it
was started with; its replicas get none of them.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from sandbox.assignment import Assignment, build_network, read_assignment
from sandbox.cage import choose_uid, harden_parent, wipe
from sandbox.contract import Message, Outcome, read_frame, write_frame
from sandbox.meter import Meter, open_meter
from sandbox.replica import run_replica
from sandbox.warmup import warm_up
from sandbox.watch import Report, Watch

ORDER_LIMIT = 1 << 16


class Parent:
    def __init__(self, host_in: BinaryIO, host_out: BinaryIO, meter: Meter) -> None:
        self._in, self._out, self._meter = host_in, host_out, meter

    def serve(self) -> None:
        assignment = read_assignment(self._in)
        build_network(assignment.setup["network"])  # imports the network's code before the first fork
        warm_up(assignment.files)
        self._wipe(assignment, None)
        write_frame(self._out, Message.READY)
        while (frame := read_frame(self._in, payload_limit=ORDER_LIMIT)) is not None:
            kind = frame[0]["kind"]
            if kind is Message.STOP:
                return
            if kind is Message.RUN:
                self._run(assignment, frame[0])

    def _run(self, assignment: Assignment, order: dict[str, Any]) -> None:
        index = order["index"]
        uid = choose_uid(assignment.setup["uid_number"], index)
        report = self._watch_child(assignment, order, uid)
        clean = self._wipe(assignment, uid)
        write_frame(self._out, Message.LOG, report.log, index=index)
        write_frame(
            self._out,
            Message.FINISHED,
            report.weights,
            index=index,
            outcome=report.outcome,
            cpu_seconds=report.cpu_seconds,
            metered=report.metered,
            waited_seconds=report.waited_seconds,
            peak_memory_bytes=report.peak_memory_bytes,
            error=report.error if report.outcome is not Outcome.OK else "",
            traceback=report.traceback,
            clean=clean,
        )

    def _watch_child(self, assignment: Assignment, order: dict[str, Any], uid: int | None) -> Report:
        result_read, result_write = os.pipe()
        log_read, log_write = os.pipe()
        before = self._meter.read_others()
        child = os.fork()
        if child == 0:
            run_replica(assignment, order, uid=uid, result_fd=result_write, log_fd=log_write)
        os.close(result_write)
        os.close(log_write)
        try:
            watch = Watch(child, result_fd=result_read, log_fd=log_read, limits=assignment.limits)
            report = watch.follow(
                host_fd=self._in.fileno(),
                is_told_to_kill=self._is_told_to_kill,
                tell=lambda kind: write_frame(self._out, kind, index=order["index"]),
            )
            after = self._meter.read_others()
            if before is not None and after is not None:
                report.believe_meter(after - before)
            return report
        finally:
            os.close(result_read)
            os.close(log_read)

    def _is_told_to_kill(self) -> bool:
        """While a replica runs the host says only `kill`; its silence for ever (end of file) means the same."""
        frame = read_frame(self._in, payload_limit=ORDER_LIMIT)
        return frame is None or frame[0]["kind"] in (Message.KILL, Message.STOP)

    def _wipe(self, assignment: Assignment, uid: int | None) -> bool:
        return wipe([Path(folder) for folder in assignment.setup["writable"]], uid=uid)


def take_standard_streams() -> tuple[BinaryIO, BinaryIO]:
    """Move the host's streams out of reach: descriptors 0 and 1 lead nowhere from here on."""
    host_in = os.fdopen(os.dup(0), "rb", buffering=0)
    host_out = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.close(nothing)
    return host_in, host_out


def main(arguments: Sequence[str]) -> None:
    sys.dont_write_bytecode = True
    harden_parent()
    meter = open_meter(arguments)
    Parent(*take_standard_streams(), meter).serve()


if __name__ == "__main__":
    main(sys.argv[1:])
