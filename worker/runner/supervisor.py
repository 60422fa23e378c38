"""Drive one box after another through the orders of a request; holds the clock and every limit from outside."""

import base64
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

from core.domain.runtime import CpuClock
from sandbox.contract import ENTRY_FILE, FrameError, Message, Outcome, Role, Speaker, read_frame, write_frame
from worker.runner.base import ReplicaOrder, ReplicaResult, RunRequest, RunResult
from worker.runner.box import Box
from worker.runner.native import build_native_lock
from worker.runner.text import clean_line, clean_text
from worker.runner.waiting import count_waiting

STARTUP_SECONDS = 180.0
START_SECONDS = 60.0  # from an order to `started`: fork, network, loaders
KILL_SECONDS = 5.0  # how long the parent in the box may take over a kill
TRIES = 3  # of a replica that ends without a result, each in a box of its own, before that is held against its code
LOST_BOXES = 3  # boxes in a row, without a result between, that the platform may lose before the shard is given up
FINISH_SECONDS = 30.0
MOST_WAITING = (
    4.0  # limits that a replica lives at most, however long it waits: threads of its own make each other wait
)
LEAST_WAITING = 0.05  # seconds more that are worth another look
TIME_ERROR = "ran past the wall-clock limit"
MEMORY_ERROR = "the sandbox ran out of memory"
KILLED_ERROR = f"killed {TRIES} times by SIGKILL, with memory left: the code kills its own process"
DOWN_ERROR = f"its sandbox ended {TRIES} times while it ran: the code takes it down"


class BoxLost(Exception):
    """The box ended or stopped answering, before participant code ran or by what this host saw: nobody is to blame."""


class CodeSuspected(Exception):
    """While participant code ran it or its box was killed, and nothing shows that this came from outside.

    The text is what is said of it once it has happened in as many boxes as a replica may try.
    """


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A frame and the host's clock when it came; no frame means the stream is over."""

    seconds: float
    header: dict[str, Any] | None
    payload: bytes


@dataclass(frozen=True, slots=True)
class _Ending:
    """A replica's last frame, its printed text, and when its result was fixed."""

    header: dict[str, Any]
    payload: bytes
    log: bytes
    seconds: float


class Conversation:
    """The frames to and from one box, each wait with a deadline."""

    def __init__(self, box: Box, request: RunRequest) -> None:
        self._box, self._request = box, request
        self._arrivals: queue.Queue[_Arrival] = queue.Queue(maxsize=4)
        self._closed = threading.Event()
        self._reader = threading.Thread(target=self._read, args=(box.stdout,), daemon=True)
        self._reader.start()

    def set_up(self, *, writable: tuple[str, ...]) -> None:
        """Send the request; a box that does not read it in time is ended, which unblocks the write."""
        watchdog = threading.Timer(STARTUP_SECONDS, self._box.kill)
        watchdog.daemon = True
        watchdog.start()
        try:
            self._send_request(writable)
            self.expect(Message.READY, STARTUP_SECONDS)
        finally:
            watchdog.cancel()

    def send(self, kind: Message, payload: bytes = b"", **fields: Any) -> None:
        try:
            write_frame(self._box.stdin, kind, payload, **fields)
        except OSError as error:
            raise BoxLost(f"the sandbox stopped listening ({error.strerror}): {self._last_words()}") from None

    def expect(self, kind: Message, seconds: float) -> float:
        """Wait for a frame without content; gives the host's clock at its arrival."""
        arrival = self._take(seconds)
        if arrival is None:
            raise BoxLost(f"the sandbox did not say {kind} within {seconds:.0f} s")
        if arrival.header is None:
            raise BoxLost(f"the sandbox ended before it said {kind}: {self._last_words()}")
        if arrival.header["kind"] is not kind:
            ending = self.wait_finished(KILL_SECONDS)
            raise BoxLost(str(ending.header.get("error", "")) if ending else f"the sandbox never said {kind}")
        return arrival.seconds

    def wait_finished(self, seconds: float) -> _Ending | None:
        """How the replica ended, or None if the time is up."""
        deadline = time.monotonic() + seconds
        log, returned = b"", None
        while (arrival := self._take(deadline - time.monotonic())) is not None:
            if arrival.header is None:
                raise BoxLost("the sandbox ended while a replica ran")
            kind = arrival.header["kind"]
            if kind is Message.FINISHED:
                return _Ending(arrival.header, arrival.payload, log, returned or arrival.seconds)
            if kind is Message.RETURNED:
                returned = arrival.seconds
            elif kind is Message.LOG:
                log = arrival.payload
            else:
                raise BoxLost(f"the sandbox said {kind} out of turn")
        return None

    def close(self) -> None:
        self._closed.set()
        self._box.close()
        self._reader.join(timeout=FINISH_SECONDS)

    def _last_words(self) -> str:
        return clean_line(self._box.read_errors().rpartition("\n")[2]) or "it said nothing"

    def _take(self, seconds: float) -> _Arrival | None:
        try:
            return self._arrivals.get(timeout=max(0.0, seconds))
        except queue.Empty:
            return None

    def _read(self, stream: BinaryIO) -> None:
        limits = self._request.limits
        payload_limit = max(limits.output_bytes, limits.log_bytes)
        while not self._closed.is_set():
            try:
                frame = read_frame(stream, speaker=Speaker.GUEST, payload_limit=payload_limit)
            except (FrameError, OSError, ValueError):
                frame = None
            header, payload = frame if frame is not None else (None, b"")
            self._put(_Arrival(time.monotonic(), header, payload))
            if header is None:
                return

    def _put(self, arrival: _Arrival) -> None:
        while not self._closed.is_set():
            with suppress(queue.Full):
                self._arrivals.put(arrival, timeout=0.5)
                return

    def _send_request(self, writable: tuple[str, ...]) -> None:
        request, limits = self._request, self._request.limits
        self.send(
            Message.SETUP,
            network={
                "package": request.network.package,
                "options": dict(request.network.options),
                "num_classes": request.network.num_classes,
                "input_shape": list(request.network.input_shape),
            },
            batch_format=request.batch_format,
            batch_size=request.batch_size,
            limits={
                name: getattr(limits, name)
                for name in ("memory_bytes", "output_bytes", "log_bytes", "print_bytes", "scratch_bytes", "processes")
            },
            device=request.device,
            budget_seconds=request.budget_seconds,
            native_lock=_encode_lock(request),
            hosted_input=request.hosted_input,
            writable=list(writable),
            files=len(request.files) + len(request.pieces),
            originals=len(request.originals),
        )
        for name, code in request.files.items():
            self.send(Message.FILE, code, name=name, role=Role.ENTRY)
        for role, code in request.pieces.items():
            self.send(Message.FILE, code, name=ENTRY_FILE, role=role)
        self.send(Message.SPLITS, request.splits)
        for original in request.originals:
            self.send(Message.ORIGINAL, original)


def _encode_lock(request: RunRequest) -> str:
    """What the guest installs before participant code; a device's own libraries make code while they run."""
    if request.allow_native or request.device != "cpu":
        return ""
    return base64.b64encode(build_native_lock()).decode()


@dataclass(slots=True)
class _Progress:
    left: list[ReplicaOrder]
    delivered: int = 0
    lost: int = 0  # boxes since the last result
    tries: int = 0  # in vain, of the first that is left
    error: str = ""
    stopped: bool = False


def supervise(
    request: RunRequest, *, name: str, open_box: Callable[[], Box], on_replica: Callable[[ReplicaResult], bool]
) -> RunResult:
    """Run all orders in boxes that `open_box` starts; a box spoilt by one replica is replaced for the next."""
    begun = time.monotonic()
    progress = _Progress(list(request.orders))
    while progress.left and not progress.stopped and progress.lost < LOST_BOXES:
        try:
            _use_box(open_box(), request, progress, on_replica)
        except (BoxLost, OSError) as failure:
            progress.lost += 1
            progress.error = clean_line(str(failure)) or type(failure).__name__
    return RunResult(
        sandbox=name,
        delivered=progress.delivered,
        wall_seconds=time.monotonic() - begun,
        sandbox_error=progress.error if progress.left and not progress.stopped else "",
        stopped=progress.stopped,
    )


def _use_box(box: Box, request: RunRequest, progress: _Progress, on_replica: Callable[[ReplicaResult], bool]) -> None:
    conversation = Conversation(box, request)
    try:
        conversation.set_up(writable=box.writable)
        usable = True
        while usable and progress.left and not progress.stopped:
            try:
                result, usable = _run_replica(conversation, box, progress.left[0], request.limits.wall_seconds)
            except CodeSuspected as suspicion:
                progress.tries += 1
                if progress.tries < TRIES:
                    return  # it runs again in a box of its own
                result, usable = _make_fault(progress.left[0], Outcome.EXCEPTION, str(suspicion)), False
            if request.device != "cpu":  # a meter of processors does not see what a device works
                result = replace(result, clock=CpuClock.PROCESS)
            progress.tries = progress.lost = 0
            box.forget()
            progress.left.pop(0)
            progress.delivered += 1
            try:
                progress.stopped = not on_replica(result)
            except OSError as error:  # the caller's trouble, not the box's: do not run the shard again for it
                raise RuntimeError(f"a result could not be taken: {error}") from error
    finally:
        conversation.close()


def _run_replica(
    conversation: Conversation, box: Box, order: ReplicaOrder, wall_limit: float
) -> tuple[ReplicaResult, bool]:
    """One replica and whether its box may serve another."""
    conversation.send(Message.RUN, seed=order.seed, original=order.original, role=order.role)
    started = conversation.expect(Message.STARTED, START_SECONDS)
    limit = _TimeLimit(box, wall_limit)
    try:
        finished = limit.wait_out(conversation, started)
        if finished is None:
            conversation.send(Message.KILL)
            finished = conversation.wait_finished(KILL_SECONDS)
    except BoxLost:
        if not box.has_run_out_of_memory():
            if box.was_ended_from_outside():
                raise
            raise CodeSuspected(DOWN_ERROR) from None
        return _make_fault(order, Outcome.MEMORY_LIMIT, MEMORY_ERROR, time.monotonic() - started), False
    if finished is None:
        return _make_fault(order, Outcome.TIME_LIMIT, limit.describe(), time.monotonic() - started), False
    return _judge(_read_result(order, finished, wall_seconds=finished.seconds - started), finished, box, limit)


class _TimeLimit:
    """The wall clock of one replica: time that it waited for a core is not its own."""

    def __init__(self, box: Box, seconds: float) -> None:
        self.seconds, self._own, self._box = seconds, seconds, box
        self._before = box.read_turns()

    def wait_out(self, conversation: Conversation, started: float) -> _Ending | None:
        """How the replica ended, or None if its time is up."""
        while (finished := conversation.wait_finished(started + self.seconds - time.monotonic())) is None:
            waited = count_waiting(self._before, self._box.read_turns())
            longer = self._own + min(waited, (MOST_WAITING - 1) * self._own)
            if longer < self.seconds + LEAST_WAITING:
                return None
            self.seconds = longer
        return finished

    def describe(self) -> str:
        share = (self.seconds - self._own) / self.seconds
        return (
            f"{TIME_ERROR}; it waited {share:.0%} of its time for a core, which is taken off" if share else TIME_ERROR
        )


def _judge(result: ReplicaResult, finished: _Ending, box: Box, limit: _TimeLimit) -> tuple[ReplicaResult, bool]:
    """What the guest says of a replica, corrected by what only the host knows."""
    if result.outcome is Outcome.SANDBOX_FAILED:
        raise BoxLost(result.error)
    if result.outcome is Outcome.KILLED:
        if not box.has_run_out_of_memory():
            raise CodeSuspected(KILLED_ERROR)
        return replace(result, outcome=Outcome.MEMORY_LIMIT, error=MEMORY_ERROR), False
    if result.wall_seconds > limit.seconds:
        result = replace(result, outcome=Outcome.TIME_LIMIT, weights=None, error=limit.describe(), traceback="")
    return result, finished.header["clean"]


def _make_fault(order: ReplicaOrder, outcome: Outcome, error: str, wall_seconds: float = 0.0) -> ReplicaResult:
    """The result of a replica that took its box with it: only the host's clock is left to report."""
    return ReplicaResult(
        index=order.index,
        seed=order.seed,
        outcome=outcome,
        wall_seconds=wall_seconds,
        cpu_seconds=0.0,
        peak_memory_bytes=0,
        weights=None,
        log="",
        error=error,
        traceback="",
    )


def _read_result(order: ReplicaOrder, ending: _Ending, *, wall_seconds: float) -> ReplicaResult:
    header = ending.header
    outcome = header["outcome"]
    return ReplicaResult(
        index=order.index,
        seed=order.seed,
        outcome=outcome,
        wall_seconds=wall_seconds,
        cpu_seconds=header["cpu_seconds"],
        peak_memory_bytes=header["peak_memory_bytes"],
        weights=ending.payload if outcome is Outcome.OK else None,
        log=clean_text(ending.log.decode(errors="replace")),
        error=clean_line(header["error"]),
        traceback=clean_text(header["traceback"]),
        clock=CpuClock.CGROUP if header["metered"] else CpuClock.PROCESS,
        waited_seconds=header["waited_seconds"],
    )
