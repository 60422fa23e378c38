"""The page of a form, found from the form's address, and shown once more when the form was refused."""

from collections.abc import Mapping, Sequence

from fastapi import Request
from fastapi.responses import HTMLResponse
from starlette.routing import Match
from starlette.types import Message

from api.refused.placing import Refusal, place_refusal


def find_page(request: Request) -> str:
    """The page whose form has this address: a form's address begins with that of its page."""
    path = request.url.path
    while not _is_read(request, path):
        if "/" not in path.strip("/"):
            return "/"
        path = path.rsplit("/", 1)[0]
    return path


def read_sent(request: Request) -> Mapping[str, Sequence[str]]:
    """The texts of the form as far as it was read; files are not sent back to anybody."""
    form = getattr(request, "_form", None)  # asking for it would read a body that nobody was allowed to send yet
    if form is None:
        return {}
    return {name: [each for each in form.getlist(name) if isinstance(each, str)] for name in form}


async def show_again(request: Request, refusal: Refusal, status: int) -> HTMLResponse | None:
    """The form's page with the refusal on it; None where this reader cannot see the page."""
    page = await _read_page(request, find_page(request))
    if page is None:
        return None
    return HTMLResponse(place_refusal(page, refusal), status_code=status, headers={"Cache-Control": "no-store"})


def _is_read(request: Request, path: str) -> bool:
    scope = {**request.scope, "method": "GET", "path": path, "root_path": ""}
    return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)


async def _read_page(request: Request, path: str) -> str | None:
    """What the application itself answers to this reader there."""
    status, pieces = 0, []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        status = message.get("status", status)
        pieces.append(message.get("body", b""))

    scope = {**request.scope, "method": "GET", "path": path, "raw_path": path.encode(), "root_path": ""}
    await request.app.router(scope, receive, send)
    return b"".join(pieces).decode() if status == 200 else None
