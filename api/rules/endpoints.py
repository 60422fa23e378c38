"""Rules over HTTP."""

from fastapi import APIRouter

from api.deps import Organizer, PublicCaller, ReadingDep, SessionDep, Submitter
from api.errors import describe_errors
from api.rules import service
from api.rules.schemas import NewRules, RulesAcceptanceRequest, RulesView

router = APIRouter(tags=["competitions"])
ROUTERS = (router,)


@router.get("/competitions/{slug}/rules", operation_id="get_rules", responses=describe_errors(404))
def get_rules(slug: str, caller: PublicCaller, session: ReadingDep) -> RulesView:
    """The newest version of the rules."""
    return service.load_rules(session, slug, caller)


@router.post(
    "/competitions/{slug}/rules/acceptance",
    operation_id="accept_rules",
    responses=describe_errors(401, 403, 404, 409, 422),
)
def accept_rules(slug: str, caller: Submitter, session: SessionDep, request: RulesAcceptanceRequest) -> RulesView:
    """Accept the version that was read; doing it again changes nothing."""
    return service.accept_rules(session, slug, request.version, caller)


@router.put(
    "/admin/competitions/{slug}/rules",
    operation_id="write_rules",
    responses=describe_errors(401, 403, 404, 409, 422),
)
def write_rules(slug: str, caller: Organizer, session: SessionDep, new: NewRules) -> RulesView:
    """Write the next version, which everybody has to accept before submitting again."""
    return service.write_rules(session, slug, new.text, caller)
