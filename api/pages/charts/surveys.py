"""What the charts of a board are drawn from, worked out once for each version of it; nothing in it is of its reader."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from api.kept import Kept
from api.leaderboard import service as leaderboard
from api.leaderboard.views import BoardView
from api.pages.charts.axes import Axis, make_percent_axis, make_runtime_axis, make_score_axis, make_time_axis
from api.pages.charts.measures import DATE, RUNTIME, SCORE, Kind, Measure, format_value, read_value
from api.pages.kit.formats import format_number, format_share
from core.db.board import StoredLine
from core.domain.leaderboard import Place
from core.scorecard import Ceiling

WIDTH, HEIGHT = 480, 300
LEFT, RIGHT, TOP, BOTTOM = 40, WIDTH - 10, 22, HEIGHT - 38
KEPT = 16
CROWDED = 1 / 3  # of the scale: where no ranked entry comes higher, the scale ends at the best of them


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
class Survey:
    """Of a board's lines with a value on both axes: places on the landscape, and on the score axis over time."""

    description: str
    across: Measure
    up: Measure
    budget: float
    ceiling: float | None  # None also where it lies above the scale
    note: str  # what lies there
    marks: tuple[Mark, ...]
    heights: Axis
    widths: Axis
    scores: Axis
    came: tuple[tuple[float, float], ...]  # of what has a rank and ran on every replica: seconds since 1970, and place


def find_survey(session: Session, view: BoardView, *, across: Measure = RUNTIME, up: Measure = SCORE) -> Survey:
    """By the digest, which says everything that a board shows."""
    top = _get_ceiling(view.ceiling)
    key = (view.board_id, view.digest, view.spec_digest, view.is_coarse, top, across.key, up.key)
    return _surveys.get(key, lambda: load_survey(session, view, across=across, up=up))


def load_survey(session: Session, view: BoardView, *, across: Measure = RUNTIME, up: Measure = SCORE) -> Survey:
    lines = leaderboard.load_lines(session, view, limit=leaderboard.MOST_LINES)
    budget = view.spec.terms.evaluation.compute_budget
    return survey_lines(lines, budget=budget, ceiling=_get_ceiling(view.ceiling), across=across, up=up)


def survey_lines(
    lines: Sequence[StoredLine],
    *,
    budget: float,
    ceiling: float | None,
    across: Measure = RUNTIME,
    up: Measure = SCORE,
) -> Survey:
    shown = [each for each in lines if None not in (_read(each, across), _read(each, up))]
    scored = [each for each in lines if each.body["score"] is not None]
    full = [each for each in scored if each.place == Place.RANKED and not each.body["decided_early"]]
    highest = max([_get_high(each) for each in scored] + [ceiling or 0.0])
    best = max(map(_get_high, full), default=0.0)
    is_cut = 0 < best < CROWDED * highest
    scores = make_score_axis(best if is_cut else highest, bottom=BOTTOM, top=TOP)
    heights = scores if up is SCORE else _make_axis(shown, up, BOTTOM, TOP)
    widths = _make_axis(shown, across, LEFT, RIGHT, budget)
    return Survey(
        description=_describe_survey(shown, across, up, budget),
        across=across,
        up=up,
        budget=budget,
        ceiling=None if is_cut else ceiling,
        note=_describe_cut(ceiling) if is_cut else "",
        marks=tuple(_mark(each, across, up, heights, widths) for each in shown),
        heights=heights,
        widths=widths,
        scores=scores,
        came=tuple((each.accepted_at.timestamp(), scores.place(each.body["score"])) for each in full),
    )


def forget() -> None:
    """Drop everything, as a new process would begin."""
    _surveys.forget()


def _read(line: StoredLine, measure: Measure) -> float | None:
    return line.accepted_at.timestamp() if measure is DATE else read_value(measure, line.body)


def _describe_survey(shown: Sequence[StoredLine], across: Measure, up: Measure, budget: float) -> str:
    if not shown:
        return ""
    ranked = sum(each.place == Place.RANKED for each in shown)
    best = max(shown, key=lambda each: _read(each, up) or 0.0)
    named = f"{best.body['name']}'s, with {across.words} {format_value(across, _read(best, across))}"
    return (
        f"{len(shown)} entries, {ranked} of them ranked. The highest {up.words}, {format_value(up, _read(best, up))},"
        f" is {named}; the budget is {format_share(budget, 0)}."
    )


def _get_high(line: StoredLine) -> float:
    return float(line.body["score_high"] or line.body["score"])


def _describe_cut(ceiling: float | None) -> str:
    above = "what is not ranked" if ceiling is None else f"the ceiling, {format_number(ceiling)},"
    return f"the scale ends at the best ranked entry; {above} lies above it"


def _make_axis(
    lines: Sequence[StoredLine], measure: Measure, start: float, end: float, budget: float | None = None
) -> Axis:
    values = [value for each in lines if (value := _read(each, measure)) is not None]
    match measure.kind:
        case Kind.SHARE:
            return make_runtime_axis(values if budget is None else [*values, budget], left=start, right=end)
        case Kind.DATE:
            first, last = (datetime.fromtimestamp(pick(values, default=0.0), UTC) for pick in (min, max))
            return make_time_axis(first, last, left=start, right=end)
        case Kind.PERCENT:
            return make_percent_axis(values, start=start, end=end)
        case _:
            return make_score_axis(max(values, default=0.0), bottom=start, top=end)


def _mark(line: StoredLine, across: Measure, up: Measure, heights: Axis, widths: Axis) -> Mark:
    body = line.body
    x, y = _read(line, across) or 0.0, _read(line, up) or 0.0
    low, high = (body["score_low"], body["score_high"]) if up is SCORE else (None, None)
    name = body["filename"].rsplit(".", 1)[0] if line.place == Place.REFERENCE else body["name"]
    return Mark(
        x=widths.place(x),
        y=heights.place(y),
        low=heights.place(y if low is None else low),
        high=heights.place(y if high is None else high),
        kind=line.place,
        title=f"{name}: {up.words} {format_value(up, y)}, {across.words} {format_value(across, x)}",
        name=name,
    )


def _get_ceiling(ceiling: Ceiling | None) -> float | None:
    return ceiling.estimate if ceiling else None


_surveys: Kept[Survey] = Kept(KEPT)
