"""Logging in with a password, making an account, logging out."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.cookies import check_same_site, drop_cookie, read_cookie, set_cookie
from api.deps import EngineDep, PublicCaller, Registrant, SettingsDep
from api.pages.kit.forms import answer_form
from api.pages.kit.reading import clean_next, read_model
from api.pages.kit.showing import show
from api.users import logins, service
from api.users.schemas import Registration
from api.users.sources import find_source
from core.db.session import transaction
from core.domain.errors import RequestRefused
from core.settings import Settings

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
Name = Annotated[str, Form(max_length=64)]
Password = Annotated[str, Form(max_length=256)]


@router.get("/login", name="login")
def show_login(
    request: Request, caller: Registrant, settings: SettingsDep, next: Annotated[str, Query()] = "/"
) -> HTMLResponse:
    return _render_entrance(request, "login.html", settings, next=next)


@router.post("/login")
def log_in(
    request: Request,
    caller: Registrant,
    engine: EngineDep,
    settings: SettingsDep,
    name: Name,
    password: Password,
    next: Annotated[str, Form()] = "/",
) -> Response:
    check_same_site(request)

    def act() -> Response:
        source = find_source(request, engine, settings, caller, name)
        return _enter(request, settings, logins.log_in(engine, settings, name, password, source), next)

    return answer_form(
        engine,
        act,
        lambda _, error: _render_entrance(request, "login.html", settings, next=next, name=name, error=error),
    )


@router.get("/login/code", name="login_code")
def show_code(request: Request, caller: Registrant, next: Annotated[str, Query()] = "/") -> HTMLResponse:
    return show(request, "login_code.html", next=clean_next(next))


@router.post("/login/code")
def pass_code(
    request: Request,
    caller: Registrant,
    engine: EngineDep,
    settings: SettingsDep,
    code: Annotated[str, Form(max_length=40)] = "",
    next: Annotated[str, Form()] = "/",
) -> Response:
    """A code of the second factor, after the password or the provider."""
    check_same_site(request)

    def answer() -> Response:
        return _enter(request, settings, logins.pass_code(engine, settings, read_cookie(request, settings), code), next)

    return answer_form(
        engine, answer, lambda _, error: show(request, "login_code.html", error=error, next=clean_next(next))
    )


@router.get("/register", name="register")
def show_registration(
    request: Request, caller: Registrant, settings: SettingsDep, next: Annotated[str, Query()] = "/start"
) -> HTMLResponse:
    return _render_entrance(request, "register.html", settings, next=next)


@router.post("/register")
def register(
    request: Request,
    caller: Registrant,
    engine: EngineDep,
    settings: SettingsDep,
    name: Name,
    password: Password,
    email: Annotated[str, Form(max_length=254)] = "",
    next: Annotated[str, Form()] = "/start",
) -> Response:
    check_same_site(request)
    values = {"name": name, "password": password, "email": email.strip() or None}

    def act() -> Response:
        with transaction(engine) as session:
            service.register(session, settings, read_model(Registration, values))
        source = find_source(request, engine, settings, caller, name)
        return _enter(request, settings, logins.log_in(engine, settings, name, password, source), next)

    return answer_form(
        engine,
        act,
        lambda _, error: _render_entrance(
            request, "register.html", settings, next=next, name=name, email=email, error=error
        ),
    )


@router.post("/logout")
def log_out(request: Request, caller: PublicCaller, engine: EngineDep, settings: SettingsDep) -> Response:
    check_same_site(request)
    issuer = logins.log_out(engine, read_cookie(request, settings))
    is_known = bool(issuer) and settings.has_provider and issuer == settings.oidc_issuer
    response = RedirectResponse("/logout/provider" if is_known else "/", status_code=303)
    drop_cookie(request, response, settings)
    return response


def find_way(entered: logins.Entered, next: str) -> str:
    """Where whoever logs in goes on: first to the second factor, where the account has one."""
    return f"/login/code?next={quote(next)}" if entered.awaits_code else next


def _enter(request: Request, settings: Settings, entered: logins.Entered, next: str) -> Response:
    response = RedirectResponse(find_way(entered, clean_next(next)), status_code=303)
    set_cookie(request, response, settings, entered.secret)
    return response


def _render_entrance(
    request: Request,
    template: str,
    settings: Settings,
    *,
    next: str,
    name: str = "",
    email: str = "",
    error: RequestRefused | None = None,
) -> HTMLResponse:
    provider = settings.oidc_name if settings.has_provider else ""
    values = {"name": name, "email": email, "provider": provider, "sends_mail": settings.sends_mail}
    return show(request, template, error=error, next=clean_next(next), **values)
