"""The quota's ledger over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.deps import Member, Organizer, ReadingDep
from api.errors import describe_errors
from api.ledger import service
from api.ledger.schemas import LedgerView

router = APIRouter(tags=["competitions"])
ROUTERS = (router,)
TeamName = Annotated[str, Query(min_length=1, max_length=64, description="its name")]


@router.get("/competitions/{slug}/limits/ledger", operation_id="get_ledger", responses=describe_errors(401, 404))
def get_ledger(slug: str, caller: Member, session: ReadingDep) -> LedgerView:
    """Every submission that the caller's team was charged for, given back or granted, newest first."""
    return service.load_own(session, slug, caller)


@router.get(
    "/admin/competitions/{slug}/ledger",
    operation_id="get_ledger_of_team",
    responses=describe_errors(401, 403, 404, 422),
)
def get_ledger_of_team(slug: str, team: TeamName, caller: Organizer, session: ReadingDep) -> LedgerView:
    """The same of any team."""
    return service.load_of_team(session, slug, team, caller)
