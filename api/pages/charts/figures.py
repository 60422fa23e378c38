"""Charts of a board: one measure against another, and score over time. Geometry only; charts.html draws it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from api.pages.charts.axes import Axis, make_time_axis
from api.pages.charts.measures import RUNTIME, SCORE, Measure
from api.pages.charts.surveys import BOTTOM, LEFT, RIGHT, TOP, Mark, Survey
from api.pages.kit.formats import format_number, format_share, format_time
from core.db.queries.history import ScoredAt
from core.domain.leaderboard import Place

CROWD = 120  # marks; beyond it intervals and single titles would only blur
LABELS = 12
LONGEST_NAME = 18
LETTER, LINE = 8.0, 15.0  # room that a label takes
OWN = "own"
Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True, slots=True)
class Label:
    x: float
    y: float
    anchor: str
    text: str


@dataclass(frozen=True, slots=True)
class Landscape:
    """One measure upwards, one to the right; entries right of `budget`, where that is told, are not ranked."""

    description: str
    up: Measure
    across: Measure
    heights: Axis
    widths: Axis
    budget: float | None
    budget_text: str
    ceiling: float | None
    note: str
    marks: tuple[Mark, ...]  # what stands for itself
    crowd: str  # all others as one path
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """The running best as steps; a board's entries and one's own submissions as dots."""

    description: str
    heights: Axis
    widths: Axis
    best: str
    ceiling: float | None
    note: str
    crowd: str
    own: tuple[Mark, ...]
    records: list[ScoredAt]


def draw_landscape(survey: Survey, *, own: str) -> Landscape | None:
    """`own` is the name that the reader's entries carry; None if nothing was measured."""
    if not survey.marks:
        return None
    marks = [_own(each) if own and each.name == own and each.kind != Place.REFERENCE else each for each in survey.marks]
    alone, crowd = _split(marks)
    ceiling = survey.ceiling if survey.up is SCORE else None
    return Landscape(
        description=survey.description,
        up=survey.up,
        across=survey.across,
        heights=survey.heights,
        widths=survey.widths,
        budget=survey.widths.place(survey.budget) if survey.across is RUNTIME else None,
        budget_text=f"budget {format_share(survey.budget, 0)}",
        ceiling=None if ceiling is None else survey.heights.place(ceiling),
        note=survey.note if survey.up is SCORE else "",
        marks=tuple(alone),
        crowd=_make_path((mark.x, mark.y) for mark in crowd),
        labels=place_labels(marks),
    )


def draw_timeline(
    survey: Survey, records: list[ScoredAt], own: Sequence[ScoredAt], *, now: datetime
) -> Timeline | None:
    if not records:
        return None
    scores = survey.scores
    times = make_time_axis(records[0].at, now, left=LEFT, right=RIGHT)
    steps = [f"V{scores.place(each.score)}H{times.place(_seconds(after))}" for each, after in _pair(records, now)]
    last = records[-1]
    return Timeline(
        description=(
            f"The best score rose {len(records)} {'time' if len(records) == 1 else 'times'}, from"
            f" {format_number(records[0].score)} on {format_time(records[0].at)} to {format_number(last.score)}, by"
            f" {last.name}, on {format_time(last.at)}."
        ),
        heights=scores,
        widths=times,
        best=f"M{times.place(_seconds(records[0].at))} {BOTTOM}" + "".join(steps),
        ceiling=None if survey.ceiling is None else scores.place(survey.ceiling),
        note=survey.note,
        crowd=_make_path((times.place(seconds), y) for seconds, y in survey.came),
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
        name = mark.name if len(mark.name) <= LONGEST_NAME else f"{mark.name[: LONGEST_NAME - 1]}…"
        for place, box in _list_places(mark, name):
            if _is_inside(box) and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                labels.append(place)
                break
        else:
            if mark.kind == OWN:  # the reader's own is named whatever it covers
                labels.append(next(_list_places(mark, name))[0])
    return tuple(labels)


def _list_places(mark: Mark, name: str) -> Iterator[tuple[Label, Box]]:
    """Right of the mark, left, above, below; each with the room it takes."""
    width = LETTER * len(name)
    for anchor, x, left in (("start", mark.x + 8, mark.x + 8), ("end", mark.x - 8, mark.x - 8 - width)):
        box = (left, mark.y - LINE / 2, left + width, mark.y + LINE / 2)
        yield Label(x, round(mark.y + 4, 1), anchor, name), box
    for lift in (-LINE, LINE):
        middle = mark.y + lift
        box = (mark.x - width / 2, middle - LINE / 2, mark.x + width / 2, middle + LINE / 2)
        yield Label(mark.x, round(middle + 4, 1), "middle", name), box


def _is_inside(box: Box) -> bool:
    return box[0] > LEFT and box[2] < RIGHT and box[1] > TOP - LINE and box[3] < BOTTOM


def _own(mark: Mark) -> Mark:
    return replace(mark, kind=OWN)


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


def _make_path(places: Iterable[tuple[float, float]]) -> str:
    """Dots as strokes without length: round ends make them discs, and a thousand of them one element.

    On whole pixels, and one of those that would cover each other.
    """
    return "".join(dict.fromkeys([f"M{x:.0f} {y:.0f}h0" for x, y in places]))


def _pair(records: Sequence[ScoredAt], now: datetime) -> list[tuple[ScoredAt, datetime]]:
    ends = [*(each.at for each in records[1:]), max(now, records[-1].at)]
    return list(zip(records, ends, strict=True))


def _seconds(moment: datetime) -> float:
    return moment.timestamp()


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
