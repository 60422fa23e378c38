"""Log in with a password, and out."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine

from api.security import hash_token, is_password, make_token
from core.db.base import utc_now
from core.db.models.accounts import BrowserSession, User
from core.db.queries import users
from core.db.session import reading, transaction
from core.domain.errors import NotAuthenticated
from core.domain.quota import LOGIN_WINDOW, check_login_failures
from core.settings import Settings


@dataclass(frozen=True, slots=True)
class Entered:
    user: User
    secret: str  # goes into the cookie, and nowhere else
    expires_at: datetime


def check_password(engine: Engine, name: str, password: str) -> User:
    """Return the account; wrong passwords are counted by name and soon refused without a look."""
    now = utc_now()
    with reading(engine) as session:
        failures, first = users.count_login_failures(session, name, now - LOGIN_WINDOW)
        check_login_failures(failures, oldest=first, now=now)
        user = users.fetch_user_by_name(session, name)
    # comparing takes long and must not hold a lock
    if not is_password(password, user.password_hash if user else None) or user is None:
        with transaction(engine) as session:
            users.store_login_failure(session, name)
        raise NotAuthenticated("wrong name or password")
    if failures:
        with transaction(engine) as session:
            users.forget_login_failures(session, name, before=now - LOGIN_WINDOW)
    return user


def log_in(engine: Engine, settings: Settings, name: str, password: str) -> Entered:
    user = check_password(engine, name, password)
    secret = make_token()
    expires_at = utc_now() + timedelta(hours=settings.session_hours)
    with transaction(engine) as session:
        row = BrowserSession(user_id=user.id, secret_sha256=hash_token(secret), expires_at=expires_at)
        users.store_browser_session(session, row)
    return Entered(user, secret, expires_at)


def log_out(engine: Engine, secret: str | None) -> None:
    if secret is None:
        return
    with transaction(engine) as session:
        row = users.fetch_live_browser_session(session, hash_token(secret), utc_now())
        if row is not None:
            row.ended_at = utc_now()
