"""Every field of a competition on one page: it makes a competition file, which is planned and applied as any other."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from api.configure import document as documents
from api.configure import service as configure
from api.configure.fields import DATA, SECTIONS
from api.configure.form import Values, fill_form, read_form
from api.configure.set_up import draw_seeds
from api.deps import Configurer, EngineDep, ReadingDep
from api.pages.kit.showing import show
from api.pages.kit.typed_fields import FORM, NAMES, collect, list_data
from core.db.session import reading
from core.domain.errors import InvalidInput, RequestRefused
from core.domain.toml_text import write_toml

router = APIRouter(prefix="/admin/competitions", include_in_schema=False, default_response_class=HTMLResponse)
FIRST = "problem:digits"


@router.get("/new", name="competition_form")
def show_form(
    request: Request, caller: Configurer, session: ReadingDep, start: Annotated[str, Query(max_length=100)] = FIRST
) -> HTMLResponse:
    try:
        values = fill_form(documents.find_start(session, start))
    except RequestRefused as error:
        return _render_form(request, session, {}, start=FIRST, error=error)
    return _render_form(request, session, values, start=start)


@router.post("/new")
async def read(request: Request, caller: Configurer, engine: EngineDep) -> Response:
    async with request.form(**FORM) as form:
        deed = form.get("do", "plan")
        try:
            values = await collect(form, NAMES)
        except InvalidInput as error:
            return await run_in_threadpool(_refuse, request, engine, error)
    return await run_in_threadpool(_answer, request, engine, str(deed), values)


def _answer(request: Request, engine: Engine, deed: str, values: Values) -> Response:
    filled = read_form(values)
    with reading(engine) as session:
        if deed == "draw":
            return _render_form(request, session, {**values, **draw_seeds()})
        if filled.mistakes:
            error = InvalidInput("the file was not planned: correct the marked fields", fields=filled.mistakes)
            return _render_form(request, session, values, error=error)
        if deed == "toml":
            return _download(filled.document)
        try:
            plan = configure.plan_file(session, filled.document["slug"], filled.document).plan
        except RequestRefused as error:
            return _render_form(request, session, values, error=error)
        return _render_form(request, session, values, plan=plan, document=json.dumps(filled.document))


def _refuse(request: Request, engine: Engine, error: InvalidInput) -> Response:
    with reading(engine) as session:
        return _render_form(request, session, {}, error=error)


def _download(document: dict[str, Any]) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{document["slug"]}.toml"'}
    return Response(write_toml(document), media_type="application/toml", headers=headers)


def _render_form(
    request: Request, session: Session, values: Values, *, error: RequestRefused | None = None, **context: Any
) -> HTMLResponse:
    context = {"start": "", "plan": None, "document": "", **context}
    found = {"sections": SECTIONS, "values": values, "starts": documents.list_starts(session)}
    data = list_data(session, str(values.get(DATA, "")))
    return show(request, "competition_form.html", error=error, data=data, **found, **context)
