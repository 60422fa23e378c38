"""Forms of organizers: every field is sent, as text."""

from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ValidationError

from api.announcements.schemas import NewAnnouncement
from api.organize.schemas import Grant
from api.organize.settings import SettingsChange
from core.domain.errors import InvalidInput
from core.domain.moments import parse_moment

Model = TypeVar("Model", bound=BaseModel)


def unify_lines(text: str) -> str:
    """A browser ends lines as no other way of saying the same does."""
    return text.replace("\r\n", "\n")


class SettingsForm(BaseModel):
    closes_at: str = ""  # as a browser writes it: no zone, ours is UTC
    daily_limit: str = ""
    concurrent_limit: str = ""
    total_limit: str = ""
    selection_limit: str = ""
    practice_daily_limit: str = ""
    practice_concurrent_limit: str = ""
    publish_approvals: str = ""
    reason: str = ""


class GrantForm(BaseModel):
    team: str = ""
    amount: str = ""
    reason: str = ""


class AnnouncementForm(BaseModel):
    title: str = ""
    text: Annotated[str, AfterValidator(unify_lines)] = ""


class AnnouncementChangeForm(AnnouncementForm):
    reason: str = ""


def read_form(kind: type[Model], values: dict[str, Any]) -> Model:
    """What was typed, or a refusal that names the field."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInput(f"{str(first['loc'][0]).replace('_', ' ')}: {first['msg']}") from None


def read_settings(form: SettingsForm) -> SettingsChange:
    values: dict[str, Any] = {name: value for name, value in form.model_dump().items() if value}
    values["closes_at"] = parse_moment(form.closes_at) if form.closes_at else None
    values.setdefault("total_limit", None)  # an empty field takes the limit away
    return read_form(SettingsChange, values)


def read_grant(form: GrantForm) -> Grant:
    return read_form(Grant, form.model_dump())


def read_announcement(form: AnnouncementForm) -> NewAnnouncement:
    return read_form(NewAnnouncement, form.model_dump())
