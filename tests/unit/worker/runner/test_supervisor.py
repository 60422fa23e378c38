"""The host's side alone, against a box whose guest is a few lines of Python in a thread."""

import os
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, BinaryIO

import pytest

from core.problem_parts import BatchFormat
from sandbox.contract import Message, Outcome, Speaker, read_frame, write_frame
from worker.runner import supervisor
from worker.runner.base import Limits, NetworkRef, ReplicaOrder, ReplicaResult, RunRequest
from worker.runner.supervisor import supervise
from worker.runner.waiting import Turns

Guest = Callable[[BinaryIO, BinaryIO, int], None]
LIMITS = Limits(
    wall_seconds=0.3,
    memory_bytes=1,
    output_bytes=100,
    log_bytes=100,
    print_bytes=100,
    scratch_bytes=1,
    processes=1,
)


class ThreadBox:
    """Runs a guest in a thread over two pipes."""

    writable = ("/scratch",)

    def __init__(self, guest: Guest, number: int, *, out_of_memory: bool, outside: bool) -> None:
        guest_in, host_out = os.pipe()
        host_in, guest_out = os.pipe()
        self.stdin, self.stdout = os.fdopen(host_out, "wb", buffering=0), os.fdopen(host_in, "rb")
        self._streams = os.fdopen(guest_in, "rb", buffering=0), os.fdopen(guest_out, "wb")
        self._out_of_memory, self._outside = out_of_memory, outside
        self.forgotten = 0
        self.waits = 0.0  # share of the time
        self._begun = time.monotonic()
        self._thread = threading.Thread(target=self._live, args=(guest, number), daemon=True)
        self._thread.start()

    def _live(self, guest: Guest, number: int) -> None:
        try:
            guest(*self._streams, number)
        except (OSError, ValueError):
            pass
        finally:
            for stream in self._streams:
                stream.close()

    def kill(self) -> None:
        if not self.stdin.closed:
            self.stdin.close()

    def close(self) -> None:
        self.kill()
        self._thread.join(timeout=5)
        assert not self._thread.is_alive()
        self.stdout.close()

    def read_errors(self) -> str:
        return "first\nlast words"

    def has_run_out_of_memory(self) -> bool:
        return self._out_of_memory

    def was_ended_from_outside(self) -> bool:
        return self._outside

    def read_turns(self) -> dict[int, Turns]:
        return {1: Turns(0.0, self.waits * (time.monotonic() - self._begun))}

    def forget(self) -> None:
        self.forgotten += 1


def make_request(count: int) -> RunRequest:
    return RunRequest(
        label="l",
        network=NetworkRef("digits", {}, 10, (64,)),
        batch_format=BatchFormat.PAIR,
        batch_size=4,
        files={"submission.py": b"x"},
        splits=b"s",
        originals=(b"o",),
        orders=tuple(ReplicaOrder(index, 100 + index) for index in range(count)),
        limits=LIMITS,
    )


def read_order(stream: BinaryIO) -> dict[str, Any] | None:
    frame = read_frame(stream, speaker=Speaker.HOST, payload_limit=100)
    return None if frame is None else frame[0]


def read_setup(stream: BinaryIO) -> None:
    kinds = [(read_order(stream) or {"kind": None})["kind"] for _ in range(4)]
    assert kinds == [Message.SETUP, Message.FILE, Message.SPLITS, Message.ORIGINAL]


def read_orders(stream: BinaryIO) -> Iterator[int]:
    while (order := read_order(stream)) is not None:
        if order["kind"] is Message.RUN:
            yield order["seed"]


def finish(
    stream: BinaryIO, *, outcome: Outcome = Outcome.OK, clean: bool = True, error: str = "", metered: bool = False
) -> None:
    write_frame(stream, Message.LOG, b"text")
    write_frame(
        stream,
        Message.FINISHED,
        b"w",
        outcome=outcome.value,
        cpu_seconds=0.5,
        metered=metered,
        waited_seconds=None,
        peak_memory_bytes=9,
        error=error,
        traceback="",
        clean=clean,
    )


def honest(stream_in: BinaryIO, stream_out: BinaryIO, _number: int) -> None:
    read_setup(stream_in)
    write_frame(stream_out, Message.READY)
    for _ in read_orders(stream_in):
        write_frame(stream_out, Message.STARTED)
        finish(stream_out)


def late(stream_in: BinaryIO, stream_out: BinaryIO, _number: int) -> None:
    read_setup(stream_in)
    write_frame(stream_out, Message.READY)
    read_order(stream_in)
    write_frame(stream_out, Message.STARTED)
    read_order(stream_in)  # the kill
    finish(stream_out)
    read_order(stream_in)


class Run:
    def __init__(
        self,
        guest: Guest,
        count: int,
        *,
        out_of_memory: bool = False,
        outside: bool = False,
        take: int = 1000,
        waits: float = 0.0,
        device: str = "cpu",
    ) -> None:
        self.taken: list[ReplicaResult] = []
        self.boxes = 0

        def open_box() -> ThreadBox:
            self.boxes += 1
            self.latest = ThreadBox(guest, self.boxes, out_of_memory=out_of_memory, outside=outside)
            self.latest.waits = waits
            return self.latest

        def keep(replica: ReplicaResult) -> bool:
            self.taken.append(replica)
            return len(self.taken) < take

        self.result = supervise(
            replace(make_request(count), device=device), name="fake", open_box=open_box, on_replica=keep
        )

    @property
    def outcomes(self) -> list[Outcome]:
        return [replica.outcome for replica in self.taken]


@pytest.fixture(autouse=True)
def _short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "KILL_SECONDS", 0.3)
    monkeypatch.setattr(supervisor, "START_SECONDS", 1.0)
    monkeypatch.setattr(supervisor, "STARTUP_SECONDS", 1.0)


def test_results_arrive_in_order_with_what_the_guest_measured() -> None:
    run = Run(honest, 3)
    assert [(r.index, r.seed, r.log, r.weights, r.cpu_seconds) for r in run.taken] == [
        (index, 100 + index, "text", b"w", 0.5) for index in range(3)
    ]
    assert (run.result.delivered, run.result.sandbox_error, run.boxes) == (3, "", 1)
    assert run.latest.forgotten == 3


def test_a_guest_that_does_not_obey_a_kill_loses_its_box_and_the_next_replica_gets_another() -> None:
    def stuck_once(stream_in: BinaryIO, stream_out: BinaryIO, number: int) -> None:
        if number > 1:
            return honest(stream_in, stream_out, number)
        read_setup(stream_in)
        write_frame(stream_out, Message.READY)
        for _ in read_orders(stream_in):
            write_frame(stream_out, Message.STARTED)
        return None

    run = Run(stuck_once, 2)
    assert run.outcomes == [Outcome.TIME_LIMIT, Outcome.OK]
    assert run.boxes == 2
    assert run.result.sandbox_error == ""


def test_a_result_after_the_limit_is_too_late() -> None:
    run = Run(late, 1)
    assert run.outcomes == [Outcome.TIME_LIMIT]
    assert run.taken[0].weights is None


def test_the_clock_stops_when_the_result_is_fixed() -> None:
    def slow_to_clean(stream_in: BinaryIO, stream_out: BinaryIO, _number: int) -> None:
        read_setup(stream_in)
        write_frame(stream_out, Message.READY)
        for _ in read_orders(stream_in):
            write_frame(stream_out, Message.STARTED)
            write_frame(stream_out, Message.RETURNED)
            threading.Event().wait(0.2)
            finish(stream_out)

    assert Run(slow_to_clean, 1).taken[0].wall_seconds < 0.15


def test_a_box_that_could_not_be_cleaned_serves_no_other_replica() -> None:
    def untidy(stream_in: BinaryIO, stream_out: BinaryIO, _number: int) -> None:
        read_setup(stream_in)
        write_frame(stream_out, Message.READY)
        for _ in read_orders(stream_in):
            write_frame(stream_out, Message.STARTED)
            finish(stream_out, clean=False)

    run = Run(untidy, 3)
    assert run.outcomes == [Outcome.OK] * 3
    assert run.boxes == 3


def dies(stream_in: BinaryIO, stream_out: BinaryIO, _number: int) -> None:
    read_setup(stream_in)
    write_frame(stream_out, Message.READY)
    read_order(stream_in)
    write_frame(stream_out, Message.STARTED)


def test_a_box_that_this_host_saw_ended_from_outside_is_ours_and_is_given_up_after_a_few_tries() -> None:
    run = Run(dies, 1, outside=True)
    assert run.taken == []
    assert run.boxes == supervisor.LOST_BOXES
    assert run.result.sandbox_error == "the sandbox ended while a replica ran"


def test_code_whose_box_ends_whenever_it_runs_takes_it_down() -> None:
    run = Run(dies, 2)
    assert run.outcomes == [Outcome.EXCEPTION] * 2
    assert "takes it down" in run.taken[0].error
    assert (run.boxes, run.result.sandbox_error) == (2 * supervisor.TRIES, "")


def test_a_box_that_goes_between_two_replicas_never_ends_the_run() -> None:
    def one_each(stream_in: BinaryIO, stream_out: BinaryIO, _number: int) -> None:
        read_setup(stream_in)
        write_frame(stream_out, Message.READY)
        read_order(stream_in)
        write_frame(stream_out, Message.STARTED)
        finish(stream_out)

    run = Run(one_each, supervisor.LOST_BOXES + 2)
    assert run.outcomes == [Outcome.OK] * (supervisor.LOST_BOXES + 2)
    assert run.result.sandbox_error == ""


@pytest.mark.parametrize("header", [b'{"kind": "finished", "bytes": 0, "outcome": []}', b"[]", b"\xff", b"{" * 9000])
def test_forged_frames_of_odd_types_raise_nothing_and_are_held_against_the_code(header: bytes) -> None:
    def forges(stream_in: BinaryIO, stream_out: BinaryIO, _number: int) -> None:
        read_setup(stream_in)
        write_frame(stream_out, Message.READY)
        read_order(stream_in)
        write_frame(stream_out, Message.STARTED)
        stream_out.write(struct.pack(">I", len(header)) + header)
        stream_out.flush()
        read_order(stream_in)

    run = Run(forges, 1)
    assert run.outcomes == [Outcome.EXCEPTION]
    assert run.result.sandbox_error == ""


def test_a_box_the_kernel_ended_for_memory_is_the_replicas_fault() -> None:
    run = Run(dies, 1, out_of_memory=True)
    assert run.outcomes == [Outcome.MEMORY_LIMIT]
    assert run.result.sandbox_error == ""


def killed(times: int) -> Guest:
    """A guest whose replica is killed in the first boxes, and honest afterwards."""

    def guest(stream_in: BinaryIO, stream_out: BinaryIO, number: int) -> None:
        if number > times:
            honest(stream_in, stream_out, number)
            return
        read_setup(stream_in)
        write_frame(stream_out, Message.READY)
        for _ in read_orders(stream_in):
            write_frame(stream_out, Message.STARTED)
            finish(stream_out, outcome=Outcome.KILLED)

    return guest


def test_a_replica_killed_from_outside_runs_again_in_another_box() -> None:
    run = Run(killed(supervisor.TRIES - 1), 2)
    assert run.outcomes == [Outcome.OK] * 2
    assert run.boxes == supervisor.TRIES


def test_a_replica_that_is_killed_again_and_again_kills_itself() -> None:
    run = Run(killed(supervisor.TRIES), 2)
    assert run.outcomes == [Outcome.EXCEPTION, Outcome.OK]
    assert "kills its own process" in run.taken[0].error
    assert run.result.sandbox_error == ""


def test_a_replica_killed_for_memory_is_at_its_limit() -> None:
    run = Run(killed(1), 2, out_of_memory=True)
    assert run.outcomes == [Outcome.MEMORY_LIMIT, Outcome.OK]
    assert run.boxes == 2  # what the kernel counts for the first would be said of the second


def test_a_replica_that_never_started_is_ours() -> None:
    def broken(stream_in: BinaryIO, stream_out: BinaryIO, _number: int) -> None:
        read_setup(stream_in)
        write_frame(stream_out, Message.READY)
        for _ in read_orders(stream_in):
            finish(stream_out, outcome=Outcome.SANDBOX_FAILED, error="no network code")

    run = Run(broken, 2)
    assert run.taken == []
    assert run.result.sandbox_error == "no network code"


def test_a_guest_that_does_not_start_says_its_last_words() -> None:
    run = Run(lambda _in, _out, _number: None, 1)
    assert "last words" in run.result.sandbox_error


def test_noise_instead_of_frames_is_a_lost_box() -> None:
    def noisy(_stream_in: BinaryIO, stream_out: BinaryIO, _number: int) -> None:
        stream_out.write(b"hello, I am not a frame" * 10)

    assert Run(noisy, 1).result.delivered == 0


def test_stopping_early_is_no_error() -> None:
    run = Run(honest, 5, take=2)
    assert (run.result.delivered, run.result.stopped, run.result.sandbox_error) == (2, True, "")
