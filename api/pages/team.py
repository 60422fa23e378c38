"""The page of one's team: its members, invitations both ways, its name."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.orm import Session

from api.competitions.service import load_competition
from api.deps import Caller, EngineDep, Member, ReadingDep, Submitter
from api.pages.kit.forms import submit_form
from api.pages.kit.reading import read_model
from api.pages.kit.showing import show
from api.teams import service
from api.teams.schemas import NewName
from core.domain.errors import InvalidInput, RequestRefused

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
NAME_RULE = "a team's name has 2 to 39 letters, digits, spaces, `_`, `.` or `-`"


@router.get("/competitions/{slug}/team", name="team")
def show_team(slug: str, request: Request, caller: Member, session: ReadingDep) -> HTMLResponse:
    return _render_team(slug, request, caller, session)


def _render_team(
    slug: str, request: Request, caller: Caller, session: Session, error: RequestRefused | None = None
) -> HTMLResponse:
    competition = load_competition(session, slug, caller)
    own = service.load_own(session, slug, caller)
    leads = own.team is not None and any(each.is_leader and each.name == caller.name for each in own.team.members)
    return show(request, "team.html", error=error, competition=competition, own=own, leads=leads)


def _do(slug: str, request: Request, caller: Caller, engine: EngineDep, act: Callable[[Session], object]) -> Response:
    return submit_form(
        engine,
        act,
        lambda session, error: _render_team(slug, request, caller, session, error),
        f"/competitions/{slug}/team",
    )


@router.post("/competitions/{slug}/team")
def save_name(
    slug: str, request: Request, caller: Submitter, engine: EngineDep, name: Annotated[str, Form()] = ""
) -> Response:
    """Make a team, or give one's team another name."""

    def act(session: Session) -> None:
        chosen = read_model(NewName, {"name": name.strip()}, NAME_RULE).name
        own = service.load_own(session, slug, caller)
        if own.team is None:
            service.create(session, slug, chosen, caller)
        else:
            service.rename(session, own.team.id, chosen, caller)

    return _do(slug, request, caller, engine, act)


@router.post("/competitions/{slug}/team/invite")
def invite(
    slug: str, request: Request, caller: Submitter, engine: EngineDep, user: Annotated[str, Form()] = ""
) -> Response:
    def act(session: Session) -> None:
        own = service.load_own(session, slug, caller)
        if own.team is None:
            raise InvalidInput("make a team first", field="user")
        service.invite(session, own.team.id, user.strip(), caller)

    return _do(slug, request, caller, engine, act)


@router.post("/competitions/{slug}/team/accept/{invite_id}")
def accept(slug: str, invite_id: str, request: Request, caller: Submitter, engine: EngineDep) -> Response:
    return _do(slug, request, caller, engine, lambda session: service.accept(session, invite_id, caller))


@router.post("/competitions/{slug}/team/decline/{invite_id}")
def decline(slug: str, invite_id: str, request: Request, caller: Submitter, engine: EngineDep) -> Response:
    return _do(slug, request, caller, engine, lambda session: service.decline(session, invite_id, caller))


@router.post("/competitions/{slug}/team/leave")
def leave(slug: str, request: Request, caller: Submitter, engine: EngineDep) -> Response:
    def act(session: Session) -> None:
        own = service.load_own(session, slug, caller)
        if own.team is None:
            raise InvalidInput("you are in no team")
        service.leave(session, own.team.id, caller)

    return _do(slug, request, caller, engine, act)
