"""The board over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response
from pydantic import AwareDatetime

from api.competitions.service import load_competition
from api.deps import PublicCaller, ReadingDep
from api.errors import describe_errors
from api.leaderboard import service
from api.leaderboard.schemas import Leaderboard
from api.leaderboard.views import decode_cursor, find_view, make_etag

router = APIRouter(tags=["leaderboard"])
UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "unchanged since the ETag in If-None-Match"}}
IfNoneMatch = Annotated[str, Header()]
AsOf = Annotated[AwareDatetime | None, Query(description="the board as it stood then, with its zone: `…Z`")]


def is_known(tag: str, if_none_match: str) -> bool:
    known = {part.strip().removeprefix("W/") for part in if_none_match.split(",")}
    return tag in known or "*" in known


def make_headers(tag: str) -> dict[str, str]:
    """Kept by browsers and asked about every time; who asks decides what is shown."""
    return {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept, Authorization, Cookie"}


@router.get(
    "/competitions/{slug}/leaderboard",
    operation_id="get_leaderboard",
    response_model=Leaderboard,
    responses={**UNCHANGED, **describe_errors(404, 422)},
)
def get_leaderboard(
    slug: str,
    caller: PublicCaller,
    session: ReadingDep,
    as_of: AsOf = None,
    limit: Annotated[int, Query(ge=1, le=service.MOST_LINES)] = service.PAGE_LINES,
    cursor: Annotated[str | None, Query(max_length=100)] = None,
    if_none_match: IfNoneMatch = "",
) -> Response:
    """The board in its order: ranked entries and references by score, then what is over the budget."""
    version, offset = decode_cursor(cursor) if cursor else (None, 0)
    view = find_view(session, load_competition(session, slug), caller, as_of=as_of, version=version)
    tag = make_etag(view, "json", limit, offset)
    if is_known(tag, if_none_match):
        return Response(status_code=304, headers=make_headers(tag))
    content = service.make_leaderboard(session, view, limit=limit, offset=offset).model_dump_json().encode()
    return Response(content, media_type="application/json", headers=make_headers(tag))
