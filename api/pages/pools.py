"""The page of a competition's pools: progress, verifying, opening by hand, retiring."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.orm import Session

from api.configure import pools
from api.configure.schemas import PoolCheck
from api.deps import Configurer, EngineDep, ReadingDep, StoreDep
from api.organize.schemas import StateChange
from api.organize.service import change_state
from api.pages.kit.forms import submit_form
from api.pages.kit.reading import read_decision
from api.pages.kit.showing import show
from core.domain.competition import CompetitionState
from core.domain.errors import RequestRefused

router = APIRouter(prefix="/admin/competitions", include_in_schema=False, default_response_class=HTMLResponse)
Reason = Annotated[str, Form(max_length=500)]


@router.get("/{slug}/pools", name="pools")
def show_pools(slug: str, request: Request, caller: Configurer, session: ReadingDep) -> HTMLResponse:
    return _render_pools(request, session, slug)


@router.post("/{slug}/pools/verify")
def verify(slug: str, request: Request, caller: Configurer, session: ReadingDep, store: StoreDep) -> HTMLResponse:
    return _render_pools(request, session, slug, checks=pools.verify_pools(session, slug, store))


@router.post("/{slug}/pools/retire")
def retire(slug: str, request: Request, caller: Configurer, engine: EngineDep, reason: Reason = "") -> Response:
    return submit_form(
        engine,
        lambda session: pools.retire_pools(session, slug, read_decision(reason).reason, caller),
        lambda session, error: _render_pools(request, session, slug, error),
        f"/admin/competitions/{slug}/pools",
    )


@router.post("/{slug}/pools/open")
def open_by_hand(slug: str, request: Request, caller: Configurer, engine: EngineDep, reason: Reason = "") -> Response:
    """Activate what is prepared: submissions are taken, and scored against these pools."""

    def act(session: Session) -> None:
        change = StateChange(state=CompetitionState.OPEN, reason=read_decision(reason).reason)
        pools.check_opens_by_hand(session, slug)
        change_state(session, slug, change, caller)

    return submit_form(
        engine,
        act,
        lambda session, error: _render_pools(request, session, slug, error),
        f"/admin/competitions/{slug}/pools",
    )


def _render_pools(
    request: Request,
    session: Session,
    slug: str,
    error: RequestRefused | None = None,
    *,
    checks: list[PoolCheck] | None = None,
) -> HTMLResponse:
    return show(request, "pools.html", error=error, pools=pools.list_pools(session, slug), checks=checks)
