"""Forms of the organizers' page that announce, edit and withdraw."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import AfterValidator, BaseModel
from sqlalchemy.orm import Session

from api.announcements import service
from api.announcements.schemas import AnnouncementChange, NewAnnouncement
from api.deps import EngineDep, Organizer, SettingsDep
from api.pages.kit.forms import submit_form
from api.pages.kit.reading import read_decision, read_model, unify_lines
from api.pages.organize import Sent, show_again

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


@router.post("/competitions/{slug}/organize/announce")
def announce(
    slug: str,
    request: Request,
    caller: Organizer,
    engine: EngineDep,
    settings: SettingsDep,
    form: Annotated[AnnouncementForm, Form()],
) -> Response:
    return submit_form(
        engine,
        lambda session: service.announce(session, slug, read_model(NewAnnouncement, form.typed), caller),
        show_again(slug, request, caller, settings, Sent("announce", form.typed)),
        f"/competitions/{slug}",
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
    settings: SettingsDep,
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
        show_again(slug, request, caller, settings, Sent(announcement_id, form.typed)),
        f"/competitions/{slug}/organize#announced",
        "Saved." if deed is AnnouncementDeed.EDIT else "Withdrawn.",
        preview=form.preview,
    )
