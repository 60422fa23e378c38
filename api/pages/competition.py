"""Pages that everybody may read: competitions, their boards and changes, a submission, the runtime."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from api.deps import PublicCaller, ReadingDep, SettingsDep
from api.pages import views
from api.pages.kit.showing import TEMPLATES, make_key, show
from api.runtime import service as runtime
from core.domain.moments import parse_moment

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/", name="home")
def show_home(request: Request, caller: PublicCaller, session: ReadingDep, settings: SettingsDep) -> HTMLResponse:
    return TEMPLATES.TemplateResponse(request, "home.html", {"cards": views.load_home(session, settings, caller)})


@router.get("/competitions/{slug}", name="competition")
def show_competition(
    slug: str,
    request: Request,
    caller: PublicCaller,
    session: ReadingDep,
    settings: SettingsDep,
    as_of: Annotated[str, Query(max_length=40)] = "",
    offset: Annotated[int, Query(ge=0, lt=1 << 31)] = 0,
) -> HTMLResponse:
    moment = parse_moment(as_of) if as_of else None
    page = views.load_competition(session, settings, slug, caller, as_of=moment, offset=offset)
    # what the links on the page carry on: an earlier board stays one when its reader turns the page
    kept = {"as_of": moment.isoformat()} if moment else {}
    values = {"page": page, "as_of": moment, "kept": kept}
    return TEMPLATES.TemplateResponse(request, "competition.html", values)


@router.get("/competitions/{slug}/changes", name="changes")
def show_changes(
    slug: str,
    request: Request,
    caller: PublicCaller,
    session: ReadingDep,
    before: Annotated[int | None, Query(ge=1, lt=1 << 31)] = None,
) -> HTMLResponse:
    """Who moved on the board, when and why."""
    page = views.load_changes(session, slug, caller, before)
    return TEMPLATES.TemplateResponse(request, "changes.html", {"page": page})


@router.get("/submissions/{submission_id}", name="submission")
def show_submission(submission_id: str, request: Request, caller: PublicCaller, session: ReadingDep) -> HTMLResponse:
    page = views.load_submission(session, submission_id, caller)
    return show(request, "submission.html", page=page, key=make_key())


@router.get("/runtime", name="runtime")
def show_runtime(request: Request, caller: PublicCaller, session: ReadingDep, settings: SettingsDep) -> HTMLResponse:
    values = {"runtime": runtime.load_runtime(session, settings, caller), "codes": runtime.list_error_codes()}
    return TEMPLATES.TemplateResponse(request, "runtime.html", values)
