import os
from pathlib import Path

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
