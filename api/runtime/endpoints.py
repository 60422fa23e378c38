"""Where submissions run and what can go wrong there, over HTTP."""

from fastapi import APIRouter, Response

from api.deps import PublicCaller, ReadingDep, SettingsDep
from api.errors import describe_errors
from api.runtime import service
from api.runtime.schemas import ErrorCodeList, RuntimeView
from core.domain.errors import NotFound
from core.starter import NAMES, read_starter

router = APIRouter(tags=["runtime"])
ROUTERS = (router,)


@router.get("/runtime", operation_id="get_runtime")
def get_runtime(caller: PublicCaller, session: ReadingDep, settings: SettingsDep) -> RuntimeView:
    """The sandbox, its Python and libraries, and what a replica of each problem may use."""
    return service.load_runtime(session, settings, caller)


@router.get("/error-codes", operation_id="list_error_codes")
def list_error_codes(caller: PublicCaller) -> ErrorCodeList:
    """Every code a submission can end with, closed and stable, and what to do about it."""
    return ErrorCodeList(items=service.list_error_codes())


@router.get(
    "/starter/{name}",
    operation_id="get_starter",
    response_class=Response,
    responses={
        200: {"content": {"text/x-python": {"schema": {"type": "string"}}}},
        **describe_errors(404),
    },
)
def get_starter(name: str, caller: PublicCaller) -> Response:
    """A documented submission to begin with: `submission.py` or `submission.ipynb`."""
    if name not in NAMES:
        raise NotFound(f"there is no such file; there are {' and '.join(NAMES)}")
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    media = "application/x-ipynb+json" if name.endswith(".ipynb") else "text/x-python"
    return Response(read_starter(name), media_type=media, headers=headers)
