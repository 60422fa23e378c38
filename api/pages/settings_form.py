"""Forms of organizers: every field is sent, as text."""

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from api.organize.schemas import SettingsChange
from api.pages.kit.reading import read_model
from core.competition_file import carry_settings, make_type
from core.db.models.contests import Competition
from core.domain.competition_settings import SETTINGS, Setting
from core.domain.errors import InvalidInput
from core.domain.moments import parse_moment, write_local
from core.domain.phases import PhaseKind

FEW = 5  # choices that are listed rather than typed


@carry_settings(lambda _setting: (str, ""))
class SettingsForm(BaseModel):
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SettingField:
    """One setting as the form shows it."""

    setting: Setting
    value: str
    mistake: str = ""  # in what was typed

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


def list_settings(
    competition: Competition, phases: Set[PhaseKind], typed: SettingsForm | None = None
) -> list[SettingField]:
    """phases: those that it has beside the public one; what is set for another one is not asked for.

    typed: what was sent and refused; it is shown again, each mistake at its field.
    """
    asked = [setting for setting in SETTINGS if setting.phase is None or setting.phase in phases]
    return [_fill_field(setting, _write(getattr(competition, setting.name)), typed) for setting in asked]


def read_settings(form: SettingsForm) -> SettingsChange:
    """An empty field takes away what there may be none of; any other stays as it is."""
    values: dict[str, Any] = {"reason": form.reason}
    for setting in SETTINGS:
        typed = str(getattr(form, setting.name))
        if typed or setting.none:
            values[setting.name] = _read(setting, typed)
    return read_model(SettingsChange, values)


def _read(setting: Setting, typed: str) -> str | datetime | None:
    if not typed:
        return None
    return parse_moment(typed) if setting.kind is datetime else typed


def _fill_field(setting: Setting, stands: str, typed: SettingsForm | None) -> SettingField:
    sent = str(getattr(typed, setting.name)) if typed else stands
    if not sent:
        return SettingField(setting, "" if setting.none else stands)
    return SettingField(setting, sent, _find_mistake(setting, sent) if typed else "")


def _find_mistake(setting: Setting, typed: str) -> str:
    try:
        TypeAdapter(make_type(setting)).validate_python(_read(setting, typed))
    except InvalidInput as error:
        return error.message
    except ValidationError as error:
        return error.errors()[0]["msg"]
    return ""


def _write(value: int | datetime | None) -> str:
    if isinstance(value, datetime):
        return write_local(value)
    return "" if value is None else str(value)
