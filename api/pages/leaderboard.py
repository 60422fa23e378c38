"""The tab of a competition with its board, and the list of who moved on it."""

from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from api.competitions.service import load_competition
from api.deps import PublicCaller, ReadingDep, SettingsDep
from api.pages import board
from api.pages.charts.measures import AXES, DATE, MORE, RUNTIME, SCORE
from api.pages.kit.showing import show
from api.pages.kit.strip import load_strip
from core.domain.leaderboard import Place
from core.domain.moments import parse_moment
from core.domain.phases import PhaseKind

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
PublicOnly = Literal[PhaseKind.PUBLIC] | None  # without it: the final board, once there is one


@router.get("/competitions/{slug}/leaderboard", name="leaderboard")
def show_leaderboard(
    slug: str,
    request: Request,
    caller: PublicCaller,
    session: ReadingDep,
    settings: SettingsDep,
    as_of: Annotated[str, Query(max_length=40)] = "",
    phase: PublicOnly = None,
    offset: Annotated[int, Query(ge=0, lt=1 << 31)] = 0,
    q: Annotated[str, Query(max_length=100)] = "",
    sort: Annotated[str, Query(max_length=40)] = "",
    only: Literal[Place.OVER_BUDGET] | None = None,
    columns: Literal["all"] | None = None,
    x: Annotated[str, Query(max_length=40)] = RUNTIME.key,
    y: Annotated[str, Query(max_length=40)] = SCORE.key,
) -> HTMLResponse:
    moment = parse_moment(as_of) if as_of else None
    ask = board.Ask(
        as_of=moment,
        phase=phase,
        offset=offset,
        text=q.strip(),
        sort=sort,
        place=only,
        has_all_columns=columns is not None,
        across=x,
        up=y,
    )
    row = load_competition(session, slug, caller)
    page = board.load_board(session, row, caller, ask)
    # what the links on the page carry on: an earlier board stays one when its reader turns the page
    chosen = {"phase": phase.value} if phase else {}
    kept = chosen | ({"as_of": moment.isoformat()} if moment else {})
    asked = {"q": ask.text, "sort": sort, "only": only.value if only else "", "columns": columns or ""}
    return show(
        request,
        "leaderboard.html",
        strip=load_strip(session, settings, row, caller),
        page=page,
        ask=asdict(ask),
        as_of=moment,
        kept=kept,
        chosen=chosen,
        asked={name: value for name, value in asked.items() if value},
        axes=list(AXES.values()),
        shown=(SCORE, RUNTIME, DATE),
        more=MORE,
    )


@router.get("/competitions/{slug}/changes", name="changes")
def show_changes(
    slug: str,
    request: Request,
    caller: PublicCaller,
    session: ReadingDep,
    settings: SettingsDep,
    before: Annotated[int | None, Query(ge=1, lt=1 << 31)] = None,
    phase: PublicOnly = None,
) -> HTMLResponse:
    """Who moved on the board, when and why."""
    page = board.load_changes(session, slug, caller, before, phase)
    strip = load_strip(session, settings, page.competition, caller)
    return show(request, "changes.html", strip=strip, page=page, chosen={"phase": phase.value} if phase else {})
