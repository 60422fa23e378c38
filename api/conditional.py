"""Answers that whoever has them already need not be sent again: an ETag, and 304."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Header, Response
from pydantic import BaseModel

UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "unchanged since the ETag in If-None-Match"}}
IfNoneMatch = Annotated[str, Header()]


def answer(tag: str, if_none_match: str, media_type: str, make: Callable[[], str], **headers: str) -> Response:
    """What `make` writes; to whoever knows it by its tag 304, and nothing is made.

    Kept by browsers and asked about every time; who asks decides what is shown.
    """
    kept = {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept, Authorization, Cookie"}
    if _is_known(tag, if_none_match):
        return Response(status_code=304, headers=kept)
    return Response(make(), media_type=media_type, headers={**kept, **headers})


def answer_json(tag: str, if_none_match: str, make: Callable[[], BaseModel]) -> Response:
    return answer(tag, if_none_match, "application/json", lambda: make().model_dump_json())


def _is_known(tag: str, if_none_match: str) -> bool:
    known = {part.strip().removeprefix("W/") for part in if_none_match.split(",")}
    return tag in known or "*" in known
