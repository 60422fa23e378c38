"""The files that pages load: compressed, and kept by browsers for as long as their name says what is in them."""

import hashlib
import re
from functools import cache
from pathlib import Path

from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

STATIC_FOLDER = Path(__file__).parent / "pages" / "static"
FOR_EVER = "public, max-age=31536000, immutable"  # the address changes with the content
FOR_A_WHILE = "public, max-age=300"
COMPRESSED_FROM = 1000  # bytes
NAMED_BY_VERSION = re.compile(r"/vendor/[^/]*-\d+\.\d+\.\d+[^/]*")


@cache
def make_address(name: str) -> str:
    """Of a static file, with a part of its digest, so that a changed one is loaded and an unchanged one is not."""
    digest = hashlib.sha256((STATIC_FOLDER / name).read_bytes()).hexdigest()
    return f"/static/{name}?v={digest[:12]}"


class KeptFiles(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code in (200, 304):
            is_named = b"v=" in scope.get("query_string", b"") or NAMED_BY_VERSION.search(f"/{path}") is not None
            response.headers["Cache-Control"] = FOR_EVER if is_named else FOR_A_WHILE
        return response


class Compression:
    """For static files and for whoever sends no cookie.

    A page made for somebody who is logged in is sent as it is: beside what somebody else put into it, the length of
    a compressed one would tell what else it holds (BREACH).
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._compressed = GZipMiddleware(app, minimum_size=COMPRESSED_FROM, compresslevel=6)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        names = {name for name, _ in scope.get("headers", ())} if scope["type"] == "http" else set()
        is_static = scope["type"] == "http" and scope["path"].startswith("/static/")
        is_private = b"cookie" in names or b"authorization" in names
        is_plain = scope["type"] != "http" or (is_private and not is_static)
        await (self.app if is_plain else self._compressed)(scope, receive, send)
