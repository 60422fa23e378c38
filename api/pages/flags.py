"""The page on which staff look at flags and decide."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.orm import Session

from api.deps import Caller, EngineDep, FlagReviewer, ReadingDep, SettingsDep, StoreDep
from api.pages.kit.forms import submit_form
from api.pages.kit.reading import read_decision
from api.pages.kit.showing import show
from api.review import service, similar
from api.review.schemas import FlagDecisionRequest, PairDecisionRequest
from core.db.queries import competitions
from core.domain.errors import RequestRefused
from core.domain.review import FlagState, FlagVerdict

router = APIRouter(prefix="/admin", include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/flags", name="flags")
def show_flags(
    request: Request,
    caller: FlagReviewer,
    session: ReadingDep,
    competition: Annotated[str, Query(max_length=200)] = "",
    state: FlagState = FlagState.OPEN,
    before: Annotated[str, Query(max_length=64)] = "",
) -> HTMLResponse:
    return _render_flags(request, session, caller, competition, state, before)


@router.get("/flags/alike", name="alike")
def show_alike(
    request: Request,
    caller: FlagReviewer,
    session: ReadingDep,
    store: StoreDep,
    settings: SettingsDep,
    a: Annotated[str, Query(max_length=64)],
    b: Annotated[str, Query(max_length=64)],
) -> HTMLResponse:
    """Two sources side by side."""
    sides = similar.show_sides(session, store, a, b, limit_bytes=settings.upload_bytes)
    return show(request, "alike.html", sides=sides)


@router.post("/flags/alike")
def decide_pair(
    request: Request,
    caller: FlagReviewer,
    engine: EngineDep,
    store: StoreDep,
    settings: SettingsDep,
    a: Annotated[str, Query(max_length=64)],
    b: Annotated[str, Query(max_length=64)],
    competition: Annotated[str, Form(max_length=200)],
    decision: Annotated[FlagVerdict, Form()],
    reason: Annotated[str, Form()] = "",
) -> Response:
    def act(session: Session) -> None:
        why = read_decision(reason).reason
        wanted = PairDecisionRequest(earlier=a, later=b, decision=decision, reason=why)
        similar.decide_pair(session, competition, wanted, caller)

    def again(session: Session, error: RequestRefused | None) -> HTMLResponse:
        sides = similar.show_sides(session, store, a, b, limit_bytes=settings.upload_bytes)
        return show(request, "alike.html", sides=sides, error=error)

    return submit_form(engine, act, again, "/admin/flags", f"That they are alike is {decision}.")


@router.post("/flags/{evaluation_id}/{code}")
def decide_flag(
    evaluation_id: str,
    code: str,
    request: Request,
    caller: FlagReviewer,
    engine: EngineDep,
    decision: Annotated[FlagVerdict, Form()],
    reason: Annotated[str, Form()] = "",
) -> Response:
    def act(session: Session) -> None:
        wanted = FlagDecisionRequest(decision=decision, reason=read_decision(reason).reason)
        service.decide(session, evaluation_id, code, wanted, caller)

    return submit_form(
        engine,
        act,
        lambda session, error: _render_flags(request, session, caller, "", FlagState.OPEN, "", error),
        "/admin/flags",
    )


def _render_flags(
    request: Request,
    session: Session,
    caller: Caller,
    competition: str,
    state: FlagState,
    before: str,
    error: RequestRefused | None = None,
) -> HTMLResponse:
    page = service.list_flags(session, slug=competition or None, state=state, before=before)
    slugs = [row.slug for row in competitions.fetch_competitions(session)]
    alike = [similar.list_alike(session, slug, caller) for slug in ([competition] if competition else slugs)]
    values = {
        "page": page,
        "slugs": slugs,
        "alike": [each for each in alike if each.items],
        "competition": competition,
        "state": state,
        "states": list(FlagState),
    }
    return show(request, "flags.html", error=error, **values)
