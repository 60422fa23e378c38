"""Logging in and out over HTTP, for browsers; programs use tokens."""

from fastapi import APIRouter, Request, Response

from api.auth import service
from api.auth.cookies import check_same_site, drop_cookie, read_cookie, set_cookie
from api.auth.schemas import LoginView, PasswordLogin
from api.deps import EngineDep, PublicCaller, Registrant, SettingsDep
from api.errors import describe_errors
from api.users.schemas import UserView

router = APIRouter(prefix="/auth", tags=["users"])


@router.post("/login", operation_id="log_in", responses=describe_errors(401, 403, 422, 429))
def log_in(
    caller: Registrant,
    engine: EngineDep,
    settings: SettingsDep,
    request: Request,
    response: Response,
    login: PasswordLogin,
) -> LoginView:
    """Exchange name and password for a cookie; from this site's own pages only."""
    check_same_site(request)
    entered = service.log_in(engine, settings, login.name, login.password)
    set_cookie(request, response, settings, entered.secret)
    return LoginView(user=UserView.model_validate(entered.user), expires_at=entered.expires_at)


@router.post("/logout", status_code=204, operation_id="log_out", responses=describe_errors(403))
def log_out(caller: PublicCaller, engine: EngineDep, settings: SettingsDep, request: Request) -> Response:
    """End the log-in at once, on the server too."""
    check_same_site(request)
    service.log_out(engine, read_cookie(request, settings))
    response = Response(status_code=204)
    drop_cookie(request, response, settings)
    return response
