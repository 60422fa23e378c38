"""A leaderboard, as the API gives it, as a table for the terminal."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.numbers import show_interval, show_percent, show_points, show_score
from cli.scorecard import show_verdict


def render_board(board: Mapping[str, Any]) -> RenderableType:
    """Ranked rows, references in position without a rank, over-budget rows below, and the ceiling."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("rank", justify="right", no_wrap=True)
    table.add_column("name", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    for title in ("2023", "UA", "RA", "TA", "runtime"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for row in board["entries"]:
        table.add_row(*_show_row(row), style="" if row["rank"] is not None else "dim")
    if not board["entries"]:
        return Text("nobody is on the board yet")
    ceiling = board.get("ceiling")
    if ceiling is not None:
        score = show_interval(ceiling["estimate"], ceiling["low"], ceiling["high"])
        table.add_row("", "ceiling", score, show_score(ceiling.get("neurips2023")), "", "", "", "", "", style="italic")
    note = Text("± is half the interval's width; entries of one tie group share a range of ranks", style="dim")
    return Group(table, note)


def show_rank(row: Mapping[str, Any]) -> str:
    """A rank, and the range that its tie group spans."""
    rank, label = row["rank"], str(row["rank_label"])
    return label if rank is None or label == str(rank) else f"{rank} ({label})"


def _show_row(row: Mapping[str, Any]) -> list[str | Text]:
    verdict = Text("reference") if row["purpose"] == "reference" else show_verdict(row["verdict"])
    return [
        show_rank(row),
        Text(row["name"]),
        show_interval(row["score"], row["score_low"], row["score_high"]),
        show_score(row.get("neurips2023")),
        show_points(row.get("unlearning_accuracy")),
        show_points(row.get("retain_accuracy")),
        show_points(row.get("test_accuracy")),
        show_percent(row["relative_runtime"]),
        verdict,
    ]
