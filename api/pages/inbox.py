"""What one is told on the site itself."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.deps import EngineDep, Manager, Member, ReadingDep
from api.notifications import inbox
from api.pages.kit.forms import lead_on
from api.pages.kit.reading import clean_next
from api.pages.kit.showing import show
from core.db.session import transaction

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
SHOWN = 50


@router.get("/inbox", name="inbox")
def show_inbox(
    request: Request,
    caller: Member,
    session: ReadingDep,
    before: Annotated[str | None, Query(max_length=64)] = None,
) -> HTMLResponse:
    found = inbox.list_messages(session, caller, before=before, limit=SHOWN)
    return show(request, "inbox.html", found=found, before=before)


@router.post("/inbox")
def read_all(caller: Manager, engine: EngineDep) -> Response:
    with transaction(engine) as session:
        inbox.read_all(session, caller)
    return lead_on("/inbox", "Everything is marked as read.")


@router.post("/inbox/{message_id}")
def open_message(message_id: str, caller: Manager, engine: EngineDep) -> Response:
    """Mark it as read, and go to the page that it is about."""
    with transaction(engine) as session:
        message = inbox.read_one(session, message_id, caller)
    return RedirectResponse(clean_next(message.path), status_code=303)
