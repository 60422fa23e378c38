"""Where submissions run and what can go wrong there, over HTTP."""

from fastapi import APIRouter

from api.deps import PublicCaller, ReadingDep, SettingsDep
from api.runtime import service
from api.runtime.schemas import ErrorCodeList, RuntimeView

router = APIRouter(tags=["runtime"])


@router.get("/runtime", operation_id="get_runtime")
def get_runtime(caller: PublicCaller, session: ReadingDep, settings: SettingsDep) -> RuntimeView:
    """The sandbox, its Python and libraries, and what a replica of each problem may use."""
    return service.load_runtime(session, settings, caller)


@router.get("/error-codes", operation_id="list_error_codes")
def list_error_codes(caller: PublicCaller) -> ErrorCodeList:
    """Every code a submission can end with, closed and stable, and what to do about it."""
    return ErrorCodeList(items=service.list_error_codes())
