"""How the platform is, for everybody."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from api.deps import PublicCaller, ReadingDep
from api.operations.status import load_status
from api.pages.kit.showing import show

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
WORDS = {
    "working": "Everything works",
    "slow": "Submissions wait longer than usual",
    "away": "No node takes work now: submissions wait, and none is lost",
}


@router.get("/status", name="status")
def show_status(request: Request, caller: PublicCaller, session: ReadingDep) -> HTMLResponse:
    found = load_status(session)
    return show(request, "status.html", found=found, words=WORDS[found.condition])
