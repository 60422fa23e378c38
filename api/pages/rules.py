"""The page of a competition's rules: everybody reads, members accept, organizers write."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.orm import Session

from api.competitions.service import load_competition
from api.deps import Caller, EngineDep, Organizer, PublicCaller, ReadingDep, SettingsDep, Submitter
from api.pages.kit.forms import submit_form
from api.pages.kit.reading import read_model, unify_lines
from api.pages.kit.showing import show
from api.pages.kit.strip import load_strip
from api.rules import service
from api.rules.schemas import RULES_LENGTH, NewRules
from core.domain.access import Action
from core.domain.competition import CompetitionState
from core.domain.errors import RequestRefused
from core.settings import Settings

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
OPEN = CompetitionState.OPEN


@router.get("/competitions/{slug}/rules", name="rules")
def show_rules(
    slug: str, request: Request, caller: PublicCaller, session: ReadingDep, settings: SettingsDep
) -> HTMLResponse:
    return _render_rules(slug, request, caller, session, settings)


def _render_rules(
    slug: str,
    request: Request,
    caller: Caller,
    session: Session,
    settings: Settings,
    error: RequestRefused | None = None,
    *,
    typed: str | None = None,
) -> HTMLResponse:
    competition = load_competition(session, slug, caller)
    rules = service.make_view(session, competition, caller)
    may_write = caller.may(Action.MANAGE_COMPETITION)
    strip = load_strip(session, settings, competition, caller)
    values = {
        "strip": strip,
        "competition": competition,
        "rules": rules,
        "may_write": may_write,
        "is_open": competition.state == OPEN,
    }
    return show(request, "rules.html", error=error, text=rules.text if typed is None else typed, **values)


@router.post("/competitions/{slug}/rules/accept")
def accept_rules(
    slug: str,
    request: Request,
    caller: Submitter,
    engine: EngineDep,
    settings: SettingsDep,
    version: Annotated[int, Form(ge=1, le=1 << 30)],
) -> Response:
    return submit_form(
        engine,
        lambda session: service.accept_rules(session, slug, version, caller),
        lambda session, error: _render_rules(slug, request, caller, session, settings, error),
        f"/competitions/{slug}/rules",
        "You accepted the rules.",
    )


@router.post("/competitions/{slug}/rules")
def write_rules(
    slug: str,
    request: Request,
    caller: Organizer,
    engine: EngineDep,
    settings: SettingsDep,
    text: Annotated[str, Form()] = "",
    preview: Annotated[bool, Form()] = False,
) -> Response:
    return submit_form(
        engine,
        lambda session: service.write_rules(session, slug, _read_rules(text), caller),
        lambda session, error: _render_rules(slug, request, caller, session, settings, error, typed=text),
        f"/competitions/{slug}/rules",
        preview=preview,
    )


def _read_rules(text: str) -> str:
    values = {"text": unify_lines(text)}
    return read_model(NewRules, values, f"rules have at most {RULES_LENGTH:,} characters").text
