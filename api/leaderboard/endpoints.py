"""The board over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Response

from api.competitions.service import load_competition
from api.conditional import UNCHANGED, IfNoneMatch, answer_json
from api.deps import Member, PublicCaller, ReadingDep
from api.errors import describe_errors
from api.leaderboard import service
from api.leaderboard.answers import (
    CHANGES,
    CSV_CONTENT,
    AsOf,
    BeforeVersion,
    MostChanges,
    OfPhase,
    answer_csv,
    wants_csv,
)
from api.leaderboard.current import find_current_view
from api.leaderboard.schemas import BoardChanges, Leaderboard, OwnPlace
from api.leaderboard.views import decode_cursor, make_etag
from core.db.queries import history

router = APIRouter(tags=["leaderboard"])
ROUTERS = (router,)


@router.get(
    "/competitions/{slug}/leaderboard",
    operation_id="get_leaderboard",
    response_model=Leaderboard,
    responses={200: CSV_CONTENT, **UNCHANGED, **describe_errors(404, 422)},
)
def get_leaderboard(
    slug: str,
    caller: PublicCaller,
    session: ReadingDep,
    as_of: AsOf = None,
    phase: OfPhase = None,
    limit: Annotated[int, Query(ge=1, le=service.MOST_LINES)] = service.PAGE_LINES,
    cursor: Annotated[str | None, Query(max_length=100)] = None,
    accept: Annotated[str, Header()] = "",
    if_none_match: IfNoneMatch = "",
) -> Response:
    """The board in its order: ranked entries and references by score, then what is over the budget.

    The final board once it is published; `phase=public` is what stood before.
    With `Accept: text/csv` all of it, as `leaderboard.csv`.
    """
    shown, version, offset = decode_cursor(cursor) if cursor else (phase, None, 0)
    row = load_competition(session, slug, caller)
    view = find_current_view(session, row, caller, as_of=as_of, version=version, phase=shown)
    if wants_csv(accept):
        return answer_csv(session, view, if_none_match)
    tag = make_etag(view, "json", limit, offset)
    return answer_json(tag, if_none_match, lambda: service.make_leaderboard(session, view, limit=limit, offset=offset))


@router.get(
    "/competitions/{slug}/leaderboard.csv",
    operation_id="get_leaderboard_csv",
    response_class=Response,
    responses={200: CSV_CONTENT, **UNCHANGED, **describe_errors(404, 422)},
)
def get_leaderboard_csv(
    slug: str,
    caller: PublicCaller,
    session: ReadingDep,
    as_of: AsOf = None,
    phase: OfPhase = None,
    if_none_match: IfNoneMatch = "",
) -> Response:
    """The whole board as a table, all digits; text that a spreadsheet would run begins with an apostrophe."""
    view = find_current_view(session, load_competition(session, slug, caller), caller, as_of=as_of, phase=phase)
    return answer_csv(session, view, if_none_match)


@router.get(
    "/competitions/{slug}/leaderboard/me",
    operation_id="get_own_place",
    response_model=OwnPlace,
    responses={**UNCHANGED, **describe_errors(401, 404)},
)
def get_own_place(
    slug: str, caller: Member, session: ReadingDep, phase: OfPhase = None, if_none_match: IfNoneMatch = ""
) -> Response:
    """Where the caller's team stands: its rank, tie group and interval."""
    view = find_current_view(session, load_competition(session, slug, caller), caller, phase=phase)
    own = history.fetch_own_team(session, view.competition.id, caller.member_id)
    tag = make_etag(view, "me", own)
    return answer_json(tag, if_none_match, lambda: service.load_own(session, view, own))


@router.get(
    "/competitions/{slug}/leaderboard/changes",
    operation_id="list_leaderboard_changes",
    response_model=BoardChanges,
    responses={**UNCHANGED, **describe_errors(404, 422)},
)
def list_changes(
    slug: str,
    caller: PublicCaller,
    session: ReadingDep,
    limit: MostChanges = CHANGES,
    before: BeforeVersion = None,
    phase: OfPhase = None,
    if_none_match: IfNoneMatch = "",
) -> Response:
    """Who moved when and why, newest first; `at` of one of them as `as_of` shows the board it made."""
    view = find_current_view(session, load_competition(session, slug, caller), caller, phase=phase)
    tag = make_etag(view, "changes", limit, before)
    return answer_json(tag, if_none_match, lambda: service.list_changes(session, view, limit=limit, before=before))
