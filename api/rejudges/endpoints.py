"""Rejudges over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.decisions import Decision
from api.deps import EngineDep, ReadingDep, Rejudger
from api.errors import describe_errors
from api.rejudges import service
from api.rejudges.schemas import RejudgeComparison, RejudgeList, RejudgePlan, RejudgeRequest, RejudgeScope, RejudgeView
from core.db.session import reading, transaction

router = APIRouter(prefix="/admin/rejudges", tags=["rejudging"])
ROUTERS = (router,)
REFUSALS = describe_errors(401, 403, 404, 409, 422)
Slug = Annotated[str | None, Query(max_length=200)]


@router.get("", operation_id="list_rejudges", responses=describe_errors(401, 403, 404, 422))
def list_rejudges(caller: Rejudger, session: ReadingDep, competition: Slug = None) -> RejudgeList:
    """All rejudges, or one competition's, newest first."""
    return service.list_rejudges(session, competition, caller)


@router.post("/preview", operation_id="preview_rejudge", responses=REFUSALS)
def preview_rejudge(caller: Rejudger, session: ReadingDep, scope: RejudgeScope) -> RejudgePlan:
    """A dry run: how many evaluations, what they may cost, whom they concern."""
    return service.make_plan(session, scope, caller)


@router.post("", operation_id="start_rejudge", status_code=201, responses=REFUSALS)
def start_rejudge(caller: Rejudger, engine: EngineDep, request: RejudgeRequest, response: Response) -> RejudgeView:
    """Evaluate everything in scope again, in the background and aside from the board."""
    with transaction(engine) as session:
        rejudge_id = service.start(session, request, caller).id
    response.headers["Location"] = f"/api/v1/admin/rejudges/{rejudge_id}"
    return _load(engine, rejudge_id)


@router.get("/{rejudge_id}", operation_id="get_rejudge", responses=describe_errors(401, 403, 404))
def get_rejudge(rejudge_id: str, caller: Rejudger, session: ReadingDep) -> RejudgeView:
    """How far it is."""
    return service.load(session, rejudge_id)


@router.get("/{rejudge_id}/comparison", operation_id="compare_rejudge", responses=describe_errors(401, 403, 404))
def compare_rejudge(rejudge_id: str, caller: Rejudger, session: ReadingDep) -> RejudgeComparison:
    """The board without it and with it, line by line, and every evaluation before and after."""
    return service.compare(session, rejudge_id)


@router.post("/{rejudge_id}/promote", operation_id="promote_rejudge", responses=REFUSALS)
def promote_rejudge(rejudge_id: str, caller: Rejudger, engine: EngineDep, decision: Decision) -> RejudgeView:
    """Let the new evaluations count; the old ones stay as history."""
    with transaction(engine) as session:
        service.promote(session, rejudge_id, decision.reason, caller)
    return _load(engine, rejudge_id)


@router.post("/{rejudge_id}/discard", operation_id="discard_rejudge", responses=REFUSALS)
def discard_rejudge(rejudge_id: str, caller: Rejudger, engine: EngineDep, decision: Decision) -> RejudgeView:
    """Leave everything as it is; what still runs is cancelled."""
    with transaction(engine) as session:
        service.discard(session, rejudge_id, decision.reason, caller)
    return _load(engine, rejudge_id)


@router.post("/{rejudge_id}/pause", operation_id="pause_rejudge", responses=REFUSALS)
def pause_rejudge(rejudge_id: str, caller: Rejudger, engine: EngineDep, decision: Decision) -> RejudgeView:
    """Let what of it was not begun wait; what was begun ends."""
    with transaction(engine) as session:
        service.pause(session, rejudge_id, decision.reason, caller)
    return _load(engine, rejudge_id)


@router.post("/{rejudge_id}/resume", operation_id="resume_rejudge", responses=REFUSALS)
def resume_rejudge(rejudge_id: str, caller: Rejudger, engine: EngineDep, decision: Decision) -> RejudgeView:
    """Go on with what waits."""
    with transaction(engine) as session:
        service.resume(session, rejudge_id, decision.reason, caller)
    return _load(engine, rejudge_id)


def _load(engine: EngineDep, rejudge_id: str) -> RejudgeView:
    with reading(engine) as session:
        return service.load(session, rejudge_id)
