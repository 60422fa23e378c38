"""Tables of the terminal: no frames, bold heads, foreign text as it is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from cli.show.console import make_console, print_line
from cli.show.numbers import show_time
from core.domain.visible import make_visible

WRAPPED = 14  # what a column that may wrap is given at least
GAP = 1  # between two columns


class VisibleTable(Table):
    """A column is as wide as what is shown of its cells: escapes are made before it is measured."""

    def add_row(self, *cells: Any, **options: Any) -> None:
        super().add_row(*(_show_cell(cell) for cell in cells), **options)


def make_table(*, header_style: str = "bold", show_header: bool = True) -> Table:
    return VisibleTable(box=None, pad_edge=False, header_style=header_style, show_header=show_header)


@dataclass(frozen=True, slots=True)
class Column:
    """importance: what is least important goes first where a line is too narrow; 0 stays."""

    name: str
    importance: int = 0
    is_number: bool = False
    may_wrap: bool = False  # of what stays, these give way: a number or an id is never cut


@dataclass(frozen=True, slots=True)
class Line:
    cells: Sequence[object]
    style: str = ""


def fit_table(columns: Sequence[Column], lines: Sequence[Line], width: int | None = None) -> Table:
    """As many columns as the line has room for, dropped whole and by importance."""
    width = width or make_console().width
    rows = [[_show_cell(cell if isinstance(cell, Text) else Text(str(cell))) for cell in line.cells] for line in lines]
    widths = [
        max([cell_len(column.name), *(row[place].cell_len for row in rows)]) for place, column in enumerate(columns)
    ]
    kept = list(range(len(columns)))
    for place in sorted(kept, key=lambda each: -columns[each].importance):
        needed = sum(min(widths[each], WRAPPED) if columns[each].may_wrap else widths[each] for each in kept)
        if needed + GAP * (len(kept) - 1) <= width or not columns[place].importance:
            break
        kept.remove(place)
    table = make_table()
    for place in kept:
        column = columns[place]
        table.add_column(
            column.name, justify="right" if column.is_number else "left", no_wrap=not column.may_wrap, overflow="fold"
        )
    for line, row in zip(lines, rows, strict=True):
        table.add_row(*(row[place] for place in kept), style=line.style)
    return table


def print_fitted(columns: Sequence[Column], rows: Iterable[Sequence[object]]) -> None:
    make_console().print(fit_table(columns, [Line(row) for row in rows]))


def print_table(names: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """The first column stays whole; where the line is too narrow, the last ones go."""
    columns = [Column(name, importance=place, may_wrap=place > 0) for place, name in enumerate(names)]
    print_fitted(columns, [tuple(row) for row in rows])


def print_ledger(found: Mapping[str, Any]) -> None:
    columns = (Column("when"), Column("what"), Column("submissions", is_number=True), Column("why", may_wrap=True))
    rows = [
        (show_time(item["at"]), item["kind"], f"{item['amount']:+d}", item["reason"], item["by"])
        for item in found["items"]
    ]
    print_fitted((*columns, Column("who", 1)), rows)
    print_line(f"{found['charged']} submitted, {found['refunded']} given back, {found['granted']} granted")


def _show_cell(cell: Any) -> Any:
    if isinstance(cell, str):
        return make_visible(cell)
    if isinstance(cell, Text) and (shown := make_visible(cell.plain)) != cell.plain:
        return Text(shown, style=cell.style)
    return cell
