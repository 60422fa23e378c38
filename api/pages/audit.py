"""The page of the audit log: what staff did, and whether the log and a competition's boards still hold."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from api.competitions import service as competitions
from api.deps import Auditor, ReadingDep
from api.leaderboard.checking import check_boards
from api.organize import service
from api.pages.kit.showing import show

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/audit", name="audit")
def show_audit(
    request: Request,
    caller: Auditor,
    session: ReadingDep,
    before: Annotated[int | None, Query(ge=1, lt=1 << 63)] = None,
    subject: Annotated[str | None, Query(max_length=200)] = None,
    boards: Annotated[str | None, Query(max_length=200, description="a competition")] = None,
) -> HTMLResponse:
    page = service.list_audit(session, before=before, subject=subject)
    check = service.check_audit(session)
    checked = check_boards(session, boards, caller) if boards else None
    slugs = [row.slug for row in competitions.list_visible(session, caller)]
    return show(request, "audit.html", page=page, entries=page.items, check=check, boards=checked, slugs=slugs)
