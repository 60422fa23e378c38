"""Accounts, tokens and log-ins over HTTP."""

from fastapi import APIRouter, BackgroundTasks, Request, Response

from api.cookies import check_same_site, drop_cookie, read_cookie, set_cookie
from api.deps import EngineDep, Manager, Member, PublicCaller, ReadingDep, Registrant, SessionDep, SettingsDep
from api.errors import describe_errors
from api.security import hash_token
from api.users import factors, logins, recovery, service
from api.users.schemas import (
    Code,
    Credentials,
    FactorOffer,
    FactorView,
    LoginView,
    LogOutEverywhere,
    NewPassword,
    NewToken,
    PasswordChange,
    PasswordLogin,
    RecoveryCodes,
    Registration,
    ResetAnswer,
    ResetRequest,
    TokenList,
    TokenRequest,
    TokenView,
    UserView,
)
from api.users.sources import find_place, find_source
from core.db.base import utc_now
from core.db.queries import factors as users_factors
from core.db.queries import users
from core.db.session import transaction
from core.domain.errors import NotAuthenticated, NotFound

router = APIRouter(tags=["users"])
ROUTERS = (router,)
CURRENT = "current"


@router.post("/users", status_code=201, operation_id="register", responses=describe_errors(409, 422, 429))
def register(caller: Registrant, session: SessionDep, settings: SettingsDep, registration: Registration) -> UserView:
    """Make an account."""
    return UserView.model_validate(service.register(session, settings, registration))


@router.post("/auth/reset", status_code=202, operation_id="ask_for_reset", responses=describe_errors(422, 429))
def ask_for_reset(
    caller: Registrant,
    engine: EngineDep,
    settings: SettingsDep,
    request: Request,
    background: BackgroundTasks,
    wanted: ResetRequest,
) -> ResetAnswer:
    """Have a link for a new password mailed; the answer never tells whether there is such an account."""
    recovery.count_asking(engine, find_place(request))
    background.add_task(recovery.send_links, engine, settings, wanted.name)
    return ResetAnswer(detail=recovery.ASKED)


@router.post("/auth/reset/confirm", status_code=204, operation_id="reset_password", responses=describe_errors(404, 422))
def reset_password(caller: Registrant, engine: EngineDep, new: NewPassword) -> None:
    """Set a new password by a link, once; every log-in and every token ends."""
    recovery.set_password(engine, new.token, new.password)


@router.post("/tokens", status_code=201, operation_id="create_token", responses=describe_errors(401, 422, 429))
def create_token(
    caller: Registrant,
    engine: EngineDep,
    settings: SettingsDep,
    request: Request,
    credentials: Credentials,
    response: Response,
) -> NewToken:
    """Exchange name and password for a token; its secret is shown this once."""
    response.headers["Cache-Control"] = "no-store"
    source = find_source(request, engine, settings, caller, credentials.name)
    user = logins.check_password(engine, credentials.name, credentials.password, source)
    factors.check_code(engine, user.id, credentials.code)
    with transaction(engine) as session:
        return service.issue_token(session, settings, user, credentials)


@router.post("/me/tokens", status_code=201, operation_id="create_own_token", responses=describe_errors(401, 403, 422))
def create_own_token(
    caller: Manager, session: SessionDep, settings: SettingsDep, request: TokenRequest, response: Response
) -> NewToken:
    """Make a further token, with fewer rights or a shorter life; its secret is shown this once."""
    response.headers["Cache-Control"] = "no-store"
    user = users.fetch_user(session, caller.member_id)
    if user is None:
        raise NotAuthenticated("the account is gone")
    return service.issue_token(session, settings, user, request)


@router.get("/tokens", operation_id="list_tokens", responses=describe_errors(401))
def list_tokens(caller: Member, session: ReadingDep) -> TokenList:
    rows = users.fetch_tokens(session, caller.member_id)
    return TokenList(items=[TokenView.model_validate(row) for row in rows])


@router.delete("/tokens/{token_id}", status_code=204, operation_id="revoke_token", responses=describe_errors(401, 404))
def revoke_token(token_id: str, caller: Manager, session: SessionDep, request: Request) -> None:
    """End a token at once; `current` is the one that this request came with."""
    if token_id == CURRENT:
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        token = users.fetch_live_token(session, hash_token(secret), utc_now()) if scheme.lower() == "bearer" else None
        if token is None:
            raise NotFound("this request came with no token")
        token_id = token.id
    service.revoke_token(session, token_id, caller.member_id)


@router.post(
    "/me/password", status_code=204, operation_id="change_password", responses=describe_errors(401, 409, 422, 429)
)
def change_password(caller: Manager, engine: EngineDep, settings: SettingsDep, change: PasswordChange) -> None:
    """Ends every browser's log-in; tokens stay."""
    entered = logins.change_password(engine, settings, caller.member_id, old=change.old, new=change.new)
    logins.log_out(engine, entered.secret)


@router.post("/me/logout", status_code=204, operation_id="log_out_everywhere", responses=describe_errors(401, 403, 422))
def log_out_everywhere(caller: Manager, engine: EngineDep, request: LogOutEverywhere) -> None:
    """End every browser's log-in, and on request every token."""
    logins.log_out_everywhere(engine, caller.member_id, tokens=request.tokens)


@router.get("/me", operation_id="get_me", responses=describe_errors(401))
def get_me(caller: Member, session: ReadingDep) -> UserView:
    user = users.fetch_user(session, caller.member_id)
    if user is None:
        raise NotAuthenticated("the account is gone")
    return UserView.model_validate(user)


@router.post("/auth/login", operation_id="log_in", responses=describe_errors(401, 403, 422, 429))
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
    source = find_source(request, engine, settings, caller, login.name)
    entered = logins.log_in(engine, settings, login.name, login.password, source)
    set_cookie(request, response, settings, entered.secret)
    return make_login_view(entered)


@router.post("/auth/code", operation_id="pass_code", responses=describe_errors(401, 403, 422, 429))
def pass_code(
    caller: Registrant, engine: EngineDep, settings: SettingsDep, request: Request, response: Response, code: Code
) -> LoginView:
    """The second step of a log-in: a code of the second factor, or a recovery code."""
    check_same_site(request)
    entered = logins.pass_code(engine, settings, read_cookie(request, settings), code.code)
    set_cookie(request, response, settings, entered.secret)
    return make_login_view(entered)


def make_login_view(entered: logins.Entered) -> LoginView:
    return LoginView(
        user=UserView.model_validate(entered.user), expires_at=entered.expires_at, awaits_code=entered.awaits_code
    )


@router.get("/me/factor", operation_id="get_factor", responses=describe_errors(401))
def get_factor(caller: Member, session: ReadingDep) -> FactorView:
    """The own second factor."""
    found = users_factors.fetch_factor(session, caller.member_id)
    return FactorView(
        confirmed_at=found.confirmed_at if found else None,
        recovery_codes=users_factors.count_codes(session, caller.member_id),
        is_required=caller.lacks_factor,
    )


@router.post("/me/factor", status_code=201, operation_id="begin_factor", responses=describe_errors(401, 403, 409))
def begin_factor(caller: Manager, session: SessionDep, response: Response) -> FactorOffer:
    """A secret for an app; it counts once a code of it was sent."""
    response.headers["Cache-Control"] = "no-store"
    return FactorOffer(secret=factors.begin(session, caller.member_id, caller.name).secret)


@router.post("/me/factor/confirm", operation_id="confirm_factor", responses=describe_errors(401, 403, 409, 422, 429))
def confirm_factor(caller: Manager, engine: EngineDep, code: Code, response: Response) -> RecoveryCodes:
    """From now on every log-in asks for a code; the recovery codes are shown this once."""
    response.headers["Cache-Control"] = "no-store"
    return RecoveryCodes(codes=factors.confirm(engine, caller.member_id, code.code))


@router.post(
    "/me/factor/codes", operation_id="renew_recovery_codes", responses=describe_errors(401, 403, 409, 422, 429)
)
def renew_recovery_codes(caller: Manager, engine: EngineDep, code: Code, response: Response) -> RecoveryCodes:
    """New recovery codes in place of the old ones."""
    response.headers["Cache-Control"] = "no-store"
    return RecoveryCodes(codes=factors.renew_codes(engine, caller.member_id, code.code))


@router.post(
    "/me/factor/remove", status_code=204, operation_id="remove_factor", responses=describe_errors(401, 403, 422, 429)
)
def remove_factor(caller: Manager, engine: EngineDep, code: Code) -> None:
    factors.remove(engine, caller.member_id, code.code)


@router.post("/auth/logout", status_code=204, operation_id="log_out", responses=describe_errors(403))
def log_out(caller: PublicCaller, engine: EngineDep, settings: SettingsDep, request: Request) -> Response:
    """End the log-in at once, on the server too."""
    check_same_site(request)
    logins.log_out(engine, read_cookie(request, settings))
    response = Response(status_code=204)
    drop_cookie(request, response, settings)
    return response
