"""The organizers' page of announcements: announce, edit, withdraw."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import AfterValidator, BaseModel
from sqlalchemy.orm import Session

from api.announcements import service
from api.announcements.schemas import AnnouncementChange, NewAnnouncement
from api.competitions.service import load_competition
from api.deps import Caller, EngineDep, Organizer, ReadingDep
from api.pages.kit.forms import submit_form
from api.pages.kit.reading import read_decision, read_model, unify_lines
from api.pages.kit.showing import show
from core.domain.errors import RequestRefused

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


class AnnouncementDeed(StrEnum):
    EDIT = "edit"
    WITHDRAW = "withdraw"


class AnnouncementForm(BaseModel):
    title: str = ""
    text: Annotated[str, AfterValidator(unify_lines)] = ""
    preview: bool = False

    @property
    def typed(self) -> dict[str, str]:
        return self.model_dump(exclude={"preview"})


class AnnouncementChangeForm(AnnouncementForm):
    reason: str = ""


@router.get("/competitions/{slug}/organize/announcements", name="announce")
def show_announcements(slug: str, request: Request, caller: Organizer, session: ReadingDep) -> HTMLResponse:
    return _render(slug, request, caller, session)


@router.post("/competitions/{slug}/organize/announcements")
def announce(
    slug: str, request: Request, caller: Organizer, engine: EngineDep, form: Annotated[AnnouncementForm, Form()]
) -> Response:
    return submit_form(
        engine,
        lambda session: service.announce(session, slug, read_model(NewAnnouncement, form.typed), caller),
        lambda session, error: _render(slug, request, caller, session, error, typed=form.typed),
        f"/competitions/{slug}/organize/announcements",
        "Announced.",
        preview=form.preview,
    )


@router.post("/competitions/{slug}/organize/announcements/{announcement_id}/{deed}")
def change_announcement(
    slug: str,
    announcement_id: str,
    deed: AnnouncementDeed,
    request: Request,
    caller: Organizer,
    engine: EngineDep,
    form: Annotated[AnnouncementChangeForm, Form()],
) -> Response:
    def act(session: Session) -> None:
        if deed is AnnouncementDeed.EDIT:
            change = read_model(AnnouncementChange, form.typed)
            service.edit(session, slug, announcement_id, change, caller)
        else:
            service.withdraw(session, slug, announcement_id, read_decision(form.reason).reason, caller)

    return submit_form(
        engine,
        act,
        lambda session, error: _render(slug, request, caller, session, error, typed=form.typed, of=announcement_id),
        f"/competitions/{slug}/organize/announcements",
        "Saved." if deed is AnnouncementDeed.EDIT else "Withdrawn.",
        preview=form.preview,
    )


def _render(
    slug: str,
    request: Request,
    caller: Caller,
    session: Session,
    error: RequestRefused | None = None,
    *,
    typed: Mapping[str, str] | None = None,
    of: str = "",
) -> HTMLResponse:
    """typed: what was sent to be read before it is kept; of: the announcement it is of, or none for a new one."""
    row = load_competition(session, slug, caller)
    announced = service.list_announcements(session, slug, caller).items
    return show(
        request,
        "organize_announcements.html",
        error=error,
        competition=row,
        announced=announced,
        typed={of: typed or {}},
    )
