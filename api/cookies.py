"""The log-in cookie, and the proof that a request which uses it comes from our own pages.

The cookie is HttpOnly and SameSite=Lax. A request that changes something must also say that it comes from here:
browsers send `Sec-Fetch-Site` (or, older ones, `Origin`) with every POST and no page can forge either.
"""

from urllib.parse import urlsplit

from fastapi import Request, Response

from core.domain.errors import CrossSite
from core.settings import Settings

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
KNOWN_SECONDS = 365 * 24 * 3600


def is_secure(request: Request, settings: Settings) -> bool:
    return settings.production or request.url.scheme == "https"


def get_cookie_name(request: Request, settings: Settings) -> str:
    """With the prefix a browser refuses the cookie from a subdomain or over http."""
    return "__Host-lacuna" if is_secure(request, settings) else "lacuna"


def read_cookie(request: Request, settings: Settings) -> str | None:
    return request.cookies.get(get_cookie_name(request, settings))


def set_cookie(request: Request, response: Response, settings: Settings, secret: str) -> None:
    _set(
        request,
        response,
        settings,
        name=get_cookie_name(request, settings),
        secret=secret,
        seconds=int(settings.session_hours * 3600),
    )
    # stays when the log-in ends: it lets nobody in, and tells this browser from a stranger's that guesses passwords
    _set(request, response, settings, name=_get_known_name(request, settings), secret=secret, seconds=KNOWN_SECONDS)
    response.headers["Cache-Control"] = "no-store"


def read_known_cookie(request: Request, settings: Settings) -> str | None:
    return request.cookies.get(_get_known_name(request, settings))


def drop_cookie(request: Request, response: Response, settings: Settings) -> None:
    response.delete_cookie(
        get_cookie_name(request, settings), path="/", secure=is_secure(request, settings), httponly=True, samesite="lax"
    )


def set_attempt_cookie(request: Request, response: Response, settings: Settings, secret: str, *, seconds: int) -> None:
    """For a browser on its way to the log-in provider; Lax lets it come along when the provider sends it back."""
    _set(request, response, settings, name=_get_attempt_name(request, settings), secret=secret, seconds=seconds)
    response.headers["Cache-Control"] = "no-store"


def read_attempt_cookie(request: Request, settings: Settings) -> str | None:
    return request.cookies.get(_get_attempt_name(request, settings))


def drop_attempt_cookie(request: Request, response: Response, settings: Settings) -> None:
    name = _get_attempt_name(request, settings)
    response.delete_cookie(name, path="/", secure=is_secure(request, settings), httponly=True, samesite="lax")


def _set(request: Request, response: Response, settings: Settings, *, name: str, secret: str, seconds: int) -> None:
    response.set_cookie(
        name, secret, max_age=seconds, path="/", secure=is_secure(request, settings), httponly=True, samesite="lax"
    )


def _get_known_name(request: Request, settings: Settings) -> str:
    return f"{get_cookie_name(request, settings)}-known"


def _get_attempt_name(request: Request, settings: Settings) -> str:
    return f"{get_cookie_name(request, settings)}-provider"


def check_same_site(request: Request) -> None:
    """Raise CrossSite for a request that changes something and was not sent by one of our own pages."""
    if request.method in SAFE_METHODS:
        return
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        is_ours = site in ("same-origin", "none")  # none: the reader's own doing, such as sending a form again
    else:
        origin = request.headers.get("origin", "")
        is_ours = bool(origin) and urlsplit(origin).netloc == request.headers.get("host", "")
    if not is_ours:
        raise CrossSite("this request did not come from one of this site's own pages; open the page and try again")
