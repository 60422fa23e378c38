"""Selections and the private phase over HTTP."""

from fastapi import APIRouter

from api.deps import Member, Organizer, PublicCaller, ReadingDep, SessionDep, Submitter
from api.errors import describe_errors
from api.finals import selection, service
from api.finals.schemas import PhaseList, PrivateView, SelectionRequest, SelectionView
from api.leaderboard.schemas import Leaderboard
from api.organize.schemas import Decision

router = APIRouter(tags=["finals"])
REFUSALS = describe_errors(401, 403, 404, 409, 422)


@router.get("/competitions/{slug}/phases", operation_id="list_phases", responses=describe_errors(404))
def list_phases(slug: str, caller: PublicCaller, session: ReadingDep) -> PhaseList:
    """The public phase, and the private one if there is one: where they are."""
    return service.list_phases(session, slug, caller)


@router.get("/competitions/{slug}/selection", operation_id="get_selection", responses=describe_errors(401, 404))
def get_selection(slug: str, caller: Member, session: ReadingDep) -> SelectionView:
    """What the caller's team may select for the final ranking, and what it did."""
    return selection.load_selection(session, slug, caller)


@router.put("/competitions/{slug}/selection", operation_id="select_submissions", responses=REFUSALS)
def select_submissions(slug: str, caller: Submitter, session: SessionDep, request: SelectionRequest) -> SelectionView:
    """Replace the selection of the caller's team; the last one before the deadline stands."""
    return selection.select(session, slug, request.submission_ids, caller)


@router.get("/competitions/{slug}/final", operation_id="get_final_board", responses=describe_errors(404))
def get_final_board(slug: str, caller: PublicCaller, session: ReadingDep) -> Leaderboard:
    """The board of the private phase; 404 until it is published."""
    return service.load_board(session, slug, caller)


@router.get("/admin/competitions/{slug}/private", operation_id="get_private_phase", responses=REFUSALS)
def get_private_phase(slug: str, caller: Organizer, session: ReadingDep) -> PrivateView:
    """The finalists, how far they are, and a preview of the board."""
    return service.load_private(session, slug, caller)


@router.post("/admin/competitions/{slug}/private/start", operation_id="start_private_phase", responses=REFUSALS)
def start_private_phase(slug: str, caller: Organizer, session: SessionDep, decision: Decision) -> PrivateView:
    """Score the finalists; again: what is missing or failed on our side."""
    return service.start(session, slug, decision.reason, caller)


@router.post("/admin/competitions/{slug}/private/publish", operation_id="publish_private_phase", responses=REFUSALS)
def publish_private_phase(slug: str, caller: Organizer, session: SessionDep, decision: Decision) -> PrivateView:
    """Make the board of the private phase everybody's, for good."""
    return service.publish(session, slug, decision.reason, caller)
