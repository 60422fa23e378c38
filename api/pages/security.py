"""The page of one's ways in: password, log-ins, identities."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.cookies import check_same_site, read_cookie, set_cookie
from api.deps import Caller, EngineDep, Manager, Member, ReadingDep, SettingsDep
from api.pages.kit.forms import answer_form, submit_form
from api.pages.kit.reading import read_model
from api.pages.kit.showing import show
from api.security import NO_PASSWORD, hash_token
from api.users import federation
from api.users import logins as service
from api.users.schemas import PasswordChange
from core.db.base import utc_now
from core.db.queries import factors, identities, users
from core.domain.errors import RequestRefused
from core.settings import Settings

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
HERE = "/account/security"
Secret = Annotated[str, Form(max_length=256)]


@router.get("/account/security", name="security")
def show_security(request: Request, caller: Member, session: ReadingDep, settings: SettingsDep) -> HTMLResponse:
    return _render_security(request, caller, session, settings)


@router.post("/account/security/password")
def change_password(
    request: Request,
    caller: Manager,
    engine: EngineDep,
    settings: SettingsDep,
    old: Secret = "",
    new: Secret = "",
) -> Response:
    """Every other log-in ends; this browser stays in."""

    def answer() -> Response:
        change = read_model(PasswordChange, {"old": old, "new": new})
        entered = service.change_password(engine, settings, caller.member_id, old=change.old, new=change.new)
        response = RedirectResponse(HERE, status_code=303)
        set_cookie(request, response, settings, entered.secret)
        return response

    return answer_form(
        engine, answer, lambda session, error: _render_security(request, caller, session, settings, error)
    )


@router.post("/account/security/logout-everywhere")
def log_out_everywhere(
    request: Request, caller: Manager, engine: EngineDep, tokens: Annotated[bool, Form()] = False
) -> Response:
    check_same_site(request)
    service.log_out_everywhere(engine, caller.member_id, tokens=tokens)
    return RedirectResponse("/login", status_code=303)


@router.post("/account/identities/{identity_id}/remove")
def disconnect(
    identity_id: str, request: Request, caller: Manager, engine: EngineDep, settings: SettingsDep
) -> Response:
    return submit_form(
        engine,
        lambda session: federation.disconnect(session, identity_id, caller.member_id),
        lambda session, error: _render_security(request, caller, session, settings, error),
        HERE,
    )


def _render_security(
    request: Request,
    caller: Caller,
    session: ReadingDep,
    settings: Settings,
    error: RequestRefused | None = None,
) -> HTMLResponse:
    user = users.fetch_user(session, caller.member_id)
    secret = read_cookie(request, settings)
    return show(
        request,
        "security.html",
        error=error,
        has_password=user is not None and user.password_hash != NO_PASSWORD,
        has_factor=factors.is_confirmed(session, caller.member_id),
        logins=users.fetch_browser_sessions(session, caller.member_id, utc_now()),
        current=hash_token(secret) if secret else "",
        identities=identities.fetch_identities(session, caller.member_id),
        provider=settings.oidc_name if settings.has_provider else "",
    )
