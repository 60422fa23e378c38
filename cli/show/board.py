"""A leaderboard, as the API gives it, as a table for the terminal."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from cli.show.numbers import show_chance, show_interval, show_percent, show_points, show_score
from cli.show.scorecard import show_verdict
from cli.show.tables import Column, Line, fit_table, make_table
from core.domain.leaderboard import Purpose
from core.domain.runtime import CpuClock

RUNTIME = ("relative_runtime", "relative_runtime_low", "relative_runtime_high")
PRACTICE = "A practice board: everything about its problem is open, so it never ranks for prizes."
COLUMNS = (
    Column("rank", is_number=True),
    Column("name", may_wrap=True),
    Column("score", is_number=True),
    Column("corrected", 6, is_number=True),
    Column("> next", 3, is_number=True),
    Column("again", 7, is_number=True),
    Column("F f/t/r", 4, is_number=True),
    Column("2023", 8, is_number=True),
    Column("UA", 9, is_number=True),
    Column("RA", 10, is_number=True),
    Column("TA", 11, is_number=True),
    Column("runtime", 1, is_number=True),
    Column("verdict", 2, may_wrap=True),
)
NOTES = {  # by the column that they explain
    "": "± is the longer half of the interval",
    "corrected": "corrected: without the bias of finitely many replicas",
    "> next": "> next: the probability of being truly better than the next rank",
    "again": "again: of standing above it if both ran once more",
    "F f/t/r": "F f/t/r: how hard forget, test and retain examples make it to tell unlearned from retrained models",
    "runtime": "runtime: processor time of the whole box beside a yardstick's, or, where the gate is `larger`, the wall"
    " clock's if that is more; * without a cgroup: processor time of the process that was waited for, or"
    " half of the wall clock's if that is more",
    "rank": "a tie group shares a range of ranks: its first is not clearly ahead of the others",
}


def render_board(board: Mapping[str, Any]) -> RenderableType:
    """Ranked rows, references in position without a rank, over-budget rows below, and the ceiling."""
    lines = [Line(_show_row(row), "" if row["rank"] is not None else "dim") for row in board["entries"]]
    if not lines:
        return Text(
            "nobody is on the board yet; `lacuna init` writes a file to begin with, `lacuna submit FILE` enters it"
        )
    ceiling = board.get("ceiling")
    if ceiling is not None:
        score = show_interval(ceiling["estimate"], ceiling["low"], ceiling["high"])
        more = (
            show_score(ceiling.get("corrected")),
            "",
            "",
            _show_qualities(ceiling),
            show_score(ceiling.get("neurips2023")),
        )
        lines.append(Line(("", "ceiling", score, *more, "", "", "", "", ""), "italic"))
    table = fit_table(COLUMNS, lines)
    shown = {str(column.header) for column in table.columns}
    notes = [words for name, words in NOTES.items() if not name or name in shown]
    left = [column.name for column in COLUMNS if column.name not in shown]
    if left:
        notes.append(f"a wider window shows {', '.join(left)}; --json and --csv have everything")
    mark = [Text(PRACTICE)] if board.get("is_practice") else []
    scope = [Text(board["scope"], style="dim")] if board.get("scope") else []
    return Group(table, *mark, Text("; ".join(notes), style="dim"), *scope)


def show_rank(row: Mapping[str, Any]) -> str:
    """A rank, and the range that its tie group spans."""
    rank, label = row["rank"], str(row["rank_label"])
    return label if rank is None or label == str(rank) else f"{rank} ({label})"


def render_changes(changes: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Who moved when and why; a time, given to --as-of, shows the board after it."""
    table = make_table()
    for title in ("when", "who", "why", "rank"):
        table.add_column(title, no_wrap=title != "who")
    for change in changes:
        cause = str(change["cause"]).replace("_", " ")
        table.add_row(_show_after(change["at"]), Text(change["name"] or "the whole board"), cause, _show_move(change))
    return table


def describe_own(own: Mapping[str, Any]) -> str:
    """One line about the reader's own team."""
    entry = own["entry"]
    if own["team"] is None:
        return "you have no team here yet; submitting makes one"
    if entry is None:
        return f"{own['team']} has no rank yet"
    score = show_interval(entry["score"], entry["score_low"], entry["score_high"])
    return f"{own['team']} stands at {show_rank(entry)} of {own['ranked']} with {score}"


def _show_after(moment: str) -> str:
    """The first whole second that is not before a change: --as-of shows the board with it."""
    at = datetime.fromisoformat(moment)
    return f"{at.replace(microsecond=0, tzinfo=None) + timedelta(seconds=at.microsecond > 0):%Y-%m-%dT%H:%M:%S}"


def _show_move(change: Mapping[str, Any]) -> str:
    before, after = change["rank_before"], change["rank_after"]
    if before is None and after is None:
        return "–"
    return f"stays {after}" if before == after else f"{before or 'none'} → {after or 'none'}"


def _show_row(row: Mapping[str, Any]) -> list[str | Text]:
    return [
        show_rank(row),
        Text(row["name"]),
        show_interval(row["score"], row["score_low"], row["score_high"]),
        show_score(row.get("score_corrected")),
        show_chance(row.get("truly_better_than_next")),
        show_chance(row.get("would_win_again")),
        _show_qualities(row),
        show_score(row.get("neurips2023")),
        show_points(row.get("unlearning_accuracy")),
        show_points(row.get("retain_accuracy")),
        show_points(row.get("test_accuracy")),
        _show_runtime(row),
        _show_end(row),
    ]


def _show_qualities(line: Mapping[str, Any]) -> str:
    """F forget, F test and F retain; older servers and scorecards know the first alone."""
    names = ("forgetting_quality", "test_quality", "retain_quality")
    return "/".join("–" if line.get(name) is None else f"{line[name]:.2f}" for name in names)


def _show_runtime(row: Mapping[str, Any]) -> str:
    """With the longer half of its interval, and a mark where half of the wall-clock ratio is judged too."""
    estimate, low, high = (row.get(name) for name in RUNTIME)
    if estimate is None or low is None or high is None:  # stopped at the canary, or a server before 0.2
        return show_percent(estimate)
    mark = "*" if row.get("runtime_clock") == CpuClock.PROCESS else ""
    return f"{show_percent(estimate)} ±{100 * max(estimate - low, high - estimate):.1f}{mark}"


def _show_end(row: Mapping[str, Any]) -> Text:
    if row["purpose"] == Purpose.REFERENCE:
        return Text("reference")
    if row.get("decided_early"):
        return Text(f"decided early after {row['scored_replicas']} of {row['replicas_total']} replicas", style="yellow")
    return show_verdict(row["verdict"])
