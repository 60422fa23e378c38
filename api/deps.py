"""What endpoints ask for: a session, the caller, and permission."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, cast

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from api.cookies import check_same_site, read_cookie
from api.security import hash_token
from core.db.base import utc_now
from core.db.models.accounts import User
from core.db.queries import factors, inbox, users
from core.db.session import reading, transaction
from core.domain.access import (
    EVERY_SCOPE,
    SCOPE_OF_ACTION,
    Action,
    Role,
    Scope,
    check_allowed,
    check_scope,
    is_allowed,
)
from core.domain.errors import NotAllowed, NotAuthenticated
from core.settings import Settings
from core.storage import BlobStore


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks; an anonymous caller has neither id nor role."""

    user_id: str | None
    name: str
    role: Role | None
    scopes: frozenset[Scope] = EVERY_SCOPE
    unread: int = 0  # in the inbox; counted for pages alone
    lacks_factor: bool = False  # of staff, who may do no more than participants until they set one up

    def may(self, action: Action) -> bool:
        return is_allowed(self.role, action) and SCOPE_OF_ACTION[action] in self.scopes

    @property
    def member_id(self) -> str:
        """The account's id, where the route admits accounts only."""
        if self.user_id is None:
            raise NotAuthenticated("this needs an account: send a token as `Authorization: Bearer …`")
        return self.user_id


ANONYMOUS = Caller(None, "", None)
_bearer = HTTPBearer(auto_error=False, description="a token from POST /api/v1/tokens")


def get_app_settings(request: Request) -> Settings:
    return cast(Settings, request.app.state.settings)


def get_app_engine(request: Request) -> Engine:
    return cast(Engine, request.app.state.engine)


def get_app_store(request: Request) -> BlobStore:
    return cast(BlobStore, request.app.state.store)


SettingsDep = Annotated[Settings, Depends(get_app_settings)]
EngineDep = Annotated[Engine, Depends(get_app_engine)]
StoreDep = Annotated[BlobStore, Depends(get_app_store)]


def open_session(engine: EngineDep) -> Iterator[Session]:
    """One transaction a request, committed before the answer is sent."""
    with transaction(engine) as session:
        yield session


def open_reading(engine: EngineDep) -> Iterator[Session]:
    with reading(engine) as session:
        yield session


# scope: the commit must have happened when the client reads the answer
SessionDep = Annotated[Session, Depends(open_session, scope="function")]
ReadingDep = Annotated[Session, Depends(open_reading, scope="function")]


def find_caller(
    request: Request,
    engine: EngineDep,
    settings: SettingsDep,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Caller:
    """By token if one was sent, else by the log-in cookie; a cookie that ended makes the caller anonymous."""
    now = utc_now()
    if credentials is not None:
        with reading(engine) as session:
            token = users.fetch_live_token(session, hash_token(credentials.credentials), now)
            if token is None or token.user.suspended_at is not None:
                raise NotAuthenticated("the token is unknown, expired or revoked")
            scopes = frozenset(token.scopes)
            role, lacks_factor = _find_role(session, settings, token.user)
            return Caller(token.user.id, token.user.name, role, scopes, lacks_factor=lacks_factor)
    secret = read_cookie(request, settings)
    if secret is None:
        return ANONYMOUS
    with reading(engine) as session:
        login = users.fetch_live_browser_session(session, hash_token(secret), now)
        if login is None or login.user.suspended_at is not None:
            return ANONYMOUS
        check_same_site(request)
        unread = inbox.count_unread(session, login.user_id)
        role, lacks_factor = _find_role(session, settings, login.user)
        return Caller(login.user.id, login.user.name, role, unread=unread, lacks_factor=lacks_factor)


def _find_role(session: Session, settings: Settings, user: User) -> tuple[Role, bool]:
    """As whom an account may act: staff as participants, where a second factor is required and they have none."""
    lacks_factor = (
        settings.staff_second_factor
        and user.role is not Role.PARTICIPANT
        and not factors.is_confirmed(session, user.id)
    )
    return (Role.PARTICIPANT if lacks_factor else user.role), lacks_factor


def get_caller(request: Request, caller: Annotated[Caller, Depends(find_caller)]) -> Caller:
    request.state.caller = caller  # pages greet their reader
    return caller


class Permission:
    """Admits callers who may do one action; every route declares one, and a test fails for a route without."""

    def __init__(self, action: Action) -> None:
        self.action = action

    def __call__(self, caller: Annotated[Caller, Depends(get_caller)]) -> Caller:
        if caller.lacks_factor and not is_allowed(caller.role, self.action):
            raise NotAllowed("staff of this server need a second factor: set it up under Account, Security")
        check_allowed(caller.role, self.action)
        check_scope(caller.scopes, self.action)
        return caller


def allow(action: Action) -> Any:
    return Depends(Permission(action))


PublicCaller = Annotated[Caller, allow(Action.READ_PUBLIC)]
Member = Annotated[Caller, allow(Action.READ_OWN)]
Manager = Annotated[Caller, allow(Action.MANAGE_OWN)]
Submitter = Annotated[Caller, allow(Action.SUBMIT)]
Canceller = Annotated[Caller, allow(Action.CANCEL_OWN)]
UserAdmin = Annotated[Caller, allow(Action.MANAGE_USERS)]
Discusser = Annotated[Caller, allow(Action.DISCUSS)]
Moderator = Annotated[Caller, allow(Action.MODERATE)]
Organizer = Annotated[Caller, allow(Action.MANAGE_COMPETITION)]
Auditor = Annotated[Caller, allow(Action.READ_AUDIT)]
DataManager = Annotated[Caller, allow(Action.MANAGE_DATA)]
Configurer = Annotated[Caller, allow(Action.CONFIGURE_COMPETITION)]
OperationsReader = Annotated[Caller, allow(Action.READ_OPERATIONS)]
MetricsReader = Annotated[Caller, allow(Action.READ_METRICS)]
Operator = Annotated[Caller, allow(Action.OPERATE)]
NodeAdmin = Annotated[Caller, allow(Action.MANAGE_NODES)]
FlagReviewer = Annotated[Caller, allow(Action.REVIEW_FLAGS)]
Rejudger = Annotated[Caller, allow(Action.REJUDGE)]
Registrant = Annotated[Caller, allow(Action.REGISTER)]
