"""Forms of organizers: every field is sent, as text."""

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ValidationError

from api.announcements.schemas import NewAnnouncement
from api.organize.schemas import Grant
from api.organize.settings import SettingsChange
from core.competition_file import carry_settings
from core.db.models.contests import Competition
from core.domain.competition_settings import SETTINGS, Setting
from core.domain.errors import InvalidInput
from core.domain.moments import parse_moment, write_local
from core.domain.phases import PhaseKind

FEW = 5  # choices that are listed rather than typed
Model = TypeVar("Model", bound=BaseModel)


def unify_lines(text: str) -> str:
    """A browser ends lines as no other way of saying the same does."""
    return text.replace("\r\n", "\n")


@carry_settings(lambda _setting: (str, ""))
class SettingsForm(BaseModel):
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SettingField:
    """One setting as the form shows it."""

    setting: Setting
    value: str

    @property
    def hint(self) -> str:
        return self.setting.hint_at("empty")

    @property
    def is_moment(self) -> bool:
        return self.setting.kind is datetime

    @property
    def choices(self) -> range | None:
        """Of a number, if they are few."""
        few = range(self.setting.least, self.setting.most + 1)
        return few if len(few) <= FEW and not self.is_moment else None


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


def list_settings(competition: Competition, phases: Set[PhaseKind]) -> list[SettingField]:
    """phases: those that it has beside the public one; what is set for another one is not asked for."""
    return [
        SettingField(setting, _write(getattr(competition, setting.name)))
        for setting in SETTINGS
        if setting.phase is None or setting.phase in phases
    ]


def read_settings(form: SettingsForm) -> SettingsChange:
    """An empty field takes away what there may be none of; any other stays as it is."""
    values: dict[str, Any] = {"reason": form.reason}
    for setting in SETTINGS:
        typed = str(getattr(form, setting.name))
        if typed or setting.none:
            values[setting.name] = _read(setting, typed)
    return read_form(SettingsChange, values)


def _read(setting: Setting, typed: str) -> str | datetime | None:
    if not typed:
        return None
    return parse_moment(typed) if setting.kind is datetime else typed


def _write(value: int | datetime | None) -> str:
    if isinstance(value, datetime):
        return write_local(value)
    return "" if value is None else str(value)


def read_grant(form: GrantForm) -> Grant:
    return read_form(Grant, form.model_dump())


def read_announcement(form: AnnouncementForm) -> NewAnnouncement:
    return read_form(NewAnnouncement, form.model_dump())
