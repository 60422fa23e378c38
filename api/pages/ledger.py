"""The page of a team's quota: its own, or any team's for those who grant."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from api.competitions.service import load_competition
from api.deps import Member, Organizer, ReadingDep
from api.ledger import service
from api.pages.kit.showing import show

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/competitions/{slug}/ledger", name="ledger")
def show_ledger(slug: str, request: Request, caller: Member, session: ReadingDep) -> HTMLResponse:
    competition = load_competition(session, slug, caller)
    return show(request, "ledger.html", competition=competition, ledger=service.load_own(session, slug, caller))


@router.get("/competitions/{slug}/organize/ledger", name="ledger_of_team")
def show_ledger_of_team(
    slug: str,
    request: Request,
    caller: Organizer,
    session: ReadingDep,
    team: Annotated[str, Query(min_length=1, max_length=64)],
) -> HTMLResponse:
    competition = load_competition(session, slug, caller)
    found = service.load_of_team(session, slug, team, caller)
    return show(request, "ledger.html", competition=competition, ledger=found)
