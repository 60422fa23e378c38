"""From nothing to a first entry: in the browser, with the command line, from a notebook."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from api.competitions import service as competitions
from api.deps import PublicCaller, ReadingDep, SettingsDep
from api.pages.kit.showing import show
from core.domain.competition import CompetitionState
from core.starter import NAMES, STARTER

router = APIRouter(include_in_schema=False)


@router.get("/start", name="start", response_class=HTMLResponse)
def show_start(request: Request, caller: PublicCaller, session: ReadingDep, settings: SettingsDep) -> HTMLResponse:
    rows = competitions.list_visible(session, caller)
    here = next((row for row in rows if row.state is CompetitionState.OPEN), None)
    source = STARTER.read_text(encoding="utf-8")
    site = settings.resolved_public_url
    return show(request, "start.html", competition=here, names=NAMES, source=source, site=site)
