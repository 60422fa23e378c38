"""The organizers' first page of a competition: what to do next, and its state."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.orm import Session

from api.competitions import service as competitions
from api.deps import Caller, EngineDep, Organizer, ReadingDep, SettingsDep
from api.organize import service, workspace
from api.organize.schemas import StateChange
from api.pages.kit.forms import submit_form
from api.pages.kit.reading import read_decision
from api.pages.kit.showing import show
from core.db.base import utc_now
from core.db.queries import evaluations
from core.domain.competition import COMPETITION_MOVES, CompetitionState
from core.domain.errors import RequestRefused
from core.domain.next_step import Step
from core.settings import Settings

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/competitions/{slug}/organize", name="organize")
def show_organize(
    slug: str, request: Request, caller: Organizer, session: ReadingDep, settings: SettingsDep
) -> HTMLResponse:
    return _render_organize(slug, request, caller, session, settings)


@router.post("/competitions/{slug}/organize/state")
def change_state(
    slug: str,
    request: Request,
    caller: Organizer,
    engine: EngineDep,
    settings: SettingsDep,
    state: Annotated[CompetitionState, Form()],
    reason: Annotated[str, Form()] = "",
) -> Response:
    def act(session: Session) -> None:
        change = StateChange(state=state, reason=read_decision(reason).reason)
        service.change_state(session, slug, change, caller)

    return submit_form(
        engine,
        act,
        lambda session, error: _render_organize(slug, request, caller, session, settings, error),
        f"/competitions/{slug}/organize",
        f"The competition is {state} now.",
    )


def _render_organize(
    slug: str,
    request: Request,
    caller: Caller,
    session: Session,
    settings: Settings,
    error: RequestRefused | None = None,
) -> HTMLResponse:
    row = competitions.load_competition(session, slug, caller)
    return show(
        request,
        "organize.html",
        error=error,
        competition=competitions.make_view(session, settings, row, caller),
        moves=sorted(COMPETITION_MOVES[row.state_at(utc_now())]),
        outcomes=sorted(evaluations.count_outcomes(session, row.id).items()),
        next=workspace.find_step(session, slug, caller),
        steps=list(Step),
    )
