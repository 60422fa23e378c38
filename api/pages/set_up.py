"""Setting a competition up in five steps: a page each, kept as one goes, and looked over before it is made."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from api.configure import document as documents
from api.configure import set_up as service
from api.configure.fields import DATA, STEP_TITLES, SetUpStep
from api.configure.form import Values, read_form
from api.deps import Configurer, EngineDep, ReadingDep
from api.pages.kit.forms import lead_on, submit_form
from api.pages.kit.showing import show
from api.pages.kit.typed_fields import FORM, collect, list_data
from core.db.models.contests import SetUp
from core.db.queries import set_ups
from core.db.session import reading, transaction
from core.domain.errors import InvalidInput, RequestRefused

router = APIRouter(prefix="/admin/set-up", include_in_schema=False, default_response_class=HTMLResponse)
HERE = "/admin/set-up"


class Button(StrEnum):
    """How somebody leaves a step."""

    NEXT = "next"
    BACK = "back"
    LATER = "later"
    DRAW = "draw"


@router.get("", name="set_ups")
def show_set_ups(request: Request, caller: Configurer, session: ReadingDep) -> HTMLResponse:
    return _render_list(request, session)


@router.post("")
def begin(request: Request, caller: Configurer, engine: EngineDep, start: Annotated[str, Form()] = "") -> Response:
    return submit_form(
        engine,
        lambda session: service.begin(session, start, caller),
        lambda session, error: _render_list(request, session, error),
        lambda row: f"{HERE}/{row.id}/{SetUpStep.NAME}",
        "Begun: every page keeps what you type.",
    )


@router.get("/{set_up_id}", name="set_up")
def look_over(set_up_id: str, request: Request, caller: Configurer, session: ReadingDep) -> HTMLResponse:
    return _render_whole(request, session, set_up_id)


@router.post("/{set_up_id}")
def make(set_up_id: str, request: Request, caller: Configurer, engine: EngineDep) -> Response:
    return submit_form(
        engine,
        lambda session: service.make(session, set_up_id, caller),
        lambda session, error: _render_whole(request, session, set_up_id, error),
        lambda slug: f"/competitions/{slug}/organize",
        "The competition is made.",
    )


@router.post("/{set_up_id}/remove")
def remove(set_up_id: str, request: Request, caller: Configurer, engine: EngineDep) -> Response:
    return submit_form(
        engine,
        lambda session: service.remove(session, set_up_id),
        lambda session, error: _render_list(request, session, error),
        HERE,
        "Removed.",
    )


@router.get("/{set_up_id}/{part}", name="set_up_step")
def show_step(
    set_up_id: str, part: SetUpStep, request: Request, caller: Configurer, session: ReadingDep
) -> HTMLResponse:
    return _render_step(request, session, service.load(session, set_up_id), part)


@router.post("/{set_up_id}/{part}")
async def save_step(
    set_up_id: str, part: SetUpStep, request: Request, caller: Configurer, engine: EngineDep
) -> Response:
    names = {field.path for field in service.list_fields(part)}
    names |= {section.switch for section in service.list_sections(part) if section.switch}
    async with request.form(**FORM) as form:
        button = str(form.get("do", Button.NEXT))
        try:
            values = await collect(form, names)
        except InvalidInput as error:
            return await run_in_threadpool(_refuse, request, engine, set_up_id, part, error)
    return await run_in_threadpool(_save, request, engine, set_up_id, part, values, button)


def _save(request: Request, engine: Engine, set_up_id: str, step: SetUpStep, values: Values, button: str) -> Response:
    """What was typed is kept in any case, so that nobody loses a page to one wrong field."""
    with transaction(engine) as session:
        drawn = service.draw_seeds() if button == Button.DRAW else {}
        kept = service.save(session, set_up_id, {**values, **drawn}).values
    if button == Button.LATER:
        return lead_on(HERE, "Saved. Go on whenever you like.")
    before, after = service.find_neighbours(step)
    if button == Button.DRAW:
        return lead_on(f"{HERE}/{set_up_id}/{step}", "New seeds are drawn.")
    if button == Button.BACK:
        return lead_on(f"{HERE}/{set_up_id}/{before or step}", "Saved.")
    try:
        service.check_step(step, kept)
    except InvalidInput as error:
        return _refuse(request, engine, set_up_id, step, error)
    return lead_on(f"{HERE}/{set_up_id}/{after}" if after else f"{HERE}/{set_up_id}", "Saved.")


def _refuse(request: Request, engine: Engine, set_up_id: str, step: SetUpStep, error: RequestRefused) -> Response:
    with reading(engine) as session:
        return _render_step(request, session, service.load(session, set_up_id), step, error)


def _render_list(request: Request, session: Session, error: RequestRefused | None = None) -> HTMLResponse:
    starts, rows = documents.list_starts(session), set_ups.fetch_set_ups(session)
    return show(request, "set_ups.html", error=error, starts=starts, rows=rows)


def _render_step(
    request: Request, session: Session, row: SetUp, step: SetUpStep, error: RequestRefused | None = None
) -> HTMLResponse:
    return show(
        request,
        "set_up_step.html",
        error=error,
        row=row,
        step=step,
        steps=STEP_TITLES,
        before=service.find_neighbours(step)[0],
        after=service.find_neighbours(step)[1],
        sections=service.list_sections(step),
        values=row.values,
        data=list_data(session, str(row.values.get(DATA, ""))),
    )


def _render_whole(
    request: Request, session: Session, set_up_id: str, error: RequestRefused | None = None
) -> HTMLResponse:
    row = service.load(session, set_up_id)
    filled = read_form(row.values)
    corrections = service.list_corrections(filled)
    plan, why = (None, "") if corrections else service.plan(session, filled)
    values = {"corrections": corrections, "plan": plan, "why": why}
    return show(request, "set_up.html", error=error, row=row, steps=STEP_TITLES, **values)
