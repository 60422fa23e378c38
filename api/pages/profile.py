"""Who somebody is to others: a person's history, and a team."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from api.deps import PublicCaller, ReadingDep
from api.directory import profiles
from api.pages.kit.showing import show

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/people/{name}", name="profile")
def show_profile(name: str, request: Request, caller: PublicCaller, session: ReadingDep) -> HTMLResponse:
    return show(request, "profile.html", found=profiles.load_profile(session, name, caller))


@router.get("/competitions/{slug}/teams/{name}", name="team_profile")
def show_team(slug: str, name: str, request: Request, caller: PublicCaller, session: ReadingDep) -> HTMLResponse:
    return show(request, "team_profile.html", found=profiles.load_team(session, slug, name, caller))
