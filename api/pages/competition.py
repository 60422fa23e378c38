"""The tabs of a competition: overview, data card, one's own entries, announcements."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.announcements import service as announcements
from api.competitions.service import load_competition
from api.deps import Member, PublicCaller, ReadingDep, SettingsDep
from api.pages import board
from api.pages.charts.measures import DATE, RUNTIME, SCORE
from api.pages.kit.showing import show
from api.pages.kit.strip import load_strip
from api.submissions import service as submissions
from api.submissions.publishing import list_solutions
from core.db.queries import phases

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
OF_THE_BOARD = ("as_of", "phase", "offset")  # what older links to this page name
PAGE_SIZE = 50


@router.get("/competitions/{slug}", name="competition")
def show_competition(
    slug: str, request: Request, caller: PublicCaller, session: ReadingDep, settings: SettingsDep
) -> Response:
    asked = {name: request.query_params[name] for name in OF_THE_BOARD if name in request.query_params}
    if asked:
        return RedirectResponse(f"/competitions/{slug}/leaderboard?{urlencode(asked)}", status_code=307)
    row = load_competition(session, slug, caller)
    return show(
        request,
        "competition.html",
        strip=load_strip(session, settings, row, caller),
        page=board.load_top(session, row, caller),
        shown=(SCORE, RUNTIME, DATE),
        announcements=announcements.list_announcements(session, slug, caller).items,
        solutions=list_solutions(session, row),
    )


@router.get("/competitions/{slug}/data", name="competition_data")
def show_data(
    slug: str, request: Request, caller: PublicCaller, session: ReadingDep, settings: SettingsDep
) -> HTMLResponse:
    row = load_competition(session, slug, caller)
    strip = load_strip(session, settings, row, caller)
    return show(request, "competition_data.html", strip=strip)


@router.get("/competitions/{slug}/entries", name="competition_entries")
def show_entries(
    slug: str,
    request: Request,
    caller: Member,
    session: ReadingDep,
    settings: SettingsDep,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> HTMLResponse:
    row = load_competition(session, slug, caller)
    found = submissions.list_own(session, caller, limit=PAGE_SIZE, cursor=cursor, competition_id=row.id)
    selections = phases.fetch_slugs(session, [slug])
    page = {"entries": found.items, "next_cursor": found.next_cursor, "selections": selections}
    return show(request, "entries.html", strip=load_strip(session, settings, row, caller), page=page)


@router.get("/competitions/{slug}/announcements", name="competition_announcements")
def show_announcements(
    slug: str, request: Request, caller: PublicCaller, session: ReadingDep, settings: SettingsDep
) -> HTMLResponse:
    row = load_competition(session, slug, caller)
    found = announcements.list_announcements(session, slug, caller).items
    strip = load_strip(session, settings, row, caller)
    return show(request, "competition_announcements.html", strip=strip, announcements=found)
