"""Tables of the terminal: no frames, bold heads, foreign text as it is."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from cli.show.console import make_console, print_line
from cli.show.numbers import show_time


def make_table(*, header_style: str = "bold", show_header: bool = True) -> Table:
    return Table(box=None, pad_edge=False, header_style=header_style, show_header=show_header)


def print_table(names: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    table = make_table()
    for name in names:
        table.add_column(name)
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))  # foreign text may look like markup
    make_console().print(table)


def print_ledger(found: Mapping[str, Any]) -> None:
    table = make_table()
    for name in ("when", "what", "submissions", "why", "who"):
        table.add_column(name, justify="right" if name == "submissions" else "left")
    for item in found["items"]:
        table.add_row(
            show_time(item["at"]), item["kind"], f"{item['amount']:+d}", Text(item["reason"]), Text(item["by"])
        )
    make_console().print(table)
    print_line(f"{found['charged']} submitted, {found['refunded']} given back, {found['granted']} granted")
