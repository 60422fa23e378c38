"""Selections and the private phase over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Header, Response

from api.conditional import UNCHANGED, IfNoneMatch, answer_json
from api.decisions import Decision
from api.deps import Member, Organizer, PublicCaller, ReadingDep, SessionDep, Submitter
from api.errors import describe_errors
from api.finals import selection, service
from api.finals.board import find_final_view, make_final_board
from api.finals.schemas import PhaseList, PrivateView, ProposalRequest, Publication, SelectionRequest, SelectionView
from api.leaderboard.answers import CHANGES, CSV_CONTENT, AsOf, BeforeVersion, MostChanges, answer_csv, wants_csv
from api.leaderboard.schemas import BoardChanges, Leaderboard
from api.leaderboard.service import list_changes
from api.leaderboard.views import make_etag

router = APIRouter(tags=["finals"])
ROUTERS = (router,)
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


@router.get(
    "/competitions/{slug}/final",
    operation_id="get_final_board",
    response_model=Leaderboard,
    responses={200: CSV_CONTENT, **UNCHANGED, **describe_errors(404, 422)},
)
def get_final_board(
    slug: str,
    caller: PublicCaller,
    session: ReadingDep,
    as_of: AsOf = None,
    accept: Annotated[str, Header()] = "",
    if_none_match: IfNoneMatch = "",
) -> Response:
    """The board of the private phase, all of it; 404 until it is published. With `Accept: text/csv` as CSV."""
    view = find_final_view(session, slug, caller, as_of=as_of)
    if wants_csv(accept):
        return answer_csv(session, view, if_none_match)
    tag = make_etag(view, "final")
    return answer_json(tag, if_none_match, lambda: make_final_board(session, view))


@router.get(
    "/competitions/{slug}/final.csv",
    operation_id="get_final_board_csv",
    response_class=Response,
    responses={200: CSV_CONTENT, **UNCHANGED, **describe_errors(404, 422)},
)
def get_final_board_csv(
    slug: str, caller: PublicCaller, session: ReadingDep, as_of: AsOf = None, if_none_match: IfNoneMatch = ""
) -> Response:
    """The same as a table, all digits."""
    return answer_csv(session, find_final_view(session, slug, caller, as_of=as_of), if_none_match)


@router.get(
    "/competitions/{slug}/final/changes",
    operation_id="list_final_changes",
    response_model=BoardChanges,
    responses={**UNCHANGED, **describe_errors(404, 422)},
)
def list_final_changes(
    slug: str,
    caller: PublicCaller,
    session: ReadingDep,
    limit: MostChanges = CHANGES,
    before: BeforeVersion = None,
    if_none_match: IfNoneMatch = "",
) -> Response:
    """Its publication and what moved since and why, newest first; staff see the scoring before it too."""
    view = find_final_view(session, slug, caller)
    tag = make_etag(view, "final changes", view.oldest, limit, before)
    return answer_json(tag, if_none_match, lambda: list_changes(session, view, limit=limit, before=before))


@router.get("/admin/competitions/{slug}/private", operation_id="get_private_phase", responses=REFUSALS)
def get_private_phase(slug: str, caller: Organizer, session: ReadingDep) -> PrivateView:
    """The finalists, how far they are, and a preview of the board."""
    return service.load_private(session, slug, caller)


@router.post("/admin/competitions/{slug}/private/start", operation_id="start_private_phase", responses=REFUSALS)
def start_private_phase(slug: str, caller: Organizer, session: SessionDep, decision: Decision) -> PrivateView:
    """Score the finalists; again: what is missing or failed on our side."""
    return service.start(session, slug, decision.reason, caller)


@router.post("/admin/competitions/{slug}/private/propose", operation_id="propose_publishing", responses=REFUSALS)
def propose_publishing(slug: str, caller: Organizer, session: SessionDep, request: ProposalRequest) -> PrivateView:
    """Where publishing takes two: ask somebody else of the staff to publish exactly this ranking."""
    return service.propose(session, slug, request, caller)


@router.post("/admin/competitions/{slug}/private/publish", operation_id="publish_private_phase", responses=REFUSALS)
def publish_private_phase(slug: str, caller: Organizer, session: SessionDep, request: Publication) -> PrivateView:
    """Make the board of the private phase everybody's, for good; where it takes two, the second one does."""
    return service.publish(session, slug, request, caller)
