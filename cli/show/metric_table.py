"""The literature's metrics of one scorecard, two to a line."""

from collections.abc import Sequence
from itertools import zip_longest

from rich.console import Group, RenderableType
from rich.text import Text

from cli.show.numbers import show_points, show_score
from cli.show.tables import make_table
from core.domain.durations import show_duration
from core.scorecard import MetricLine, ScorecardRecord

SHOWN = (
    *("ua", "ra", "ta", "rte"),
    *("avg_gap", "avg_d", "sum"),
    *("mia_eff", "mia_sfr", "mia_add", "mia_kit", "mia_kit_scrub", "ulira_accuracy", "ulira_auc"),
    *("d_kl", "js", "zrf"),
    *("klom_forget", "klom_retain", "klom_validation"),
)
PERCENTS = ("percent", "percent points")


def render_metrics(record: ScorecardRecord) -> RenderableType:
    """Beside each value what models get that never saw the forget set; scorecards of older versions have none."""
    entries = {entry.id: entry for entry in record.metrics or ()}
    shown = [entries[name] for name in SHOWN if name in entries]
    if not shown:
        return Text("")
    table = make_table(header_style="dim")
    for _ in range(2):
        table.add_column("metric", no_wrap=True)
        table.add_column("value", justify="right", no_wrap=True)
        table.add_column("retrained", justify="right", no_wrap=True, style="dim")
    half = (len(shown) + 1) // 2
    for left, right in zip_longest(shown[:half], shown[half:]):
        table.add_row(*_cells(left), *(_cells(right) if right else ()))
    return Group(Text(""), table, Text(_explain(shown), style="dim"))


def _cells(entry: MetricLine) -> tuple[str, str, str]:
    unit = entry.unit
    name = f"{entry.name} %" if unit == "percent" else entry.name
    value = _show_value(entry.value, unit)
    if entry.standard_error is not None and entry.value is not None:
        value += f" ± {_show_value(entry.standard_error, unit)}"
    return name, value, _show_value(entry.retrained, unit)


def _show_value(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    if unit == "seconds":
        return show_duration(value)
    return show_points(value) if unit in PERCENTS else show_score(value)


def _explain(entries: Sequence[MetricLine]) -> str:
    models = max(entry.models for entry in entries)
    originals = entries[0].originals_per_run
    start = "one original" if originals == 1 else f"{originals} originals"
    return f"± one standard error over models; {models} models from {start}; KLOM: 95th percentile over examples, nats"
