"""Pages on the way to the log-in provider and back."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.cookies import check_same_site, drop_attempt_cookie, read_attempt_cookie, set_attempt_cookie, set_cookie
from api.deps import Caller, EngineDep, Manager, PublicCaller, Registrant, SettingsDep
from api.pages.kit.forms import answer_form
from api.pages.kit.reading import clean_next, read_model
from api.pages.kit.showing import show
from api.pages.login import find_way
from api.users import federation
from api.users.provider import make_logout_url
from api.users.schemas import NAME_RULE, NewName
from core.domain.errors import CrossSite, NotFound, RequestRefused
from core.settings import Settings

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
CONNECTED = "/account/security"
Text = Annotated[str, Query(max_length=4096)]


@router.get("/login/provider", name="login_provider")
def begin(
    request: Request, caller: Registrant, engine: EngineDep, settings: SettingsDep, next: Annotated[str, Query()] = "/"
) -> Response:
    """To the provider; it comes back to this browser only."""
    return _send(request, engine, settings, next=clean_next(next), user_id=None)


@router.get("/account/identities/connect", name="connect_identity")
def begin_to_connect(request: Request, caller: Manager, engine: EngineDep, settings: SettingsDep) -> Response:
    """By a click on our own page: elsewhere a link could be meant to connect somebody else's identity."""
    if request.headers.get("sec-fetch-site") != "same-origin":
        raise CrossSite("begin on your account's own page")
    return _send(request, engine, settings, next=CONNECTED, user_id=caller.member_id)


@router.get("/login/provider/callback", name="provider_callback")
def come_back(
    request: Request,
    caller: Registrant,
    engine: EngineDep,
    settings: SettingsDep,
    code: Text = "",
    state: Text = "",
    iss: Text = "",
) -> Response:
    secret = read_attempt_cookie(request, settings)
    if not settings.has_provider:
        raise NotFound("this server has no log-in provider; log in with name and password")
    try:
        returned = federation.come_back(
            engine, settings, secret, state=state, code=code, issuer=iss, user_id=caller.user_id
        )
    except RequestRefused as error:
        return _refuse(request, settings, error)
    if returned.entered is None:
        return RedirectResponse("/login/provider/name", status_code=303)
    return _enter(request, settings, returned)


@router.get("/login/provider/name", name="provider_name")
def show_choice(request: Request, caller: Registrant, engine: EngineDep, settings: SettingsDep) -> Response:
    try:
        return _show_choice(request, engine, settings, caller)
    except RequestRefused as error:
        return _refuse(request, settings, error)


@router.post("/login/provider/name")
def choose(
    request: Request,
    caller: Registrant,
    engine: EngineDep,
    settings: SettingsDep,
    name: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Make an account under this name, or, for one who is logged in and asked for it, connect theirs."""
    check_same_site(request)
    secret = read_attempt_cookie(request, settings)
    try:
        pending = federation.load_pending(engine, secret)
    except RequestRefused as error:
        return _refuse(request, settings, error)

    def answer() -> Response:
        if pending.connects:
            return _enter(request, settings, federation.connect(engine, settings, secret, caller.member_id))
        chosen = read_model(NewName, {"name": name.strip()}, NAME_RULE).name
        return _enter(request, settings, federation.make_user(engine, settings, secret, chosen))

    return answer_form(
        engine, answer, lambda _, error: _show_choice(request, engine, settings, caller, name=name, error=error)
    )


@router.get("/logout/provider", name="logged_out")
def show_logged_out(request: Request, caller: PublicCaller, settings: SettingsDep) -> HTMLResponse:
    """Out here, but not yet there: a link leads on, because a form may not leave the site."""
    if not settings.has_provider:
        raise NotFound("this server has no log-in provider")
    return show(request, "logged_out.html", provider=settings.oidc_name, url=make_logout_url(settings))


def _send(request: Request, engine: EngineDep, settings: Settings, *, next: str, user_id: str | None) -> Response:
    begun = federation.begin(engine, settings, next=next, user_id=user_id)
    response = RedirectResponse(begun.url, status_code=303)
    set_attempt_cookie(request, response, settings, begun.secret, seconds=int(federation.LIFE.total_seconds()))
    return response


def _enter(request: Request, settings: Settings, returned: federation.Returned) -> Response:
    way = find_way(returned.entered, returned.next) if returned.entered else returned.next
    response = RedirectResponse(way, status_code=303)
    if returned.entered is not None:
        set_cookie(request, response, settings, returned.entered.secret)
    drop_attempt_cookie(request, response, settings)
    return response


def _show_choice(
    request: Request,
    engine: EngineDep,
    settings: Settings,
    caller: Caller,
    *,
    name: str | None = None,
    error: RequestRefused | None = None,
) -> HTMLResponse:
    pending = federation.load_pending(engine, read_attempt_cookie(request, settings))
    values = {"pending": pending, "provider": settings.oidc_name, "name": pending.label if name is None else name}
    return show(request, "provider_name.html", error=error, **values)


def _refuse(request: Request, settings: Settings, error: RequestRefused) -> HTMLResponse:
    return show(request, "login.html", error=error, next="/", name="", provider=settings.oidc_name)
