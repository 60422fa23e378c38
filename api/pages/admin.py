"""The admin's first page: competitions with their pools, and applying a competition file."""

import json
import tomllib
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Request, UploadFile
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.orm import Session

from api.configure import overview
from api.configure import service as configure
from api.configure.schemas import Plan
from api.deps import Configurer, EngineDep, ReadingDep
from api.organize.schemas import StateChange
from api.organize.service import change_state
from api.pages.kit.forms import submit_form
from api.pages.kit.showing import show
from core.competition_file import make_plain
from core.domain.competition import CompetitionState
from core.domain.data_sets import parse_ids
from core.domain.errors import InvalidInput, RequestRefused
from core.domain.texts import decode_text

router = APIRouter(prefix="/admin", include_in_schema=False, default_response_class=HTMLResponse)
FILE_BYTES = 1 << 20
MOST_TEXT = 1 << 20


@router.get("", name="admin")
def show_admin(request: Request, caller: Configurer, session: ReadingDep) -> HTMLResponse:
    return _render_admin(request, session)


def _render_admin(
    request: Request,
    session: Session,
    error: RequestRefused | None = None,
    *,
    plan: Plan | None = None,
    values: str = "",
    text: str = "",
) -> HTMLResponse:
    rows = overview.list_configured(session).items
    return show(request, "admin.html", error=error, competitions=rows, plan=plan, values=values, text=text)


@router.post("/plan")
def plan_file(
    request: Request,
    caller: Configurer,
    session: ReadingDep,
    text: Annotated[str, Form(max_length=MOST_TEXT)] = "",
    file: Annotated[UploadFile | None, File()] = None,
    ids: Annotated[UploadFile | None, File()] = None,
) -> Response:
    """Show what a file would change; nothing is changed before that was seen."""
    try:
        text = _read_text(file) or text
        values = _read_toml(text, _read_text(ids))
        plan = configure.plan_file(session, str(values.get("slug", "")), values).plan
    except RequestRefused as error:
        return _render_admin(request, session, error, text=text)
    return _render_admin(request, session, plan=plan, values=json.dumps(values), text=text)


@router.post("/apply")
def apply_file(
    request: Request, caller: Configurer, engine: EngineDep, values: Annotated[str, Form(max_length=MOST_TEXT)]
) -> Response:
    def act(session: Session) -> None:
        file = _read_json(values)
        configure.apply_file(session, str(file.get("slug", "")), file, caller)

    return submit_form(engine, act, lambda session, error: _render_admin(request, session, error), "/admin")


@router.post("/competitions/{slug}/prepare")
def prepare(slug: str, request: Request, caller: Configurer, engine: EngineDep) -> Response:
    """Let a draft prepare: its pools are trained, and it opens when retraining is measured."""

    def act(session: Session) -> None:
        change = StateChange(state=CompetitionState.PREPARING, reason="prepared on the admin page")
        change_state(session, slug, change, caller)

    return submit_form(engine, act, lambda session, error: _render_admin(request, session, error), "/admin")


def _read_text(file: UploadFile | None) -> str:
    content = file.file.read(FILE_BYTES + 1) if file is not None else b""
    if len(content) > FILE_BYTES:
        raise InvalidInput("the file is too large for this page; use `lacuna admin apply`", field="file")
    return decode_text(content, "the file")


def _read_toml(text: str, ids: str) -> dict[str, Any]:
    try:
        values: dict[str, Any] = make_plain(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"the file is not valid TOML: {error}", field="text") from None
    if ids:
        forget = values.get("forget")
        values["forget"] = {**(forget if isinstance(forget, dict) else {}), "ids": parse_ids(ids)}
    return values


def _read_json(text: str) -> dict[str, Any]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise InvalidInput("the form is damaged: plan the file again")
    return values
