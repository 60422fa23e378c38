"""Charts of a board: score against relative runtime, and score over time. Geometry only; charts.html draws it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from api.leaderboard.schemas import Leaderboard, LeaderboardEntry
from api.pages.axes import Axis, Tick, make_runtime_axis, make_score_axis, make_time_axis
from api.pages.formats import format_number, format_share, format_time
from core.db.queries.history import ScoredAt
from core.domain.leaderboard import Place

WIDTH, HEIGHT = 480, 300
LEFT, RIGHT, TOP, BOTTOM = 40, WIDTH - 10, 12, HEIGHT - 38
CROWD = 120  # marks; beyond it intervals and single titles would only blur
LABELS = 5
LETTER, LINE = 8.0, 14.0  # room that a label takes
OWN = "own"


@dataclass(frozen=True, slots=True)
class Mark:
    x: float
    y: float
    low: float
    high: float
    kind: str  # a Place, or own
    title: str
    name: str


@dataclass(frozen=True, slots=True)
class Label:
    x: float
    y: float
    anchor: str
    text: str


@dataclass(frozen=True, slots=True)
class Landscape:
    """Score upwards, relative runtime to the right; entries right of `budget` are not ranked."""

    description: str
    scores: tuple[Tick, ...]
    runtimes: tuple[Tick, ...]
    budget: float
    budget_text: str
    ceiling: float | None
    marks: tuple[Mark, ...]  # what stands for itself
    crowd: str  # all others as one path
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """The running best as steps; a board's entries and one's own submissions as dots."""

    description: str
    scores: tuple[Tick, ...]
    times: tuple[Tick, ...]
    best: str
    ceiling: float | None
    crowd: str
    own: tuple[Mark, ...]
    records: list[ScoredAt]


def draw_landscape(board: Leaderboard, *, own: str) -> Landscape | None:
    """`own` is the name that the reader's entries carry; None if nothing was measured."""
    entries = [each for each in board.entries if each.score is not None and each.relative_runtime is not None]
    if not entries:
        return None
    scores = _make_score_axis(board, entries)
    spent = [each.relative_runtime for each in entries if each.relative_runtime is not None]
    runtimes = make_runtime_axis([*spent, board.compute_budget], left=LEFT, right=RIGHT)
    marks = [_mark(each, scores, runtimes, own) for each in entries]
    alone, crowd = _split(marks)
    ranked = sum(each.place is Place.RANKED for each in entries)
    best = max(entries, key=lambda each: each.score or 0.0)
    return Landscape(
        description=(
            f"{len(entries)} entries, {ranked} of them ranked. The highest score, {format_number(best.score)}, is"
            f" {best.name}'s and took {format_share(best.relative_runtime)} of a retraining;"
            f" the budget is {format_share(board.compute_budget, 0)}."
        ),
        scores=scores.ticks,
        runtimes=runtimes.ticks,
        budget=runtimes.place(board.compute_budget),
        budget_text=f"budget {format_share(board.compute_budget, 0)}",
        ceiling=scores.place(board.ceiling.estimate) if board.ceiling else None,
        marks=tuple(alone),
        crowd=_make_dots(crowd),
        labels=place_labels(marks),
    )


def draw_timeline(
    board: Leaderboard, records: list[ScoredAt], own: Sequence[ScoredAt], *, now: datetime
) -> Timeline | None:
    if not records:
        return None
    entries = [each for each in board.entries if each.place is Place.RANKED and not each.decided_early]
    scores = _make_score_axis(board, entries)
    times = make_time_axis(records[0].at, now, left=LEFT, right=RIGHT)
    steps = [f"V{scores.place(each.score)}H{times.place(_seconds(after))}" for each, after in _pair(records, now)]
    last = records[-1]
    return Timeline(
        description=(
            f"The best score rose {len(records)} {'time' if len(records) == 1 else 'times'}, from"
            f" {format_number(records[0].score)} on {format_time(records[0].at)} to {format_number(last.score)}, by"
            f" {last.name}, on {format_time(last.at)}."
        ),
        scores=scores.ticks,
        times=times.ticks,
        best=f"M{times.place(_seconds(records[0].at))} {BOTTOM}" + "".join(steps),
        ceiling=scores.place(board.ceiling.estimate) if board.ceiling else None,
        crowd=_make_path((times.place(_seconds(each.submitted_at)), scores.place(each.score or 0)) for each in entries),
        own=tuple(_mark_own(each, scores, times) for each in own),
        records=records,
    )


def place_labels(marks: Sequence[Mark]) -> tuple[Label, ...]:
    """Name the reader's entries and the best ones, as long as no name covers another one or a mark."""
    first = sorted(marks, key=lambda mark: (mark.kind != OWN, mark.kind == Place.OVER_BUDGET, mark.y))[:LABELS]
    shown = marks if len(marks) <= CROWD else first
    taken = [(mark.x - 5, mark.y - 5, mark.x + 5, mark.y + 5) for mark in shown]
    labels: list[Label] = []
    for mark in first:
        for anchor, x in (("start", mark.x + 8), ("end", mark.x - 8)):
            width = LETTER * len(mark.name)
            left = x if anchor == "start" else x - width
            box = (left, mark.y - LINE / 2, left + width, mark.y + LINE / 2)
            if box[0] > LEFT and box[2] < RIGHT and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                labels.append(Label(x, round(mark.y + 4, 1), anchor, mark.name))
                break
    return tuple(labels)


def _make_score_axis(board: Leaderboard, entries: Iterable[LeaderboardEntry]) -> Axis:
    highest = max([each.score_high or each.score or 0.0 for each in entries], default=0.0)
    ceiling = board.ceiling.estimate if board.ceiling else 0.0
    return make_score_axis(max(highest, ceiling), bottom=BOTTOM, top=TOP)


def _mark(entry: LeaderboardEntry, scores: Axis, runtimes: Axis, own: str) -> Mark:
    score, runtime = entry.score or 0.0, entry.relative_runtime or 0.0
    is_own = bool(own) and entry.name == own and entry.place is not Place.REFERENCE
    name = entry.filename.rsplit(".", 1)[0] if entry.place is Place.REFERENCE else entry.name
    return Mark(
        x=runtimes.place(runtime),
        y=scores.place(score),
        low=scores.place(score if entry.score_low is None else entry.score_low),
        high=scores.place(score if entry.score_high is None else entry.score_high),
        kind=OWN if is_own else entry.place.value,
        title=f"{name}: score {format_number(score)}, relative runtime {format_share(runtime)}",
        name=name,
    )


def _mark_own(scored: ScoredAt, scores: Axis, times: Axis) -> Mark:
    x, y = times.place(_seconds(scored.at)), scores.place(scored.score)
    title = f"{format_number(scored.score)} on {format_time(scored.at)}"
    return Mark(x, y, y, y, OWN, title, scored.name)


def _split(marks: list[Mark]) -> tuple[list[Mark], list[Mark]]:
    """Marks that are drawn one by one with their intervals, and the crowd that is one path."""
    if len(marks) <= CROWD:
        return marks, []
    leading = {id(mark) for mark in sorted(marks, key=lambda mark: mark.y)[: CROWD // 10]}
    alone = [mark for mark in marks if mark.kind != Place.RANKED or id(mark) in leading]
    alone.sort(key=lambda mark: mark.kind != OWN)
    shown = {id(mark) for mark in alone[:CROWD]}
    return alone[:CROWD], [mark for mark in marks if id(mark) not in shown]


def _make_dots(marks: Iterable[Mark]) -> str:
    return _make_path((mark.x, mark.y) for mark in marks)


def _make_path(places: Iterable[tuple[float, float]]) -> str:
    """Dots as strokes without length: round ends make them discs, and a thousand of them one element."""
    return "".join(f"M{x} {y}h0" for x, y in places)


def _pair(records: Sequence[ScoredAt], now: datetime) -> list[tuple[ScoredAt, datetime]]:
    ends = [*(each.at for each in records[1:]), max(now, records[-1].at)]
    return list(zip(records, ends, strict=True))


def _seconds(moment: datetime) -> float:
    return moment.timestamp()


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
