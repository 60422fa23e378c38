"""Pages of admins: data sets, what is in them, uploading."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData

from api.data_sets import lineage, service
from api.data_sets.receiving import keep_file, read_field, receive_form
from api.data_sets.schemas import DataSetName, VersionNumber
from api.deps import DataManager, EngineDep, ReadingDep, SettingsDep, StoreDep
from api.pages.kit.forms import submit_form
from api.pages.kit.reading import read_decision
from api.pages.kit.showing import show
from core.domain.data_sets import NAME, NAMED_SETS, DataFormat, DataSetStatus
from core.domain.errors import InvalidInput, RequestRefused
from core.settings import Settings

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
FIELDS = ("name", "format", "named", "note")
UNFINISHED = (DataSetStatus.UPLOADED, DataSetStatus.VALIDATING)


@router.get("/admin/data-sets", name="data_sets")
def show_data_sets(request: Request, caller: DataManager, session: ReadingDep, settings: SettingsDep) -> HTMLResponse:
    return _show_list(request, session, settings)


def _show_list(
    request: Request,
    session: Session,
    settings: Settings,
    error: RequestRefused | None = None,
    typed: Mapping[str, str] | None = None,
) -> HTMLResponse:
    sets = service.list_data_sets(session).items
    values: dict[str, Any] = {"formats": list(DataFormat), "named_sets": NAMED_SETS, "limit": settings.data_set_bytes}
    values["typed"] = dict.fromkeys(FIELDS, "") | dict(typed or {})
    return show(request, "data_sets.html", error=error, sets=sets, name_pattern=NAME.pattern, **values)


@router.post("/admin/data-sets")
async def upload(
    request: Request, caller: DataManager, engine: EngineDep, store: StoreDep, settings: SettingsDep
) -> Response:
    """The form is read here and not by the framework, which would take it before asking who sends it."""
    async with receive_form(request) as form:
        source = await keep_file(form, "file", store, limit_bytes=settings.data_set_bytes)

    def add() -> Response:
        return submit_form(
            engine,
            lambda session: service.add_version(session, _read_version(form, source), caller),
            lambda session, error: _show_list(request, session, settings, error, _read_typed(form)),
            lambda version: f"/admin/data-sets/{version.data_set.name}/{version.number}",
            "Uploaded: a worker reads it now.",
        )

    return await run_in_threadpool(add)


def _read_typed(form: FormData) -> dict[str, str]:
    """What is shown again; a browser does not let a page fill in a file."""
    return {name: str(form.get(name) or "")[:500] for name in FIELDS}


def _read_version(form: FormData, source: str | None) -> service.NewVersion:
    name, format = read_field(form, "name"), read_field(form, "format")
    if not NAME.fullmatch(name):
        raise InvalidInput("a data set has a name of lower-case letters, digits and `-`", field="name")
    if format not in list(DataFormat):
        raise InvalidInput("choose a format of the list", field="format")
    named = read_field(form, "named") if format == DataFormat.NAMED else ""
    return service.NewVersion(name, DataFormat(format), source, named, read_field(form, "note", limit=500))


@router.get("/admin/data-sets/{name}/{number}", name="data_set_version")
def show_version(
    name: DataSetName, number: VersionNumber, request: Request, caller: DataManager, session: ReadingDep
) -> HTMLResponse:
    return _show_version(request, session, name, number)


@router.post("/admin/data-sets/{name}/{number}/revoke")
def revoke(
    name: DataSetName,
    number: VersionNumber,
    request: Request,
    caller: DataManager,
    engine: EngineDep,
    reason: Annotated[str, Form(max_length=500)] = "",
    stop_running: Annotated[bool, Form()] = False,
) -> Response:
    """The page that asks shows the lineage, and what runs."""

    def act(session: Session) -> None:
        why = read_decision(reason).reason
        lineage.revoke(session, name, number, why, caller, stop_running=stop_running)

    return submit_form(
        engine,
        act,
        lambda session, error: _show_version(request, session, name, number, error),
        f"/admin/data-sets/{name}/{number}",
    )


def _show_version(
    request: Request, session: Session, name: str, number: int, error: RequestRefused | None = None
) -> HTMLResponse:
    row = service.load_version(session, name, number)
    version, found = service.show_version(session, row), lineage.find_lineage(session, row)
    running = lineage.list_running(session, row)
    consequence = lineage.describe(found, running)
    context = {"is_waiting": version.status in UNFINISHED, "lineage": found, "running": running}
    return show(request, "data_set.html", error=error, version=version, consequence=consequence, **context)
