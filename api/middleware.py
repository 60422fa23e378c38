"""Around every request: an id, the security headers, a bound on its size, and an answer when something breaks."""

import re
import traceback
from time import perf_counter

import structlog
from anyio import fail_after
from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import OUR_FAULT, make_error_response, make_http_error_response
from core.db.base import new_id

log = structlog.get_logger()
REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
# all of them ask for permission first
LARGE_PATHS = re.compile(r"/api/v1/admin/data-sets/[^/]+/versions|/admin/data-sets|/api/v1/nodes/leases/[^/]+/blobs")
GRACE_SECONDS = 15.0  # that any body may take, however short
SLOWEST_BYTES_A_SECOND = 8 << 10  # and beyond, for what has come
DRAINED_BYTES = 64 << 20  # read and dropped, so that the client sees the answer and not a broken connection
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self';"
        " font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Envelope:
    """Give the request an id, the answer its headers, and an unexpected exception a plain 500."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _choose_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        started, begin = False, perf_counter()

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _add_headers(message, request_id)
                seconds = round(perf_counter() - begin, 4)
                log.info("request", method=scope["method"], path=scope["path"], status=message["status"],
                         seconds=seconds, request_id=request_id)  # fmt: skip
            await send(message)

        try:
            await self.app(*_serve_head(scope, receive, send_with_headers))
        except Exception:
            # as plain text: a console renderer would show the local variables, and with them passwords
            text = traceback.format_exc()
            log.error("request failed", path=scope["path"], request_id=request_id, traceback=text)
            if started:
                raise
            response = make_error_response(Request(scope), 500, code="INTERNAL_ERROR", detail=OUR_FAULT)
            await response(scope, receive, send_with_headers)


class BodyLimits:
    """Bound every body, whether it tells its size or not; data sets and outputs may be larger than anything else."""

    def __init__(self, app: ASGIApp, max_bytes: int, most_bytes: int) -> None:
        self._usual, self._large = (
            DeclaredSizeLimit(RequestBodyLimitMiddleware(app, max_body_size=limit), limit)
            for limit in (max_bytes, max(max_bytes, most_bytes))
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_large = scope["type"] == "http" and scope["method"] == "POST" and LARGE_PATHS.fullmatch(scope["path"])
        await (self._large if is_large else self._usual)(scope, receive, send)


class BodyDeadline:
    """Answer 408 to a body that comes too slowly. Nothing but its connection waits for it meanwhile."""

    def __init__(self, app: ASGIApp, grace_seconds: float = GRACE_SECONDS) -> None:
        self.app = app
        self.grace_seconds = grace_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begin, received, is_whole, has_answered = perf_counter(), 0, False, False

        async def receive_in_time() -> Message:
            nonlocal received, is_whole
            if is_whole:  # what comes now is the client's leaving
                return await receive()
            left = begin + self.grace_seconds + received / SLOWEST_BYTES_A_SECOND - perf_counter()
            try:
                with fail_after(max(left, 0)):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, headers={"Connection": "close"}) from None
            received += len(message.get("body", b""))
            is_whole = not message.get("more_body", False)
            return message

        async def send_and_note(message: Message) -> None:
            nonlocal has_answered
            has_answered = True
            await send(message)

        try:
            await self.app(scope, receive_in_time, send_and_note)
        except (
            HTTPException
        ) as error:  # a reader outside of the application, such as the one that drops what is too large
            if has_answered or error.status_code != 408:
                raise
            response = make_http_error_response(Request(scope), error)
            await response(scope, receive, send)


class DeclaredSizeLimit:
    """Answer 413 to a body that says it is too large, without keeping any of it."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _declared_size(scope) <= self.max_bytes:
            await self.app(scope, receive, send)
            return
        await _drain(receive)
        detail = f"the request is larger than the {self.max_bytes:,} bytes this server accepts; nothing was stored"
        response = make_error_response(Request(scope), 413, code="TOO_LARGE", detail=detail)
        await response(scope, receive, send)


async def _drain(receive: Receive) -> None:
    dropped = 0
    while dropped < DRAINED_BYTES:
        message = await receive()
        dropped += len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body", False):
            return


def _declared_size(scope: Scope) -> int:
    text = Headers(scope=scope).get("content-length", "0")
    return int(text) if text.isdecimal() else 0


def _serve_head(scope: Scope, receive: Receive, send: Send) -> tuple[Scope, Receive, Send]:
    """HEAD is answered as GET without the body, wherever GET is."""
    if scope["method"] != "HEAD":
        return scope, receive, send

    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send(message)
            await send({"type": "http.response.body", "body": b""})  # an event stream has no end to wait for

    return {**scope, "method": "GET"}, receive, send_head


def _choose_id(scope: Scope) -> str:
    given = Headers(scope=scope).get("x-request-id", "")
    return given if REQUEST_ID.fullmatch(given) else new_id()


def _add_headers(message: Message, request_id: str) -> None:
    headers = MutableHeaders(scope=message)
    headers["X-Request-ID"] = request_id
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)
