"""The order of the board: best per participant, ties by paired comparison, references without a rank."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise

from core.domain.comparison import Measured, compute_probability_better
from core.domain.submission import Verdict

TIED_BELOW = 0.95  # an entry is tied with its group's leader while the leader's lead is less likely than this


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
    error: float | None = None  # standard error of the score
    draws: tuple[float, ...] = ()
    scored_replicas: int | None = None  # None: all of them
    replicas_total: int = 0

    @property
    def is_decided_early(self) -> bool:
        """Whether the runs were stopped because its place was clear: its score is from fewer replicas."""
        return self.scored_replicas is not None and self.scored_replicas < self.replicas_total

    @property
    def measured(self) -> Measured:
        return Measured(self.score or 0.0, self.error, self.draws)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the board; `tied_first` and `tied_last` are the ranks its tie group spans.

    better_than_next: probability of being better than the next ranked entry below; None if there is none, or if the
    two were scored on different numbers of replicas.
    """

    entry: Entry
    place: Place
    rank: int | None = None
    tie_group: int | None = None
    tied_first: int | None = None
    tied_last: int | None = None
    better_than_next: float | None = None


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


def _order(entry: Entry) -> tuple[bool, float, float, datetime]:
    """Decided early comes last: scores from fewer replicas do not compare with the others."""
    score = -1.0 if entry.score is None else entry.score
    runtime = float("inf") if entry.relative_runtime is None else entry.relative_runtime
    return (entry.is_decided_early, -score, runtime, entry.accepted_at)


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
    better = [_compare(one, other) for one, other in pairwise(ordered)] + [None]
    rows: list[Row] = []
    for number, group in enumerate(_group(ordered), start=1):
        first = len(rows) + 1
        last = first + len(group) - 1
        rows += [
            Row(entry, Place.RANKED, rank, number, first, last, better[rank - 1])
            for rank, entry in enumerate(group, start=first)
        ]
    return rows


def _group(ordered: Sequence[Entry]) -> list[list[Entry]]:
    """Walk down the board: an entry joins the group while its leader is not clearly better."""
    groups: list[list[Entry]] = []
    for entry in ordered:
        lead = _compare(groups[-1][0], entry) if groups else None
        if lead is not None and lead < TIED_BELOW:
            groups[-1].append(entry)
        else:
            groups.append([entry])
    return groups


def _compare(one: Entry, other: Entry) -> float | None:
    """P(one is better); None across the line below which entries were decided early."""
    if one.is_decided_early != other.is_decided_early:
        return None
    return compute_probability_better(one.measured, other.measured)
