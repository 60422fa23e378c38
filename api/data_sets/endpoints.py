"""Data sets over HTTP, for admins."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from api.data_sets import lineage, service
from api.data_sets.receiving import receive_body
from api.data_sets.schemas import (
    DataSetList,
    DataSetName,
    DataSetVersionView,
    Lineage,
    Revocation,
    RevocationView,
    VersionNumber,
)
from api.deps import Caller, DataManager, EngineDep, ReadingDep, SettingsDep, StoreDep
from api.errors import describe_errors
from core.db.session import transaction
from core.domain.data_sets import DataFormat

router = APIRouter(prefix="/admin/data-sets", tags=["data sets"])
ROUTERS = (router,)
BODY: dict[str, Any] = {
    "requestBody": {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
}
PNG: dict[int | str, dict[str, Any]] = {
    200: {"description": "an image", "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}
}


@router.get("", operation_id="list_data_sets", responses=describe_errors(401, 403))
def list_data_sets(caller: DataManager, session: ReadingDep) -> DataSetList:
    return service.list_data_sets(session)


@router.post(
    "/{name}/versions",
    operation_id="add_data_set_version",
    status_code=202,
    responses=describe_errors(401, 403, 413, 422),
    openapi_extra=BODY,
)
async def add_version(
    name: DataSetName,
    request: Request,
    caller: DataManager,
    engine: EngineDep,
    store: StoreDep,
    settings: SettingsDep,
    format: Annotated[DataFormat, Query()],
    named: Annotated[str, Query(max_length=40)] = "",
    note: Annotated[str, Query(max_length=500)] = "",
) -> DataSetVersionView:
    """Upload a version: the file is the body, as it is. A worker then reads it; ask until it is ready or refused."""
    source = await receive_body(request, store, limit_bytes=settings.data_set_bytes)

    def add(caller: Caller) -> DataSetVersionView:
        new = service.NewVersion(name, format, source, named, note)
        with transaction(engine) as session:
            return service.make_view(service.add_version(session, new, caller))

    return await run_in_threadpool(add, caller)


@router.get(
    "/{name}/versions/{number}", operation_id="get_data_set_version", responses=describe_errors(401, 403, 404, 422)
)
def get_version(
    name: DataSetName, number: VersionNumber, caller: DataManager, session: ReadingDep
) -> DataSetVersionView:
    """Its state, and once it is ready what is in it."""
    return service.show_version(session, service.load_version(session, name, number))


@router.get(
    "/{name}/versions/{number}/lineage",
    operation_id="get_data_set_lineage",
    responses=describe_errors(401, 403, 404, 422),
)
def get_lineage(name: DataSetName, number: VersionNumber, caller: DataManager, session: ReadingDep) -> Lineage:
    """What descends from a version: problems, pools, evaluation specs, competitions, evaluations."""
    return lineage.find_lineage(session, service.load_version(session, name, number))


@router.post(
    "/{name}/versions/{number}/revoke",
    operation_id="revoke_data_set_version",
    responses=describe_errors(401, 403, 404, 409, 422),
)
def revoke(
    name: DataSetName,
    number: VersionNumber,
    caller: DataManager,
    engine: EngineDep,
    revocation: Revocation,
    dry_run: Annotated[bool, Query(description="show what would stop, and stop nothing")] = False,
    stop_running: Annotated[bool, Query(description="cancel the evaluations that run on it, at no cost")] = False,
) -> RevocationView:
    """Let no new work begin on a version's data; what was scored stays, and what runs ends unless it is stopped."""
    with transaction(engine) as session:
        return lineage.revoke(
            session, name, number, revocation.reason, caller, dry_run=dry_run, stop_running=stop_running
        )


@router.get(
    "/{name}/versions/{number}/samples/{place}",
    operation_id="get_data_set_sample",
    response_class=Response,
    responses={**PNG, **describe_errors(401, 403, 404, 422)},
)
def get_sample(
    name: DataSetName,
    number: VersionNumber,
    place: Annotated[int, Path(ge=0, lt=100)],
    caller: DataManager,
    session: ReadingDep,
    store: StoreDep,
) -> Response:
    """One of a few training images, to see whether they were read as they are."""
    content = service.load_sample(session, store, name, number, place)
    return Response(content, media_type="image/png", headers={"Cache-Control": "private, no-store"})
