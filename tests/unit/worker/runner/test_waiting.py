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
from worker.runner.waiting import Turns, count_waiting, read_turns


def make_task(folder: Path, pid: int, tid: int, *, turns: str = "0 0 7", children: str = "") -> None:
    task = folder / str(pid) / "task" / str(tid)
    task.mkdir(parents=True)
    (task / "schedstat").write_text(f"{turns}\n")
    (task / "children").write_text(children)


def test_every_thread_of_all_processes_below_is_read_and_what_has_ended_is_passed_over(tmp_path: Path) -> None:
    make_task(tmp_path, 1, 1, turns="1000000000 2000000000 7", children="2 4 ")
    make_task(tmp_path, 2, 2)
    make_task(tmp_path, 2, 9, turns="0 500000000 7", children="5")
    make_task(tmp_path, 5, 5, turns="250000000 0 7")
    found = read_turns(1, tmp_path)
    assert found == {1: Turns(1.0, 2.0), 2: Turns(0.0, 0.0), 9: Turns(0.0, 0.5), 5: Turns(0.25, 0.0)}


def test_a_kernel_that_does_not_tell_takes_nothing_off(tmp_path: Path) -> None:
    assert count_waiting({}, read_turns(1, tmp_path)) == 0
    assert read_turns(os.getpid())


@pytest.mark.parametrize(
    ("threads", "waiting"),
    [
        ({7: Turns(1.0, 3.0)}, 3.0),  # a neighbour's doing
        ({7: Turns(1.0, 3.0), 8: Turns(0.5, 0.1)}, 2.5),
        ({pid: Turns(1.0, 3.0) for pid in range(64)}, 0.0),  # its own
        ({7: Turns(0.1, 3.0), 8: Turns(3.1, 0.0)}, 0.0),
        ({}, 0.0),
    ],
)
def test_who_crowds_himself_out_waited_for_nobody(threads: dict[int, Turns], waiting: float) -> None:
    assert count_waiting({}, threads) == pytest.approx(waiting)


def test_only_what_came_since_counts() -> None:
    before = {1: Turns(5.0, 9.0), 2: Turns(4.0, 4.0)}
    now = {1: Turns(5.5, 9.25), 3: Turns(0.25, 2.0)}
    assert count_waiting(before, now) == 1.5


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
