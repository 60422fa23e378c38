"""The order of the board: best per participant, ties by paired comparison, references without a rank."""

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise

from core.domain.comparison import Measured, compute_lead, compute_probability_better, compute_replication
from core.domain.submission import Verdict

# By how many standard errors a leader must be ahead to end its group, by entries on the board: so that of equal
# entries some are told apart on 5 % of the boards. Printed by `python -m bench.bench_ties lines`; in between, linear
# in the logarithm.
LINES = (
    (2, 2.04),
    (3, 2.47),
    (5, 2.92),
    (10, 3.44),
    (20, 3.94),
    (50, 4.56),
    (100, 5.00),
    (300, 5.70),
    (1000, 6.47),
    (10_000, 8.08),
)


class Purpose(StrEnum):
    """What a submission is for."""

    RANKED = "ranked"
    REFERENCE = "reference"  # the gate is lifted, shown without a rank
    CALIBRATION = "calibration"  # the platform's own; never shown
    PRACTICE = "practice"  # of the practice phase: its authors alone see it, on no board


# kept to the compute budget; what the platform or its staff run is not
GATED = frozenset({Purpose.RANKED, Purpose.PRACTICE})
# on no board, in no comparison of scores
OFF_BOARD = frozenset({Purpose.CALIBRATION, Purpose.PRACTICE})


class Place(StrEnum):
    """Which part of the board a row stands in."""

    RANKED = "ranked"
    REFERENCE = "reference"
    OVER_BUDGET = "over_budget"
    HELD = "held"  # scored, and without a rank until staff have looked at its flags


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
    is_held: bool = False

    @property
    def is_decided_early(self) -> bool:
        """Whether the runs were stopped because its place was clear: its score is from fewer replicas."""
        return self.scored_replicas is not None and self.scored_replicas < self.replicas_total


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the board; `tied_first` and `tied_last` are the ranks its tie group spans.

    truly_better_than_next: probability that its mean score over fresh models is above that of the next ranked entry
    below; would_win_again: that it would stand above that entry if both ran once more. None if there is no such entry,
    or if the two were scored on different numbers of replicas.
    """

    entry: Entry
    place: Place
    rank: int | None = None
    tie_group: int | None = None
    tied_first: int | None = None
    tied_last: int | None = None
    truly_better_than_next: float | None = None
    would_win_again: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """An entry that stands on the board, and in which part of it; its rank follows from the lines above."""

    place: Place
    entry: Entry

    @property
    def order(self) -> tuple[bool, bool, float, float, datetime]:
        """Sorting by it gives the board from top to bottom. Decided early comes after all full scores, held last."""
        entry = self.entry
        last = 2.0 if self.place is Place.HELD else 0.0
        return (
            self.place is Place.OVER_BUDGET,
            entry.is_decided_early or self.place is Place.HELD,
            last + (1.0 if entry.score is None else -entry.score),
            float("inf") if entry.relative_runtime is None else entry.relative_runtime,
            entry.accepted_at,
        )


def make_board(entries: Iterable[Entry]) -> list[Row]:
    """Order the board: ranked entries and references by score, then what spent too much, without a rank."""
    lines = pick_lines(entries)
    ranked = [line.entry for line in lines if line.place is Place.RANKED]
    groups = TieGroups(len(ranked))
    groups.walk(ranked)
    return rank_lines(lines, groups)


def pick_lines(entries: Iterable[Entry], *, climbing: bool = False) -> list[Line]:
    """Choose what stands on the board: the best of each participant, the newest of what has no rank.

    climbing: the last that `climb` tells instead of the best. What is held stands beside what its participant has.
    """
    every = list(entries)
    scored = [entry for entry in every if entry.verdict is Verdict.SCORED and entry.score is not None]
    best = [
        line
        for place, chosen in (
            (Place.RANKED, [entry for entry in scored if not entry.is_held]),
            (Place.HELD, [entry for entry in scored if entry.is_held]),
        )
        for line in _pick_best(place, chosen, climbing=climbing)
    ]
    references = _pick_newest(entry for entry in scored if entry.purpose is Purpose.REFERENCE)
    over = _pick_newest(entry for entry in every if entry.verdict is Verdict.OVER_BUDGET)
    lines = [Line(Place.REFERENCE, entry) for entry in references] + [Line(Place.OVER_BUDGET, entry) for entry in over]
    return sorted(best + lines, key=lambda line: line.order)


def climb(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """By participant, the scores that are told where each could carry hidden data out, in the order of acceptance.

    A score is told only if it is above the best told one by more than its noise, half its interval: whoever tries one
    bit after the other learns nothing from what stays below. Scores decided early are told while there is no full one.
    Source: the Ladder, Blum and Hardt (2015), arXiv:1502.04585.
    """
    ranked = [each for each in entries if each.purpose is Purpose.RANKED and each.score is not None]
    full = {each.name for each in ranked if not each.is_decided_early}
    steps: dict[str, list[Entry]] = {}
    for entry in sorted(ranked, key=lambda each: (each.accepted_at, each.submission_id)):
        if entry.is_decided_early and entry.name in full:
            continue
        told = steps.setdefault(entry.name, [])
        if not told or _rises(told[-1], entry):
            told.append(entry)
    return steps


def _rises(best: Entry, entry: Entry) -> bool:
    noise = 0.0 if entry.low is None or entry.high is None else (entry.high - entry.low) / 2
    return (entry.score or 0.0) > (best.score or 0.0) + noise


class TieGroups:
    """Where the tie groups of a board begin, found by walking down it; the walk can stop and go on.

    entries: how many ranked ones the whole board has; the more, the further the luckiest of equals is ahead.
    """

    def __init__(self, entries: int) -> None:
        self.line = find_tie_line(entries)
        self.starts: list[int] = []  # rank of each group's first entry
        self.walked = 0
        self._leader: _Contender | None = None

    def walk(self, ordered: Iterable[Entry]) -> None:
        """Go on with the next ranked entries: each joins the group while its leader is not clearly better."""
        for entry in ordered:
            self.walked += 1
            contender = _enter(entry)
            if self._leader is None or self._ends(self._leader, contender):
                self._leader = contender
                self.starts.append(self.walked)

    def _ends(self, leader: "_Contender", contender: "_Contender") -> bool:
        if leader.is_decided_early != contender.is_decided_early:
            return True
        return compute_lead(leader.measured, contender.measured) >= self.line

    def is_settled(self, rank: int) -> bool:
        """Whether the walk went past the group that a rank stands in."""
        return bool(self.starts) and rank < self.starts[-1]

    def find(self, rank: int) -> tuple[int, int, int]:
        """Number of the group that a rank stands in, its first and its last rank."""
        number = bisect_right(self.starts, rank)
        last = self.starts[number] - 1 if number < len(self.starts) else self.walked
        return number, self.starts[number - 1], last


def find_tie_line(entries: int) -> float:
    """The lead, in standard errors, that ends a tie group on a board of so many ranked entries."""
    place = min(max(bisect_right(LINES, entries, key=lambda line: line[0]), 1), len(LINES) - 1)
    (few, low), (many, high) = LINES[place - 1], LINES[place]
    share = math.log(max(entries, few) / few) / math.log(many / few)
    return low + share * (high - low)


def rank_lines(
    lines: Sequence[Line], groups: TieGroups, *, above: int = 0, following: Entry | None = None
) -> list[Row]:
    """Give ranks, tie groups and probabilities to a stretch of a board's lines, in their order.

    above: how many ranked lines stand over them; following: the next ranked entry below them.
    """
    ranked = [line.entry for line in lines if line.place is Place.RANKED]
    contenders = [_enter(entry) for entry in ([*ranked, following] if following else ranked)]
    better = [_compare(one, other) for one, other in pairwise(contenders)] + [None]
    ranks = iter(
        Row(entry, Place.RANKED, rank, *groups.find(rank), chance, _repeat(chance))
        for rank, (entry, chance) in enumerate(zip(ranked, better, strict=False), start=above + 1)
    )
    return [next(ranks) if line.place is Place.RANKED else Row(line.entry, line.place) for line in lines]


def _pick_best(place: Place, scored: Sequence[Entry], *, climbing: bool) -> list[Line]:
    told = [steps[-1] for steps in climb(scored).values()] if climbing else scored
    lines = [Line(place, entry) for entry in told if entry.purpose is Purpose.RANKED]
    best: dict[str, Line] = {}
    for line in sorted(lines, key=lambda line: line.order):
        best.setdefault(line.entry.name, line)
    return list(best.values())


def _pick_newest(entries: Iterable[Entry]) -> list[Entry]:
    """One line per participant; references are many under one name, so their file tells them apart."""
    newest: dict[tuple[str, str], Entry] = {}
    for entry in sorted(entries, key=lambda entry: entry.accepted_at):
        key = entry.filename if entry.purpose is Purpose.REFERENCE else ""
        newest[(entry.name, key)] = entry
    return list(newest.values())


@dataclass(frozen=True, slots=True)
class _Contender:
    is_decided_early: bool
    measured: Measured


def _enter(entry: Entry) -> _Contender:
    return _Contender(entry.is_decided_early, Measured(entry.score or 0.0, entry.error, entry.draws))


def _repeat(chance: float | None) -> float | None:
    return None if chance is None else compute_replication(chance)


def _compare(one: _Contender, other: _Contender) -> float | None:
    """P(one is truly better); None across the line below which entries were decided early."""
    if one.is_decided_early != other.is_decided_early:
        return None
    return compute_probability_better(one.measured, other.measured)
