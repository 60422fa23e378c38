"""A league as rows of cells: what the pools say first, then every method, the best first."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.domain.submission import Verdict
from core.scorecard import MeasuredScore, MetricLine, ScorecardRecord
from worker.league.columns import ColumnSet, LeagueColumn, find_order, list_columns
from worker.league.rows import LeagueRow


@dataclass(frozen=True, slots=True)
class Cell:
    """One value over models. sd: of single models; gap: to what retrained models get."""

    value: float
    gap: float | None = None
    sd: float | None = None
    standard_error: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class TableRow:
    name: str
    cells: Mapping[str, Cell]
    mark: str = ""  # over the budget, or why there are no numbers
    report: str = ""
    is_reference: bool = False


@dataclass(frozen=True, slots=True)
class LeagueTable:
    problem: str
    slug: str
    replicas: int
    budget: float
    columns: tuple[LeagueColumn, ...]
    rows: tuple[TableRow, ...]


def make_rows(rows: Iterable[LeagueRow], chosen: ColumnSet) -> list[TableRow]:
    """Sorted as the source's tables are read; without a number one stands at the end, by name."""
    column, most = find_order(chosen)

    def place(row: TableRow) -> tuple[bool, float, str]:
        cell = row.cells.get(column)
        return (cell is None, 0.0 if cell is None else -cell.value if most else cell.value, row.name)

    return sorted(map(_make_row, rows), key=place)


def make_table(
    references: Sequence[TableRow],
    rows: Sequence[LeagueRow],
    *,
    problem: str,
    slug: str,
    replicas: int,
    budget: float,
    chosen: ColumnSet,
) -> LeagueTable:
    return LeagueTable(problem, slug, replicas, budget, list_columns(chosen), (*references, *make_rows(rows, chosen)))


def make_cell(line: MetricLine) -> Cell | None:
    if line.value is None:
        return None
    error = line.standard_error
    low, high = line.interval or (None, None)
    gap = None if line.retrained is None else abs(line.value - line.retrained)
    return Cell(
        value=line.value,
        gap=gap,
        sd=None if error is None else error * math.sqrt(line.models),
        standard_error=error,
        low=low,
        high=high,
    )


def make_metric_cells(lines: Iterable[MetricLine]) -> dict[str, Cell]:
    cells = ((line.id, make_cell(line)) for line in lines)
    return {name: cell for name, cell in cells if cell is not None}


def make_score_cell(score: MeasuredScore, ceiling: float) -> Cell:
    return Cell(
        score.estimate,
        gap=max(ceiling - score.estimate, 0.0),
        standard_error=score.standard_error,
        low=score.low,
        high=score.high,
    )


def _make_row(row: LeagueRow) -> TableRow:
    record = row.record
    if record is None:
        return TableRow(row.name, {}, f"{row.verdict.replace('_', ' ')}: {row.reason}".rstrip(": "), row.report)
    over = "over budget" if row.verdict is Verdict.OVER_BUDGET else ""
    return TableRow(row.name, _make_cells(record), over, row.report)


def _make_cells(record: ScorecardRecord) -> dict[str, Cell]:
    runtime, likeness, ceiling = record.relative_runtime, record.likeness, record.ceiling
    cells = {
        "score": make_score_cell(record.score, ceiling.estimate),
        "neurips2023": Cell(record.protocols.neurips2023),
        "relative_runtime": Cell(100 * runtime.estimate, low=100 * runtime.low, high=100 * runtime.high),
        "f_forget": Cell(record.forgetting_quality),
    }
    if likeness is not None:
        cells |= {"f_test": Cell(likeness.test), "f_retain": Cell(likeness.retain)}
    return cells | make_metric_cells(record.metrics or ())
