"""From an RFC 9457 answer to the same exceptions that the platform raises inside."""

import random

import httpx2

from core.domain.errors import (
    Conflict,
    ContestError,
    InvalidInput,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    PlatformFault,
    QuotaExceeded,
    SecondFactorNeeded,
    TooLarge,
)

LONGEST_PAUSE_SECONDS = 30.0  # a server that says "come back tomorrow" is not waited for
REPEATED = frozenset({409, 429, 502, 503, 504})

_ERROR_OF_STATUS: dict[int, type[ContestError]] = {
    401: NotAuthenticated,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    429: QuotaExceeded,
}

_HINTS_OF_MISSING = (
    ("/submissions/", "`lacuna submissions` lists yours"),
    ("/invites", "they make an account with `lacuna register NAME`; ask for the exact name"),
    ("/competitions/", "`lacuna competitions` lists those you may see"),
)


class Transient(Exception):
    """A failure that may pass; `retry_after` seconds if the server said so."""

    def __init__(self, error: ContestError, retry_after: float | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.retry_after = retry_after


def read_problem(response: httpx2.Response, *, asked_by_nobody: bool = False) -> ContestError:
    """asked_by_nobody: there was no token to send, so that one is missing is said in words of this side."""
    status = response.status_code
    kind = _ERROR_OF_STATUS.get(status, PlatformFault if status >= 500 else InvalidInput)
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return kind(f"the server answered {status} {response.reason_phrase} to {response.url}")
    if body.get("code") == "SECOND_FACTOR_NEEDED":
        return SecondFactorNeeded(_describe_problem(body, status))
    site = f"{response.url.scheme}://{response.url.netloc.decode()}"
    says = f"you are not logged in at {site}" if status == 401 and asked_by_nobody else _describe_problem(body, status)
    return _with_hint(kind(says), status, response.url.path)


def read_retry_after(response: httpx2.Response) -> float | None:
    """Say how long to wait before the same request may succeed, or None if it should not be repeated."""
    named = response.headers.get("Retry-After")
    seconds = float(named) if named is not None and named.isdecimal() else None
    if response.status_code not in REPEATED or (response.status_code in (409, 429) and seconds is None):
        return None
    if seconds is None:
        return 0.0  # the caller's own growing pause
    return seconds + random.uniform(0, 1) if seconds <= LONGEST_PAUSE_SECONDS else None


def _describe_problem(body: dict[str, object], status: int) -> str:
    return str(body.get("detail") or body.get("title") or f"the server answered {status}")


def _with_hint(error: ContestError, status: int, path: str) -> ContestError:
    if status == 401:
        error.hint = "get a token with `lacuna login`, or make an account with `lacuna register NAME`"  # type: ignore[attr-defined]
    if status == 404:
        error.hint = next((hint for part, hint in _HINTS_OF_MISSING if part in path), "")  # type: ignore[attr-defined]
    return error
