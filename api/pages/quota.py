"""The organizers' page of quotas: giving a team more, and where to read what was spent."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from api.competitions.service import load_competition
from api.deps import Caller, EngineDep, Organizer, ReadingDep
from api.organize.grants import grant
from api.organize.schemas import Grant
from api.pages.kit.forms import submit_form
from api.pages.kit.reading import read_model
from api.pages.kit.showing import show
from core.domain.errors import RequestRefused

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


class GrantForm(BaseModel):
    team: str = ""
    amount: str = ""
    reason: str = ""


@router.get("/competitions/{slug}/organize/grant", name="quota")
def show_quota(slug: str, request: Request, caller: Organizer, session: ReadingDep) -> HTMLResponse:
    return _render_quota(slug, request, caller, session)


@router.post("/competitions/{slug}/organize/grant")
def grant_submissions(
    slug: str, request: Request, caller: Organizer, engine: EngineDep, form: Annotated[GrantForm, Form()]
) -> Response:
    return submit_form(
        engine,
        lambda session: grant(session, slug, read_model(Grant, form.model_dump()), caller),
        lambda session, error: _render_quota(slug, request, caller, session, error),
        f"/competitions/{slug}/organize/grant",
        f"Granted to {form.team}.",
    )


def _render_quota(
    slug: str, request: Request, caller: Caller, session: Session, error: RequestRefused | None = None
) -> HTMLResponse:
    return show(request, "organize_quota.html", error=error, competition=load_competition(session, slug, caller))
