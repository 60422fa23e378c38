"""What the charts of a board are drawn from, worked out once for each version of it; nothing in it is of its reader."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from api.kept import Kept
from api.leaderboard import service as leaderboard
from api.leaderboard.views import BoardView
from api.pages.charts.axes import Axis, make_runtime_axis, make_score_axis
from api.pages.kit.formats import format_number, format_share
from core.db.board import StoredLine
from core.domain.leaderboard import Place
from core.scorecard import Ceiling

WIDTH, HEIGHT = 480, 300
LEFT, RIGHT, TOP, BOTTOM = 40, WIDTH - 10, 12, HEIGHT - 38
KEPT = 16


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
    """Of a board's lines with a score and a runtime: places on the landscape, and on the score axis over time."""

    description: str
    budget: float
    ceiling: float | None
    marks: tuple[Mark, ...]
    scores: Axis
    runtimes: Axis
    ranked_scores: Axis  # of what has a rank and ran on every replica
    came: tuple[tuple[float, float], ...]  # of the same: seconds since 1970, and the place on that axis


def find_survey(session: Session, view: BoardView) -> Survey:
    """By the digest, which says everything that a board shows."""
    key = (view.board_id, view.digest, view.spec_digest, view.is_coarse, _get_ceiling(view.ceiling))
    return _surveys.get(key, lambda: load_survey(session, view))


def load_survey(session: Session, view: BoardView) -> Survey:
    lines = leaderboard.load_lines(session, view, limit=leaderboard.MOST_LINES)
    budget = view.spec.terms.evaluation.compute_budget
    return survey_lines(lines, budget=budget, ceiling=_get_ceiling(view.ceiling))


def survey_lines(lines: Sequence[StoredLine], *, budget: float, ceiling: float | None) -> Survey:
    shown = [each for each in lines if each.body["score"] is not None and each.body["relative_runtime"] is not None]
    ranked = [each for each in shown if each.place == Place.RANKED]
    full = [each for each in ranked if not each.body["decided_early"]]
    scores, ranked_scores = _make_score_axis(shown, ceiling), _make_score_axis(full, ceiling)
    spent = [each.body["relative_runtime"] for each in shown]
    runtimes = make_runtime_axis([*spent, budget], left=LEFT, right=RIGHT)
    return Survey(
        description=_describe_survey(shown, len(ranked), budget),
        budget=budget,
        ceiling=ceiling,
        marks=tuple(_mark(each, scores, runtimes) for each in shown),
        scores=scores,
        runtimes=runtimes,
        ranked_scores=ranked_scores,
        came=tuple((each.accepted_at.timestamp(), ranked_scores.place(each.body["score"])) for each in full),
    )


def forget() -> None:
    """Drop everything, as a new process would begin."""
    _surveys.forget()


def _describe_survey(shown: Sequence[StoredLine], ranked: int, budget: float) -> str:
    if not shown:
        return ""
    best = max(shown, key=lambda each: each.body["score"]).body
    return (
        f"{len(shown)} entries, {ranked} of them ranked. The highest score, {format_number(best['score'])}, is"
        f" {best['name']}'s and took {format_share(best['relative_runtime'])} of a retraining;"
        f" the budget is {format_share(budget, 0)}."
    )


def _make_score_axis(lines: Sequence[StoredLine], ceiling: float | None) -> Axis:
    highest = max([each.body["score_high"] or each.body["score"] for each in lines], default=0.0)
    return make_score_axis(max(highest, ceiling or 0.0), bottom=BOTTOM, top=TOP)


def _mark(line: StoredLine, scores: Axis, runtimes: Axis) -> Mark:
    body = line.body
    score, low, high = body["score"], body["score_low"], body["score_high"]
    name = body["filename"].rsplit(".", 1)[0] if line.place == Place.REFERENCE else body["name"]
    return Mark(
        x=runtimes.place(body["relative_runtime"]),
        y=scores.place(score),
        low=scores.place(score if low is None else low),
        high=scores.place(score if high is None else high),
        kind=line.place,
        title=f"{name}: score {format_number(score)}, relative runtime {format_share(body['relative_runtime'])}",
        name=name,
    )


def _get_ceiling(ceiling: Ceiling | None) -> float | None:
    return ceiling.estimate if ceiling else None


_surveys: Kept[Survey] = Kept(KEPT)
