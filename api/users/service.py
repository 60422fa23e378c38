"""Make accounts, issue and revoke tokens."""

from datetime import timedelta

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from api.security import hash_password, hash_token, make_token
from api.users.addresses import set_address
from api.users.schemas import NewToken, Registration, TokenRequest
from core.db.base import utc_now
from core.db.models.accounts import ApiToken, User
from core.db.queries import users
from core.domain.access import Role, Scope
from core.domain.accounts import RESERVED_NAMES
from core.domain.errors import Conflict, NotFound
from core.domain.notifications import check_address
from core.domain.quota import check_registrations
from core.settings import Settings


def register(session: Session, settings: Settings, registration: Registration) -> User:
    if registration.email:
        check_address(registration.email, field="email")
    password_hash = hash_password(registration.password)  # before the first statement, which locks the database
    user = make_account(session, settings, registration.name, password_hash)
    if registration.email:
        set_address(session, settings, registration.email, user.id, proven=True)
    return user


def make_account(session: Session, settings: Settings, name: str, password_hash: str) -> User:
    hour_ago = utc_now() - timedelta(hours=1)
    check_registrations(
        users.count_users_since(session, hour_ago),
        settings.registrations_per_hour,
        oldest=users.fetch_first_registration(session, hour_ago),
        now=utc_now(),
    )
    taken = name.lower() in RESERVED_NAMES
    if taken or users.fetch_user_by_folded_name(session, name) is not None:
        raise Conflict(f"the name {name!r} is taken", field="name")
    user = User(name=name, password_hash=password_hash, role=Role.PARTICIPANT)
    try:
        users.store_user(session, user)
    except IntegrityError:  # two requests at once
        raise Conflict(f"the name {name!r} is taken", field="name") from None
    return user


def issue_token(session: Session, settings: Settings, user: User, request: TokenRequest) -> NewToken:
    secret = make_token()
    days = min(request.days or settings.token_days, settings.token_days)
    scopes = tuple(scope for scope in Scope if scope in request.scopes)
    token = ApiToken(
        user_id=user.id,
        label=request.label,
        scopes=scopes,
        secret_sha256=hash_token(secret),
        expires_at=utc_now() + timedelta(days=days),
    )
    users.store_token(session, token)
    return NewToken(id=token.id, token=secret, label=token.label, scopes=list(scopes), expires_at=token.expires_at)


def revoke_token(session: Session, token_id: str, user_id: str) -> None:
    token = users.fetch_token(session, token_id, user_id)
    if token is None:
        raise NotFound("no such token")
    token.revoked_at = token.revoked_at or utc_now()
