"""The page that puts two or more submissions side by side."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup
from sqlalchemy.orm import Session

from api.competitions.service import load_competition
from api.deps import Caller, Member, ReadingDep
from api.pages.charts.drawing import ScoreBar, draw_score, trust_svg
from api.pages.kit.showing import show
from api.submissions import service as submissions
from api.submissions.comparison import list_choices, load_comparison, load_figures
from api.submissions.schemas import ComparedEpsilons, Comparison, SubmissionView
from core.db.queries import evaluations, history

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
BAR_WIDTH = 320
MOST_MORE = 4
SIDE, EDGE = 300.0, 30.0  # of the scatter: its square, and room for numbers
LEAST = 1.0  # nats that the scatter shows at least
HALF, ROW, GAP = 190.0, 20.0, 60.0  # of the histogram: a side's width, a bucket's height, room for epsilon between


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket of epsilon: both counts, and how long their bars are."""

    y: float
    label: str
    a: int
    b: int
    a_width: float
    b_width: float


@dataclass(frozen=True, slots=True)
class Histogram:
    height: float
    buckets: list[Bucket]


@dataclass(frozen=True, slots=True)
class Scatter:
    dots: str
    top: float
    count: int
    b_is_better: int
    a_is_better: int


@router.get("/competitions/{slug}/compare", name="compare")
def show_compare(
    slug: str,
    request: Request,
    caller: Member,
    session: ReadingDep,
    a: Annotated[str, Query(max_length=64)] = "",
    b: Annotated[str, Query(max_length=64)] = "",
    more: Annotated[list[Annotated[str, Query(max_length=64)]] | None, Query(max_length=MOST_MORE)] = None,
) -> HTMLResponse:
    """Who names fewer than two submissions sees their own newest first; `more` stand beside them, number by number."""
    competition = load_competition(session, slug, caller)
    choices = list_choices(session, slug, caller)
    team = history.fetch_own_team(session, competition.id, caller.member_id)
    own_first = sorted(choices, key=lambda choice: choice.name != (team.name if team else caller.name))
    a, b = pick(a, b, [choice.submission_id for choice in own_first])
    found = load_comparison(session, slug, a, b, caller) if a and b else None
    return show(
        request,
        "compare.html",
        competition=competition,
        choices=choices,
        picked={"a": a, "b": b},
        more=[each for each in more or [] if each],
        others=[load_figures(session, slug, each, caller) for each in more or [] if each] if found else [],
        found=found,
        pictures=_find_pictures(session, found, caller) if found else [],
        scatter=draw_scatter(found.epsilons) if found and found.epsilons else None,
        bars=_draw_bars(found) if found else [],
        histogram=draw_histogram(found.epsilons) if found and found.epsilons else None,
    )


def pick(a: str, b: str, offered: list[str]) -> tuple[str, str]:
    """Fill what was not named: the first offered as B, the next one as A; empty where there are not two."""
    b = b or next((each for each in offered if each != a), "")
    a = a or next((each for each in offered if each != b), "")
    return a, b


def draw_histogram(epsilons: ComparedEpsilons) -> Histogram:
    """Back to back on one scale: A grows to the left, B to the right, epsilon downwards."""
    most = max([*epsilons.a, *epsilons.b, 1])
    buckets = [
        Bucket(
            y=ROW * place,
            label=f"{edge:g}{'+' if place == len(epsilons.edges) - 1 else ''}",
            a=a,
            b=b,
            a_width=round(HALF * a / most, 1),
            b_width=round(HALF * b / most, 1),
        )
        for place, (edge, a, b) in enumerate(zip(epsilons.edges, epsilons.a, epsilons.b, strict=True))
    ]
    return Histogram(ROW * len(buckets), buckets)


def draw_scatter(epsilons: ComparedEpsilons) -> Scatter | None:
    """A forget example a dot: epsilon under A to the right, under B upwards; below the line B forgets it better."""
    if not epsilons.each_a or not epsilons.each_b:
        return None
    top = max(*epsilons.each_a, *epsilons.each_b, LEAST)
    pairs = list(zip(epsilons.each_a, epsilons.each_b, strict=True))

    def place(value: float) -> float:
        return SIDE * value / top

    dots = dict.fromkeys(f"M{EDGE + place(a):.0f} {SIDE + EDGE - place(b):.0f}h0" for a, b in pairs)
    better = [sum(b < a for a, b in pairs), sum(a < b for a, b in pairs)]
    return Scatter("".join(dots), top, len(pairs), *better)


def _find_pictures(session: Session, found: Comparison, caller: Caller) -> list[tuple[str, Markup]]:
    """Of those whose single examples the reader may see."""
    pictures = []
    for name, view in (("A", found.a), ("B", found.b)):
        row = submissions.load_visible(session, view.id, caller)
        card = evaluations.fetch_scorecard(session, view.evaluation_id)
        picture = trust_svg(card.confidence_svg) if card and submissions.sees(row, "plots", caller) else None
        if picture:
            pictures.append((name, picture))
    return pictures


def _draw_bars(found: Comparison) -> list[tuple[str, SubmissionView, ScoreBar | None]]:
    return [(name, view, _draw_bar(view)) for name, view in (("A", found.a), ("B", found.b))]


def _draw_bar(view: SubmissionView) -> ScoreBar | None:
    score = view.score
    return draw_score(score.estimate, score.low, score.high, None, width=BAR_WIDTH) if score else None
