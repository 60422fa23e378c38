from rich.console import Console

from cli.show.board import render_board
from tests.unit.cli.fakes import make_board, make_entry


def show(**changes: object) -> str:
    console = Console(width=200, record=True)
    console.print(render_board(make_board(make_entry(**changes))))
    return console.export_text()


def test_a_runtime_comes_with_the_longer_half_of_its_interval_and_its_clock() -> None:
    interval = {"relative_runtime_low": 0.077, "relative_runtime_high": 0.101}
    assert "8.7 % ±1.4 " in show(**interval, runtime_clock="cgroup")
    assert "8.7 % ±1.4* " in show(**interval, runtime_clock="process")
    assert "8.7 % " in show(relative_runtime_low=None)


def test_a_practice_board_says_what_it_is() -> None:
    console = Console(width=200, record=True)
    for is_practice in (True, False):
        console.print(render_board(make_board(make_entry()) | {"is_practice": is_practice}))
    assert console.export_text().count("it never ranks for prizes") == 1
