"""The order of the board: best per participant, ties by overlapping intervals, references without a rank."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.domain.submission import Verdict


class Purpose(StrEnum):
    """What a submission is for."""

    RANKED = "ranked"
    REFERENCE = "reference"  # the gate is lifted, shown without a rank
    CALIBRATION = "calibration"  # the platform's own; never shown


class Place(StrEnum):
    """Which part of the board a row stands in."""

    RANKED = "ranked"
    REFERENCE = "reference"
    OVER_BUDGET = "over_budget"


@dataclass(frozen=True, slots=True)
class Entry:
    """One evaluation that ended, as the board needs it."""

    submission_id: str
    name: str
    filename: str
    purpose: Purpose
    verdict: Verdict
    score: float | None
    low: float | None
    high: float | None
    relative_runtime: float | None
    accepted_at: datetime


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the board; `tied_first` and `tied_last` are the ranks its tie group spans."""

    entry: Entry
    place: Place
    rank: int | None = None
    tie_group: int | None = None
    tied_first: int | None = None
    tied_last: int | None = None


def make_board(entries: Iterable[Entry]) -> list[Row]:
    """Order the board: ranked entries and references by score, then what spent too much, without a rank."""
    every = list(entries)
    scored = [entry for entry in every if entry.verdict is Verdict.SCORED and entry.score is not None]
    ranked = _rank(_pick_best(entry for entry in scored if entry.purpose is Purpose.RANKED))
    references = _pick_newest(entry for entry in scored if entry.purpose is Purpose.REFERENCE)
    rows = ranked + [Row(entry, Place.REFERENCE) for entry in references]
    over = _pick_newest(entry for entry in every if entry.verdict is Verdict.OVER_BUDGET)
    return sorted(rows, key=lambda row: _order(row.entry)) + [
        Row(entry, Place.OVER_BUDGET) for entry in sorted(over, key=_order)
    ]


def _order(entry: Entry) -> tuple[float, float, datetime]:
    score = -1.0 if entry.score is None else entry.score
    runtime = float("inf") if entry.relative_runtime is None else entry.relative_runtime
    return (-score, runtime, entry.accepted_at)


def _pick_best(entries: Iterable[Entry]) -> list[Entry]:
    best: dict[str, Entry] = {}
    for entry in sorted(entries, key=_order):
        best.setdefault(entry.name, entry)
    return list(best.values())


def _pick_newest(entries: Iterable[Entry]) -> list[Entry]:
    """One line per participant; references are many under one name, so their file tells them apart."""
    newest: dict[tuple[str, str], Entry] = {}
    for entry in sorted(entries, key=lambda entry: entry.accepted_at):
        key = entry.filename if entry.purpose is Purpose.REFERENCE else ""
        newest[(entry.name, key)] = entry
    return list(newest.values())


def _rank(ordered: Sequence[Entry]) -> list[Row]:
    groups: list[list[Entry]] = []
    for entry in ordered:
        if groups and _overlaps(groups[-1][0], entry):
            groups[-1].append(entry)
        else:
            groups.append([entry])
    rows: list[Row] = []
    for number, group in enumerate(groups, start=1):
        first = len(rows) + 1
        last = first + len(group) - 1
        rows += [Row(entry, Place.RANKED, first + offset, number, first, last) for offset, entry in enumerate(group)]
    return rows


def _overlaps(one: Entry, other: Entry) -> bool:
    low, high = _interval(one)
    other_low, other_high = _interval(other)
    return low <= other_high and other_low <= high


def _interval(entry: Entry) -> tuple[float, float]:
    score = entry.score or 0.0
    return (score if entry.low is None else entry.low, score if entry.high is None else entry.high)
