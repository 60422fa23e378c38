"""The board over HTTP."""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Header, Response

from api.deps import PublicCaller, ReadingDep
from api.errors import describe_errors
from api.leaderboard import service
from api.leaderboard.schemas import Leaderboard

router = APIRouter(tags=["leaderboard"])


@router.get(
    "/competitions/{slug}/leaderboard",
    operation_id="get_leaderboard",
    response_model=Leaderboard,
    responses={304: {"description": "unchanged since the ETag in If-None-Match"}, **describe_errors(404)},
)
def get_leaderboard(
    slug: str, caller: PublicCaller, session: ReadingDep, if_none_match: Annotated[str, Header()] = ""
) -> Response:
    """The board in its order: ranked entries and references by score, then what is over the budget."""
    content = service.load_leaderboard(session, slug).model_dump_json().encode()
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    known = {part.strip().removeprefix("W/") for part in if_none_match.split(",")}
    if tag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="application/json", headers=headers)
