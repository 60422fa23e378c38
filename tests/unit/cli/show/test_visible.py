"""Names and reasons of others cannot turn a terminal's text around, wherever they stand in it."""

import pytest
from rich.text import Text

from cli.show.console import make_console, print_error, print_line
from cli.show.tables import make_table, print_table

TRICK = "ann\u202egnp\u200b"
SHOWN = "ann\\u202egnp\\u200b"


def test_a_table_shows_escapes_and_is_as_wide_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("name", "score"), [(TRICK, 1), ("bob", 2)])
    first, *rows = capsys.readouterr().out.splitlines()
    assert rows[0].split() == [SHOWN, "1"]
    assert {row.index(digit) for row, digit in zip(rows, "12", strict=True)} == {first.index("score")}


def test_a_table_made_elsewhere_shows_them_too(capsys: pytest.CaptureFixture[str]) -> None:
    table = make_table()
    table.add_column("name")
    table.add_row(TRICK)
    table.add_row(Text(TRICK, style="bold"))
    make_console().print(table)
    assert capsys.readouterr().out.count(SHOWN) == 2


def test_lines_errors_and_anything_else_show_them(capsys: pytest.CaptureFixture[str]) -> None:
    print_line(TRICK)
    print_error(TRICK, hint=TRICK)
    make_console().print(Text.assemble("by ", (TRICK, "bold")))
    captured = capsys.readouterr()
    assert (captured.out.count(SHOWN), captured.err.count(SHOWN)) == (2, 2)
    assert "\u202e" not in captured.out + captured.err
