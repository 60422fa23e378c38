"""The organizers' page of a competition's settings; every field is sent, as text."""

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from api.competitions import service as competitions
from api.deps import Caller, EngineDep, Organizer, ReadingDep, SettingsDep
from api.organize.schemas import SettingsChange
from api.organize.settings import change_settings
from api.pages.kit.forms import submit_form
from api.pages.kit.reading import read_model
from api.pages.kit.showing import show
from core.competition_file import carry_settings
from core.db.models.contests import Competition
from core.db.queries import phases
from core.domain.competition_settings import SETTINGS, Setting, Topic
from core.domain.errors import InvalidInput, RequestRefused
from core.domain.moments import parse_moment, write_local
from core.domain.phases import PhaseKind
from core.settings import Settings

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
FEW = 5  # choices that are listed rather than typed


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


@router.get("/competitions/{slug}/organize/settings", name="organize_settings")
def show_settings(
    slug: str, request: Request, caller: Organizer, session: ReadingDep, settings: SettingsDep
) -> HTMLResponse:
    return _render_settings(slug, request, caller, session, settings)


@router.post("/competitions/{slug}/organize/settings")
def change_competition_settings(
    slug: str,
    request: Request,
    caller: Organizer,
    engine: EngineDep,
    settings: SettingsDep,
    form: Annotated[SettingsForm, Form()],
) -> Response:
    return submit_form(
        engine,
        lambda session: change_settings(session, slug, read_settings(form), caller),
        lambda session, error: _render_settings(slug, request, caller, session, settings, error),
        f"/competitions/{slug}/organize/settings",
        "The settings are saved.",
    )


def _render_settings(
    slug: str,
    request: Request,
    caller: Caller,
    session: Session,
    settings: Settings,
    error: RequestRefused | None = None,
) -> HTMLResponse:
    row = competitions.load_competition(session, slug, caller)
    beside = {PhaseKind(phase.kind) for phase in phases.fetch_phases(session, row.id)}
    view = competitions.make_view(session, settings, row, caller)
    return show(request, "organize_settings.html", error=error, competition=view, topics=list_settings(row, beside))


def list_settings(competition: Competition, phases: Set[PhaseKind]) -> dict[Topic, list[SettingField]]:
    """phases: those that it has beside the public one; what is set for another one is not asked for."""
    asked = [setting for setting in SETTINGS if setting.phase is None or setting.phase in phases]
    fields = [SettingField(setting, _write(getattr(competition, setting.name))) for setting in asked]
    found = {topic: [field for field in fields if field.setting.topic is topic] for topic in Topic}
    return {topic: each for topic, each in found.items() if each}


def read_settings(form: SettingsForm) -> SettingsChange:
    """An empty field takes away what there may be none of; any other stays as it is."""
    values: dict[str, Any] = {"reason": form.reason}
    wrong: dict[str, str] = {}
    for setting in SETTINGS:
        typed = str(getattr(form, setting.name))
        if typed or setting.none:
            try:
                values[setting.name] = _read(setting, typed)
            except InvalidInput as error:
                wrong[setting.name] = error.message
    try:
        change = read_model(SettingsChange, values)
    except InvalidInput as error:
        raise InvalidInput(error.message, fields={**error.fields, **wrong}) from None
    if wrong:
        raise InvalidInput(next(iter(wrong.values())), fields=wrong)
    return change


def _read(setting: Setting, typed: str) -> str | datetime | None:
    if not typed:
        return None
    return parse_moment(typed) if setting.kind is datetime else typed


def _write(value: int | datetime | None) -> str:
    if isinstance(value, datetime):
        return write_local(value)
    return "" if value is None else str(value)
