import os
import time
from pathlib import Path
from typing import BinaryIO

import pytest

from core.domain.runtime import CpuClock
from sandbox.contract import Message, Outcome, write_frame
from tests.unit.worker.runner.test_supervisor import (
    LIMITS,
    Run,
    finish,
    late,
    read_order,
    read_orders,
    read_setup,
)
from worker.runner.waiting import read_waiting


def make_process(folder: Path, pid: int, *, waited_ns: int, children: str = "") -> None:
    (folder / str(pid) / "task" / str(pid)).mkdir(parents=True)
    (folder / str(pid) / "schedstat").write_text(f"5 {waited_ns} 7\n")
    (folder / str(pid) / "task" / str(pid) / "children").write_text(children)


def test_the_waiting_of_all_below_is_added_up_and_what_has_ended_is_passed_over(tmp_path: Path) -> None:
    make_process(tmp_path, 1, waited_ns=10**9, children="2 3 4 ")
    make_process(tmp_path, 2, waited_ns=2 * 10**9)
    make_process(tmp_path, 3, waited_ns=0, children="5")
    make_process(tmp_path, 5, waited_ns=10**8)
    assert read_waiting(1, tmp_path) == 3.1


def test_a_kernel_that_does_not_tell_takes_nothing_off(tmp_path: Path) -> None:
    assert read_waiting(1, tmp_path) == 0
    assert read_waiting(os.getpid()) >= 0


def slow(stream_in: BinaryIO, stream_out: BinaryIO, _number: int) -> None:
    """Twice the limit."""
    read_setup(stream_in)
    write_frame(stream_out, Message.READY)
    read_order(stream_in)
    write_frame(stream_out, Message.STARTED)
    time.sleep(2 * LIMITS.wall_seconds)
    finish(stream_out)
    read_order(stream_in)


@pytest.mark.parametrize(("device", "clock"), [("cpu", CpuClock.CGROUP), ("cuda:0", CpuClock.PROCESS)])
def test_a_meter_of_processors_is_not_believed_of_a_device(device: str, clock: CpuClock) -> None:
    def metered(stream_in: BinaryIO, stream_out: BinaryIO, _number: int) -> None:
        read_setup(stream_in)
        write_frame(stream_out, Message.READY)
        for _ in read_orders(stream_in):
            write_frame(stream_out, Message.STARTED)
            finish(stream_out, metered=True)

    assert [replica.clock for replica in Run(metered, 1, device=device).taken] == [clock]


def test_who_waited_for_a_core_is_not_killed_for_that() -> None:
    assert Run(slow, 1, waits=0.8).outcomes == [Outcome.OK]
    run = Run(slow, 1, waits=0.2)
    assert run.outcomes == [Outcome.TIME_LIMIT]
    assert "of its time for a core, which is taken off" in run.taken[0].error


def test_threads_that_make_each_other_wait_do_not_live_for_ever() -> None:
    run = Run(late, 1, waits=50.0)
    assert run.outcomes == [Outcome.TIME_LIMIT]
    assert 3.5 < run.taken[0].wall_seconds / LIMITS.wall_seconds < 6
