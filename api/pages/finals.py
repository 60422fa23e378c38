"""Pages of the end of a competition: a team's selection, the private phase for its organizers, the final board."""

from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.orm import Session

from api.competitions.service import load_competition
from api.deps import Caller, EngineDep, Member, Organizer, PublicCaller, ReadingDep, Submitter
from api.finals import selection, service
from api.finals.board import find_final_view, make_final_board
from api.finals.schemas import SELECTABLE
from api.leaderboard.service import list_changes
from api.pages.account import show
from api.pages.endpoints import read_moment
from api.pages.forms import submit_form
from api.pages.organize import read_decision
from core.domain.errors import InvalidInput, RequestRefused

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
SHOWN_CHANGES = 50


class Step(StrEnum):
    START = "start"
    PUBLISH = "publish"


@router.get("/competitions/{slug}/selection", name="selection")
def show_selection(slug: str, request: Request, caller: Member, session: ReadingDep) -> HTMLResponse:
    return _show_selection(slug, request, caller, session)


def _show_selection(
    slug: str, request: Request, caller: Caller, session: Session, error: RequestRefused | None = None
) -> HTMLResponse:
    competition = load_competition(session, slug, caller)
    view = selection.load_selection(session, slug, caller)
    return show(request, "selection.html", error=error, competition=competition, selection=view, choices=view.items)


@router.post("/competitions/{slug}/selection")
def save_selection(
    slug: str,
    request: Request,
    caller: Submitter,
    engine: EngineDep,
    chosen: Annotated[list[str], Form()] = [],  # noqa: B006 (FastAPI copies it)
) -> Response:
    def act(session: Session) -> None:
        if len(chosen) > SELECTABLE:
            raise InvalidInput("that is more than anybody may select")
        selection.select(session, slug, chosen, caller)

    return submit_form(
        engine,
        act,
        lambda session, error: _show_selection(slug, request, caller, session, error),
        f"/competitions/{slug}/selection",
    )


@router.get("/competitions/{slug}/final", name="final_board")
def show_final_board(
    slug: str,
    request: Request,
    caller: PublicCaller,
    session: ReadingDep,
    as_of: Annotated[str, Query(max_length=40)] = "",
) -> HTMLResponse:
    moment = read_moment(as_of)
    view = find_final_view(session, slug, caller, as_of=moment)
    values: dict[str, Any] = {
        "competition": view.competition,
        "board": make_final_board(session, view),
        "phase": service.list_phases(session, slug, caller).items[-1],
        "changes": list_changes(session, view, limit=SHOWN_CHANGES).items,
        "as_of": moment,
    }
    return show(request, "final_board.html", **values)


@router.get("/competitions/{slug}/organize/private", name="private_phase")
def show_private(slug: str, request: Request, caller: Organizer, session: ReadingDep) -> HTMLResponse:
    return _show_private(slug, request, caller, session)


def _show_private(
    slug: str, request: Request, caller: Caller, session: Session, error: RequestRefused | None = None
) -> HTMLResponse:
    competition = load_competition(session, slug, caller)
    view = service.load_private(session, slug, caller)
    return show(request, "private_phase.html", error=error, competition=competition, private=view)


@router.post("/competitions/{slug}/organize/private/{step}")
def move_private(
    slug: str,
    step: Step,
    request: Request,
    caller: Organizer,
    engine: EngineDep,
    reason: Annotated[str, Form()] = "",
) -> Response:
    act = service.start if step is Step.START else service.publish
    return submit_form(
        engine,
        lambda session: act(session, slug, read_decision(reason).reason, caller),
        lambda session, error: _show_private(slug, request, caller, session, error),
        f"/competitions/{slug}/organize/private",
    )
