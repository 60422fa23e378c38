"""A board as CSV that is safe to open: no cell can run as a formula."""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

BOARD_COLUMNS = (
    "place",
    "rank",
    "rank_label",
    "tied_first",
    "tied_last",
    "name",
    "filename",
    "note",
    "score",
    "score_low",
    "score_high",
    "score_error",
    "score_corrected",
    "truly_better_than_next",
    "would_win_again",
    "neurips2023",
    "exact",
    "forgetting_quality",
    "test_quality",
    "retain_quality",
    "balance",
    "noise_shared",
    "utility",
    "unlearning_accuracy",
    "retain_accuracy",
    "test_accuracy",
    "relative_runtime",
    "relative_runtime_low",
    "relative_runtime_high",
    "runtime_clock",
    "over_budget",
    "verdict",
    "decided_early",
    "scored_replicas",
    "replicas_total",
    "purpose",
    "submission_id",
    "submitted_at",
)
EXCEL_MARK = "\ufeff"  # without it Excel takes UTF-8 for the encoding of its country: names and tie labels break
# spreadsheets take these for the beginning of a formula, the wide ones in some languages
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def write_csv(rows: Iterable[Mapping[str, Any]], columns: tuple[str, ...], *, header: bool = True) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    if header:
        writer.writerow(columns)
    for row in rows:
        writer.writerow([protect(row.get(name)) for name in columns])
    return stream.getvalue()


def protect(value: Any) -> Any:
    """An apostrophe in front of text that would be a formula, also behind blanks; numbers stay numbers."""
    return f"'{value}" if isinstance(value, str) and value.lstrip(" \u00a0").startswith(FORMULA_STARTS) else value
