"""The page of a competition: its problem card, its board, and who moved on it."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from api.deps import PublicCaller, ReadingDep, SettingsDep
from api.pages import board
from api.pages.kit.showing import show
from core.domain.moments import parse_moment
from core.domain.phases import PhaseKind

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
PublicOnly = Literal[PhaseKind.PUBLIC] | None  # without it: the final board, once there is one


@router.get("/competitions/{slug}", name="competition")
def show_competition(
    slug: str,
    request: Request,
    caller: PublicCaller,
    session: ReadingDep,
    settings: SettingsDep,
    as_of: Annotated[str, Query(max_length=40)] = "",
    phase: PublicOnly = None,
    offset: Annotated[int, Query(ge=0, lt=1 << 31)] = 0,
) -> HTMLResponse:
    moment = parse_moment(as_of) if as_of else None
    page = board.load_competition(session, settings, slug, caller, as_of=moment, phase=phase, offset=offset)
    # what the links on the page carry on: an earlier board stays one when its reader turns the page
    chosen = {"phase": phase.value} if phase else {}
    kept = chosen | ({"as_of": moment.isoformat()} if moment else {})
    return show(request, "competition.html", page=page, as_of=moment, kept=kept, chosen=chosen)


@router.get("/competitions/{slug}/changes", name="changes")
def show_changes(
    slug: str,
    request: Request,
    caller: PublicCaller,
    session: ReadingDep,
    before: Annotated[int | None, Query(ge=1, lt=1 << 31)] = None,
    phase: PublicOnly = None,
) -> HTMLResponse:
    """Who moved on the board, when and why."""
    page = board.load_changes(session, slug, caller, before, phase)
    return show(request, "changes.html", page=page, chosen={"phase": phase.value} if phase else {})
