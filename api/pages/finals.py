"""Pages of the end of a competition: a team's selection, the private phase for its organizers, the final board."""

from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from api.competitions.service import load_competition
from api.deps import Caller, EngineDep, Member, Organizer, PublicCaller, ReadingDep, Submitter
from api.finals import selection, service
from api.finals.board import find_final_view, make_final_board
from api.finals.schemas import SELECTABLE, ProposalRequest, Publication
from api.leaderboard.service import list_changes
from api.pages.kit.forms import submit_form
from api.pages.kit.reading import read_decision, read_model
from api.pages.kit.showing import show
from core.db.base import utc_now
from core.db.queries import phases
from core.domain.access import Action
from core.domain.errors import InvalidInput, RequestRefused
from core.domain.moments import parse_moment

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
SHOWN_CHANGES = 50


class Step(StrEnum):
    START = "start"
    PROPOSE = "propose"
    PUBLISH = "publish"


class StepForm(BaseModel):
    reason: str = ""
    digest: str = ""  # of the board on the page that was sent


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
            raise InvalidInput("that is more than anybody may select", field="chosen")
        selection.select(session, slug, chosen, caller)

    return submit_form(
        engine,
        act,
        lambda session, error: _show_selection(slug, request, caller, session, error),
        f"/competitions/{slug}/selection",
        "The selection is saved.",
    )


@router.get("/competitions/{slug}/final", name="final_board")
def show_final_board(
    slug: str,
    request: Request,
    caller: PublicCaller,
    session: ReadingDep,
    as_of: Annotated[str, Query(max_length=40)] = "",
) -> HTMLResponse:
    return _show_final(slug, request, caller, session, as_of=as_of)


def _show_final(
    slug: str,
    request: Request,
    caller: Caller,
    session: Session,
    error: RequestRefused | None = None,
    *,
    as_of: str = "",
) -> HTMLResponse:
    moment = parse_moment(as_of) if as_of else None
    view = find_final_view(session, slug, caller, as_of=moment)
    is_staff = caller.may(Action.MANAGE_COMPETITION)
    values: dict[str, Any] = {
        "competition": view.competition,
        "private": service.load_private(session, slug, caller) if is_staff else None,
        "board": make_final_board(session, view),
        "phase": service.find_private(session, slug, caller),
        "changes": list_changes(session, view, limit=SHOWN_CHANGES).items,
        "as_of": moment,
    }
    return show(request, "final_board.html", error=error, **values)


@router.get("/competitions/{slug}/organize/private", name="private_phase")
def show_private(slug: str, request: Request, caller: Organizer, session: ReadingDep) -> HTMLResponse:
    return _show_private(slug, request, caller, session)


def _show_private(
    slug: str, request: Request, caller: Caller, session: Session, error: RequestRefused | None = None
) -> HTMLResponse:
    competition = load_competition(session, slug, caller)
    has_one = phases.fetch_private_phase(session, competition.id) is not None
    view = service.load_private(session, slug, caller) if has_one else None
    state = competition.state_at(utc_now())
    return show(request, "private_phase.html", error=error, competition=competition, private=view, state=state)


@router.post("/competitions/{slug}/organize/private/{step}")
def move_private(
    slug: str,
    step: Step,
    request: Request,
    caller: Organizer,
    engine: EngineDep,
    form: Annotated[StepForm, Form()],
) -> Response:
    here = f"/competitions/{slug}/organize/private"
    show_again = _show_private if step is Step.START else _show_final  # whichever has the button
    return submit_form(
        engine,
        lambda session: _move(session, slug, step, form, caller),
        lambda session, error: show_again(slug, request, caller, session, error),
        f"/competitions/{slug}/final" if step is Step.PUBLISH else here,
        {Step.START: "The finalists are being scored.", Step.PROPOSE: "Proposed.", Step.PUBLISH: "Published."}[step],
    )


def _move(session: Session, slug: str, step: Step, form: StepForm, caller: Caller) -> None:
    if step is Step.START:
        service.start(session, slug, read_decision(form.reason).reason, caller)
    elif step is Step.PROPOSE:
        service.propose(session, slug, read_model(ProposalRequest, form.model_dump()), caller)
    else:
        values = form.model_dump() | {"digest": form.digest or None}
        service.publish(session, slug, read_model(Publication, values), caller)
