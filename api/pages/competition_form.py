"""A competition set up field by field: the form makes a competition file, which is planned and applied as any other."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile

from api.configure import document as documents
from api.configure import service as configure
from api.configure.fields import DATA, FIELDS, OWN_DATA, SECTIONS, Kind
from api.configure.form import PACKAGE, SET, Values, fill_form, read_form
from api.data_sets.service import list_data_sets
from api.deps import Configurer, EngineDep, ReadingDep
from api.pages.kit.showing import show
from core.competition_file import RULES_CHARS, draw_seed
from core.db.queries import competitions
from core.db.session import reading
from core.domain.data_sets import DataSetStatus
from core.domain.errors import InvalidInput, RequestRefused
from core.domain.seeds import write_seed
from core.domain.texts import decode_text
from core.domain.toml_text import write_toml
from core.problem_files import list_problems

router = APIRouter(prefix="/admin/competitions", include_in_schema=False, default_response_class=HTMLResponse)
FIRST = "problem:digits"
MOST_FIELDS = 150
FILE_BYTES = 8 << 20
NAMES = {field.path for field in FIELDS} | {section.switch for section in SECTIONS}
MANY = {field.path for field in FIELDS if field.kind is Kind.MANY}


@router.get("/new", name="competition_form")
def show_form(
    request: Request, caller: Configurer, session: ReadingDep, start: Annotated[str, Query(max_length=100)] = FIRST
) -> HTMLResponse:
    """start: `problem:NAME` that comes with the platform, `competition:SLUG`, or `copy:SLUG` for another like it."""
    try:
        values = fill_form(_find_start(session, start))
    except RequestRefused as error:
        return _render_form(request, session, {}, start=FIRST, error=error)
    return _render_form(request, session, values, start=start)


@router.post("/new")
async def read(request: Request, caller: Configurer, engine: EngineDep) -> Response:
    async with request.form(max_files=4, max_fields=MOST_FIELDS, max_part_size=RULES_CHARS * 8) as form:
        deed = form.get("do", "plan")
        try:
            values = await _collect(form)
        except InvalidInput as error:
            return await run_in_threadpool(_refuse, request, engine, error)
    return await run_in_threadpool(_answer, request, engine, str(deed), values)


def _answer(request: Request, engine: Engine, deed: str, values: Values) -> Response:
    filled = read_form(values)
    with reading(engine) as session:
        if deed == "draw":
            return _render_form(request, session, {**values, **_draw()})
        if filled.mistakes:
            error = InvalidInput("the file was not planned: correct the marked fields")
            return _render_form(request, session, values, mistakes=filled.mistakes, error=error)
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


def _find_start(session: Session, start: str) -> dict[str, Any]:
    kind, _, name = start.partition(":")
    if kind == "competition":
        return documents.make_document(session, name)
    if kind == "copy":
        return documents.copy_document(session, name)
    if kind != "problem" or name.endswith(".toml"):
        raise InvalidInput("a form starts from `problem:NAME`, `competition:SLUG` or `copy:SLUG`")
    return documents.start_document(session, name)


def _draw() -> dict[str, str | list[str]]:
    """Fresh values for the fields of seeds, the private phase's too."""
    own = [".".join(path) for path in documents.SEEDS]
    private = ["private.split_seed", "private.forget.seed", "private.pool_seed"]
    return {path: str(write_seed(draw_seed())) for path in own + private}


def _download(document: dict[str, Any]) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{document["slug"]}.toml"'}
    return Response(write_toml(document), media_type="application/toml", headers=headers)


async def _collect(form: FormData) -> dict[str, str | list[str]]:
    """Texts by field; a file that was chosen stands for its field."""
    values: dict[str, str | list[str]] = {}
    for name in NAMES:
        if name in MANY:
            values[name] = [each for each in form.getlist(name) if isinstance(each, str)]
            continue
        text, file = form.get(name), form.get(f"{name}.file")
        values[name] = text if isinstance(text, str) else ""
        if isinstance(file, UploadFile) and file.size:
            values[name] = await _read_file(file)
    return values


async def _read_file(file: UploadFile) -> str:
    content = await file.read(FILE_BYTES + 1)
    if len(content) > FILE_BYTES:
        raise InvalidInput("the file of ids is too large for this page; use `lacuna admin apply`")
    return decode_text(content, "the file of ids")


def _render_form(
    request: Request,
    session: Session,
    values: Values,
    *,
    mistakes: dict[str, str] | None = None,
    error: RequestRefused | None = None,
    **context: Any,
) -> HTMLResponse:
    context = {"start": "", "plan": None, "document": "", **context}
    rows = [(f"competition:{row.slug}", row.title) for row in competitions.fetch_competitions(session)]
    starts = [(f"problem:{spec.slug}", spec.title) for spec in list_problems()] + rows
    data = _list_data(session, str(values.get(DATA, "")))
    found = {"sections": SECTIONS, "values": values, "mistakes": mistakes or {}, "starts": starts, "data": data}
    return show(request, "competition_form.html", error=error, **found, **context)


def _list_data(session: Session, current: str) -> list[tuple[str, str]]:
    """What there is to choose, as value and label: hidden data first."""
    ready = [
        (f"{SET}{version.reference}", f"{version.name}@{version.number}, {version.summary.train} training examples")
        for row in list_data_sets(session).items
        for version in reversed(row.versions)
        if version.status is DataSetStatus.READY and version.summary
    ]
    found = ready + [(f"{PACKAGE}{name}", f"{name}, which comes with the platform") for name in OWN_DATA]
    return found if current in dict(found) or not current else [*found, (current, current[:80])]
