"""Reviewing flags over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.deps import FlagReviewer, ReadingDep, SessionDep
from api.errors import describe_errors
from api.review import service, similar
from api.review.schemas import AlikeList, AlikePair, FlagDecisionRequest, FlagPage, PairDecisionRequest, ReviewedFlag
from core.domain.review import FlagState

router = APIRouter(prefix="/admin", tags=["reviewing"])
ROUTERS = (router,)


@router.get("/flags", operation_id="list_flags", responses=describe_errors(401, 403, 404, 422))
def list_flags(
    caller: FlagReviewer,
    session: ReadingDep,
    competition: Annotated[str | None, Query(max_length=200)] = None,
    state: FlagState = FlagState.OPEN,
    before: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = service.FLAG_PAGE,
) -> FlagPage:
    """Entries whose scorecards carry flags, newest first; without `state`, those that somebody should look at."""
    return service.list_flags(session, slug=competition, state=state, before=before, limit=limit)


@router.get("/competitions/{slug}/alike", operation_id="list_alike", responses=describe_errors(401, 403, 404))
def list_alike(slug: str, caller: FlagReviewer, session: ReadingDep) -> AlikeList:
    """Submissions of two teams whose code is the same, or nearly: a person should look at both."""
    return similar.list_alike(session, slug, caller)


@router.post(
    "/competitions/{slug}/alike/decision", operation_id="decide_pair", responses=describe_errors(401, 403, 404, 422)
)
def decide_pair(slug: str, caller: FlagReviewer, session: SessionDep, decision: PairDecisionRequest) -> AlikePair:
    """Dismiss or uphold that two sources are alike, with a reason; nothing else follows from it."""
    return similar.decide_pair(session, slug, decision, caller)


@router.post(
    "/evaluations/{evaluation_id}/flags/{code}/decision",
    operation_id="decide_flag",
    responses=describe_errors(401, 403, 404, 422),
)
def decide_flag(
    evaluation_id: str, code: str, caller: FlagReviewer, session: SessionDep, decision: FlagDecisionRequest
) -> ReviewedFlag:
    """Dismiss or uphold a flag, with a reason; nothing else follows from it."""
    return service.decide(session, evaluation_id, code, decision, caller)
