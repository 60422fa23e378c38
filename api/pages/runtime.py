"""What submissions run on, and the codes of their faults."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from api.deps import PublicCaller, ReadingDep, SettingsDep
from api.pages.kit.showing import show
from api.runtime import service

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/runtime", name="runtime")
def show_runtime(request: Request, caller: PublicCaller, session: ReadingDep, settings: SettingsDep) -> HTMLResponse:
    found = service.load_runtime(session, settings, caller)
    return show(request, "runtime.html", runtime=found, codes=service.list_error_codes())
