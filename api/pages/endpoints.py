"""The pages: server-rendered, readable without scripts, live with one small one."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from api.deps import PublicCaller, ReadingDep, SettingsDep
from api.pages import views
from api.pages.formats import TEMPLATES
from api.runtime import service as runtime

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/", name="home")
def show_home(request: Request, caller: PublicCaller, session: ReadingDep, settings: SettingsDep) -> HTMLResponse:
    return TEMPLATES.TemplateResponse(request, "home.html", {"cards": views.load_home(session, settings, caller)})


@router.get("/competitions/{slug}", name="competition")
def show_competition(
    slug: str, request: Request, caller: PublicCaller, session: ReadingDep, settings: SettingsDep
) -> HTMLResponse:
    page = views.load_competition(session, settings, slug, caller)
    return TEMPLATES.TemplateResponse(request, "competition.html", {"page": page})


@router.get("/submissions/{submission_id}", name="submission")
def show_submission(submission_id: str, request: Request, caller: PublicCaller, session: ReadingDep) -> HTMLResponse:
    page = views.load_submission(session, submission_id, caller)
    return TEMPLATES.TemplateResponse(request, "submission.html", {"page": page})


@router.get("/runtime", name="runtime")
def show_runtime(request: Request, caller: PublicCaller, session: ReadingDep, settings: SettingsDep) -> HTMLResponse:
    values = {"runtime": runtime.load_runtime(session, settings, caller), "codes": runtime.list_error_codes()}
    return TEMPLATES.TemplateResponse(request, "runtime.html", values)
