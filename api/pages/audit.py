"""The page of the audit log: what staff did, and whether the log and a competition's boards still hold."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from api.competitions import service as competitions
from api.deps import Auditor, ReadingDep
from api.leaderboard.checking import check_boards
from api.organize import service
from api.pages.kit.showing import show
from core.db.queries.audit import AuditChoice, fetch_names
from core.domain.moments import parse_moment

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
Name = Annotated[str, Query(max_length=200)]
Typed = Annotated[str, Query(max_length=40)]


@router.get("/audit", name="audit")
def show_audit(
    request: Request,
    caller: Auditor,
    session: ReadingDep,
    before: Annotated[int | None, Query(ge=1, lt=1 << 63)] = None,
    actor: Name = "",
    action: Name = "",
    subject: Name = "",
    since: Typed = "",
    until: Typed = "",
    boards: Annotated[str | None, Query(max_length=200, description="a competition")] = None,
) -> HTMLResponse:
    begin, end = (parse_moment(typed) if typed else None for typed in (since, until))
    page = service.list_audit(session, AuditChoice(actor, action, subject, begin, end), before=before)
    chosen = {"actor": actor, "action": action, "subject": subject}
    chosen |= {name: moment.isoformat() for name, moment in (("since", begin), ("until", end)) if moment}
    actors, actions = fetch_names(session)
    values: dict[str, Any] = {
        "kept": {name: value for name, value in chosen.items() if value},
        "typed": {**chosen, "since": begin, "until": end},
        "actors": actors,
        "actions": actions,
        "check": service.check_audit(session),
        "boards": check_boards(session, boards, caller) if boards else None,
        "slugs": [row.slug for row in competitions.list_visible(session, caller)],
    }
    return show(request, "audit.html", page=page, entries=page.items, **values)
