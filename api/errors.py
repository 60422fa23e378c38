"""Every error leaves as RFC 9457 problem details; domain errors get their HTTP status here and nowhere else."""

import errno
from collections.abc import Mapping
from html import escape
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from pydantic import BaseModel, Field
from sqlalchemy.exc import DataError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from api.refused.again import find_page, read_sent, show_again
from api.refused.placing import Refusal
from api.validation import OWN_WORDS, put_in_words
from core.domain.errors import (
    BlobMissing,
    Conflict,
    ContestError,
    CrossSite,
    IllegalTransition,
    InvalidInput,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    ParticipantFault,
    PhaseClosed,
    PlatformFault,
    QuotaExceeded,
    RequestRefused,
    RulesNotAccepted,
    SealBroken,
    SecondFactorNeeded,
    StoreUnavailable,
    TooLarge,
)
from core.domain.quota import LimitReached
from core.scorecard import UnreadableScorecard

log = structlog.get_logger()

STATUS_OF_ERROR: dict[type[ContestError], tuple[int, str]] = {
    ContestError: (500, "INTERNAL_ERROR"),
    ParticipantFault: (422, "SUBMISSION_FAULT"),
    PlatformFault: (503, "PLATFORM_FAULT"),
    StoreUnavailable: (503, "PLATFORM_FAULT"),
    BlobMissing: (503, "PLATFORM_FAULT"),
    SealBroken: (503, "PLATFORM_FAULT"),
    RequestRefused: (400, "REFUSED"),
    InvalidInput: (422, "INVALID_INPUT"),
    NotAuthenticated: (401, "NOT_AUTHENTICATED"),
    SecondFactorNeeded: (401, "SECOND_FACTOR_NEEDED"),
    NotFound: (404, "NOT_FOUND"),
    NotAllowed: (403, "NOT_ALLOWED"),
    CrossSite: (403, "CROSS_SITE"),
    Conflict: (409, "CONFLICT"),
    TooLarge: (413, "TOO_LARGE"),
    QuotaExceeded: (429, "QUOTA_EXCEEDED"),
    LimitReached: (429, "QUOTA_EXCEEDED"),
    PhaseClosed: (409, "PHASE_CLOSED"),
    RulesNotAccepted: (403, "RULES_NOT_ACCEPTED"),
    IllegalTransition: (409, "ILLEGAL_TRANSITION"),
}
CODE_OF_STATUS = {
    400: "BAD_REQUEST",
    401: "NOT_AUTHENTICATED",
    403: "NOT_ALLOWED",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    408: "TOO_SLOW",
    413: "TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    422: "INVALID_INPUT",
    500: "INTERNAL_ERROR",
}
DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeout)  # locked, full, restarting, out of connections
FULL = (errno.ENOSPC, errno.EDQUOT)  # where this machine keeps an upload while it reads it
RETRY_SECONDS = "10"
NO_FORM_HELPS = (401, 403, 404)  # whoever sent it is somebody else, or the page is gone
OUR_FAULT = "the platform failed; nothing of yours was lost, and you may safely try again"


_NEXT_STEP = {  # below the reason, on a page
    403: '<p>Another account may be allowed to: <a href="/login">log in</a> as that one, or ask an organizer.</p>',
    404: '<p>A page that is not public looks the same: <a href="/login">log in</a> if it is yours.</p>',
    503: "<p>Try again in a few seconds.</p>",
    500: "<p>Try again; if the fault stays, tell the operator of this server the request's number.</p>",
}


class FieldError(BaseModel):
    """One value that was refused."""

    pointer: str = Field(description="JSON pointer into the request, or `/query/…`, `/path/…`, `/header/…`")
    detail: str


class Problem(BaseModel):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str = Field(description="stable and meant for programs")
    request_id: str
    errors: list[FieldError] = []


def describe_errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe error answers for the OpenAPI document."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


def add_error_handlers(app: FastAPI) -> None:
    app.add_exception_handler(ContestError, _answer_contest_error)
    app.add_exception_handler(HTTPException, _answer_http_error)
    app.add_exception_handler(RequestValidationError, _answer_validation_error)
    app.add_exception_handler(DataError, _answer_data_error)
    app.add_exception_handler(OSError, _answer_full_disk)
    for kind in DATABASE_AWAY:
        app.add_exception_handler(kind, _answer_database_away)


def make_error_response(
    request: Request,
    status: int,
    *,
    code: str,
    detail: str,
    errors: list[FieldError] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    problem = Problem(
        type=f"urn:lacuna:error:{code.lower().replace('_', '-')}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        instance=request.url.path,
        code=code,
        request_id=getattr(request.state, "request_id", ""),
        errors=errors or [],
    )
    if _wants_page(request):
        return HTMLResponse(
            _render_page(problem, getattr(request.state, "caller", None)), status_code=status, headers=headers
        )
    return JSONResponse(
        problem.model_dump(), status_code=status, headers=headers, media_type="application/problem+json"
    )


def make_refusal(request: Request, error: RequestRefused) -> Refusal:
    """As it stands on the page that answers this request."""
    if request.method != "POST":
        return Refusal(error.message)
    return Refusal(error.message, request.url.path, error.fields, read_sent(request))


def get_status(error: ContestError) -> tuple[int, str]:
    """The nearest class of the tree that is in the table."""
    return next(STATUS_OF_ERROR[kind] for kind in type(error).__mro__ if kind in STATUS_OF_ERROR)


async def _answer_contest_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, ContestError):
        raise error
    if isinstance(error, RequestRefused) and _is_form(request) and get_status(error)[0] not in NO_FORM_HELPS:
        again = await show_again(request, make_refusal(request, error), get_status(error)[0])
        if again is not None:
            return again
    return _render_contest_error(request, error)


def _render_contest_error(request: Request, error: ContestError) -> Response:
    status, code = get_status(error)
    detail, headers = error.message, {}
    if status >= 500:  # what failed on our side may name folders and hosts
        log.error("platform fault", detail=error.message, path=request.url.path)
        if not isinstance(error, UnreadableScorecard):  # which is so again, and says what is wrong with it
            detail, headers["Retry-After"] = OUR_FAULT, RETRY_SECONDS
    if isinstance(error, LimitReached):
        code, headers["Retry-After"] = error.code, str(error.retry_after)
    if isinstance(error, ParticipantFault):
        code, detail = error.code, f"{error.message}. {error.hint}"
    if isinstance(error, NotAuthenticated) and request.method == "GET" and _wants_page(request):
        return RedirectResponse(f"/login?next={quote(request.url.path)}", status_code=303)
    if isinstance(error, NotAuthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="lacuna"'
    return make_error_response(request, status, code=code, detail=detail, headers=headers)


def _answer_http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if isinstance(error.__cause__, OSError):  # FastAPI blames the body for whatever went wrong while it was read
        return _answer_full_disk(request, error.__cause__)
    return make_http_error_response(request, error)


def make_http_error_response(request: Request, error: HTTPException) -> Response:
    details = {
        404: "there is nothing at this address",
        405: f"{request.method} is not offered at this address",
        408: "the request came too slowly, so the server stopped waiting for it; nothing was stored",
        413: "the request is larger than this server accepts",
    }
    status = error.status_code
    if status == 405 and request.method in ("GET", "HEAD") and _wants_page(request):  # the address of a form
        return RedirectResponse(find_page(request), status_code=303)
    detail = details.get(status, str(error.detail))
    code = CODE_OF_STATUS.get(status, f"HTTP_{status}")
    return make_error_response(request, status, code=code, detail=detail, headers=error.headers)


async def _answer_validation_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    fields = [FieldError(pointer=_point(found["loc"]), detail=str(found["msg"])) for found in error.errors()]
    is_page = _wants_page(request)
    detail = "; ".join(
        field.detail if found["type"] == OWN_WORDS else _say_field(field, found) if is_page
        else f"{field.pointer}: {field.detail}"
        for field, found in zip(fields[:3], error.errors(), strict=False)
    )  # fmt: skip
    if _is_form(request):
        wrong = {str(found["loc"][1]): put_in_words(found) for found in error.errors() if len(found["loc"]) > 1}
        again = await show_again(request, make_refusal(request, InvalidInput(detail, fields=wrong)), 422)
        if again is not None:
            return again
    return make_error_response(request, 422, code="INVALID_INPUT", detail=detail, errors=fields)


def _answer_data_error(request: Request, _error: Exception) -> Response:
    """PostgreSQL keeps no NUL character and no number beyond its type; whoever sent one gets to know."""
    detail = "a value cannot be kept: a NUL character, or a number that is too large"
    return make_error_response(request, 422, code="INVALID_INPUT", detail=detail)


def _answer_full_disk(request: Request, error: Exception) -> Response:
    if not isinstance(error, OSError) or error.errno not in FULL:
        raise error
    log.error("disk full", error=str(error), path=request.url.path)
    return make_error_response(
        request, 503, code="PLATFORM_FAULT", detail=OUR_FAULT, headers={"Retry-After": RETRY_SECONDS}
    )


def _answer_database_away(request: Request, error: Exception) -> Response:
    """What was begun was rolled back: an upload is kept whole or not at all."""
    log.error("database away", error=str(getattr(error, "orig", None) or error), path=request.url.path)
    detail = "the database is busy or away; nothing was changed, and you may safely try again"
    return make_error_response(
        request, 503, code="DATABASE_AWAY", detail=detail, headers={"Retry-After": RETRY_SECONDS}
    )


def _point(location: tuple[int | str, ...]) -> str:
    """A JSON pointer into the body; other places keep their name in front."""
    parts = location[1:] if location and location[0] == "body" else location
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def _say_field(field: FieldError, found: Mapping[str, Any]) -> str:
    """For people: no pointers, and no words of the library for what is not there."""
    name = field.pointer.rsplit("/", 1)[-1].replace("_", " ")
    if found["type"] == "missing":
        return f"{name} is missing"
    return f"{name}: {field.detail[:1].lower()}{field.detail[1:]}"


def _is_form(request: Request) -> bool:
    return request.method == "POST" and _wants_page(request)


def _wants_page(request: Request) -> bool:
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def _render_page(problem: Problem, caller: Any) -> str:
    # built without the template engine: it must work when that is what failed
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{problem.status} {escape(problem.title)} · Lacuna</title>"
        '<link rel="icon" href="/static/icon.svg" type="image/svg+xml">'
        '<link rel="stylesheet" href="/static/style.css"></head><body><header class="site">'
        '<a class="brand" href="/"><img src="/static/icon.svg" alt="" width="24" height="24">Lacuna</a>'
        f"{_render_navigation(caller)}</header>"
        '<main class="narrow">'
        f'<p class="kicker">Error {problem.status}</p><h1>{escape(problem.title)}</h1>'
        f"<p>{escape(problem.detail[:1].upper() + problem.detail[1:])}.</p>"
        f"{_NEXT_STEP.get(problem.status, '')}"
        '<p><a href="/">All competitions</a> · <a href="/submissions">My submissions</a></p>'
        f'<p class="soft">Request {escape(problem.request_id)}</p></main></body></html>'
    )


def _render_navigation(caller: Any) -> str:
    """Of who asks, where that is known before the fault; a log-in page leads on whoever is logged in."""
    name = getattr(caller, "name", "")
    own = f'<a href="/account">{escape(name)}</a>' if name else '<a href="/login">Log in</a>'
    return (
        '<nav aria-label="Site"><a href="/">Competitions</a> <a href="/start">First steps</a></nav>'
        f'<nav aria-label="Your account" class="account"><a href="/submissions">My submissions</a> {own}</nav>'
    )
