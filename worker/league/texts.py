"""A league's table as CSV, Markdown and LaTeX."""

from collections.abc import Callable

from core.domain.spreadsheet import write_csv
from worker.league.columns import LeagueColumn
from worker.league.table import Cell, LeagueTable, TableRow

PARTS = ("", "_gap", "_sd", "_se", "_low", "_high")
_LATEX = str.maketrans({"_": r"\_", "%": r"\%", "&": r"\&", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}"})


def render_csv(table: LeagueTable) -> str:
    """Six numbers for each column: value, gap to retrained, deviation, standard error, interval."""
    names = tuple(f"{column.id}{part}" for column in table.columns for part in PARTS)
    rows = []
    for row in table.rows:
        kind = "reference" if row.is_reference else "method"
        numbers = (value for column in table.columns for value in _list_numbers(row.cells.get(column.id)))
        told = {"method": row.name, "kind": kind, "mark": row.mark, "report": row.report}
        rows.append(told | dict(zip(names, numbers, strict=True)))
    return write_csv(rows, ("method", "kind", "mark", "report", *names))


def render_markdown(table: LeagueTable) -> str:
    titles = [column.title for column in table.columns]
    lines = [
        f"| {' | '.join(['method', *titles, ''])} |",
        f"|{'|'.join(['---', *['---:'] * len(titles), '---'])}|",
    ]
    for row in table.rows:
        name = f"*{row.name}*" if row.is_reference else f"`{row.name}`"
        cells = [show_cell(row.cells.get(column.id), column) for column in table.columns]
        lines.append(f"| {' | '.join([name, *cells, row.mark.replace('|', '/')])} |")
    return "\n".join([*lines, "", explain(table), ""])


def render_latex(table: LeagueTable) -> str:
    """For the package booktabs."""
    titles = " & ".join(["Method", *(column.title.translate(_LATEX) for column in table.columns)])
    lines = [
        rf"\begin{{tabular}}{{l{'r' * len(table.columns)}}}",
        r"\toprule",
        rf"{titles} \\",
        r"\midrule",
    ]
    for place, row in enumerate(table.rows):
        if place and not row.is_reference and table.rows[place - 1].is_reference:
            lines.append(r"\midrule")
        cells = " & ".join([_name_row(row), *(_write_latex(row, column) for column in table.columns)])
        lines.append(rf"{cells} \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", f"% {explain(table)}", ""])


def show_cell(cell: Cell | None, column: LeagueColumn) -> str:
    """Value, standard error, and in brackets the gap to retrained where retrained is the goal."""
    if cell is None:
        return "–"
    show: Callable[[float], str] = f"{{:.{column.digits}f}}".format
    error = f" ± {show(cell.standard_error)}" if cell.standard_error is not None else ""
    gap = f" ({show(cell.gap)})" if column.has_gap and cell.gap is not None else ""
    return f"{show(cell.value)}{error}{gap}".replace("-", "−")


def explain(table: LeagueTable) -> str:
    return (
        f"{table.problem} ({table.slug}), {table.replicas} replicas; ± one standard error over models,"
        " in brackets the gap to retrained models"
    )


def _name_row(row: TableRow) -> str:
    name = row.name.translate(_LATEX)
    mark = rf"$^\dagger$ ({row.mark.split(':')[0].translate(_LATEX)})" if row.mark else ""
    return f"{name}{mark}"


def _write_latex(row: TableRow, column: LeagueColumn) -> str:
    shown = show_cell(row.cells.get(column.id), column)
    return shown.replace("±", r"$\pm$").replace("−", "$-$").replace("–", "--")


def _list_numbers(cell: Cell | None) -> list[float | None]:
    if cell is None:
        return [None] * len(PARTS)
    values = (cell.value, cell.gap, cell.sd, cell.standard_error, cell.low, cell.high)
    return [None if value is None else float(f"{value:.6g}") for value in values]
