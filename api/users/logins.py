"""Log in with a password, and out."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from api.security import NO_PASSWORD, hash_password, hash_token, is_password, make_token
from api.users.addresses import tell_change
from api.users.factors import check_code
from api.users.sources import tell_account
from core.db.base import utc_now
from core.db.models.accounts import BrowserSession, User
from core.db.queries import factors, users
from core.db.session import reading, transaction
from core.domain.errors import Conflict, InvalidInput, NotAllowed, NotAuthenticated
from core.domain.quota import LOGIN_FAILURES, LOGIN_WINDOW, STUFFING_FAILURES, check_guesses
from core.settings import Settings

CODE_WITHIN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Entered:
    user: User
    secret: str  # goes into the cookie, and nowhere else
    expires_at: datetime
    awaits_code: bool = False  # of the second factor; the cookie lets nobody in before


def check_password(engine: Engine, name: str, password: str, source: str) -> User:
    """Return the account; wrong passwords slow down whoever sends them, and nobody else.

    source: where it comes from (`api.users.sources`). It is counted as wrong until it was found right, so that many
    at once gain nothing.
    """
    now = utc_now()
    with transaction(engine) as session:
        known = users.count_guesses(session, source, now - LOGIN_WINDOW, name=name)
        check_guesses(known, free=LOGIN_FAILURES, now=now)
        check_guesses(users.count_guesses(session, source, now - LOGIN_WINDOW), free=STUFFING_FAILURES, now=now)
        users.store_guess(session, name, source, now)
        user = users.fetch_user_by_name(session, name)
    # comparing takes long and must not hold a lock
    if not is_password(password, user.password_hash if user else None) or user is None:
        raise NotAuthenticated("wrong name or password", field="password")
    with transaction(engine) as session:
        users.forget_guesses(session, name, source, before=now - LOGIN_WINDOW)
    if user.suspended_at is not None:
        raise NotAllowed(f"this account is suspended: {user.suspended_reason}")
    return user


def log_in(engine: Engine, settings: Settings, name: str, password: str, source: str) -> Entered:
    user = check_password(engine, name, password, source)
    with transaction(engine) as session:
        return open_browser_session(session, settings, user)


def open_browser_session(
    session: Session, settings: Settings, user: User, *, issuer: str = "", passed: bool = False
) -> Entered:
    """Who this is must be certain by now, but for the second factor, unless that was `passed`."""
    if user.suspended_at is not None:
        raise NotAllowed(f"this account is suspended: {user.suspended_reason}")
    secret = make_token()
    awaits_code = not passed and factors.is_confirmed(session, user.id)
    expires_at = utc_now() + (CODE_WITHIN if awaits_code else timedelta(hours=settings.session_hours))
    row = BrowserSession(
        user_id=user.id,
        secret_sha256=hash_token(secret),
        expires_at=expires_at,
        issuer=issuer,
        awaits_code=awaits_code,
    )
    users.store_browser_session(session, row)
    return Entered(user, secret, expires_at, awaits_code)


def pass_code(engine: Engine, settings: Settings, secret: str | None, code: str) -> Entered:
    """From a log-in that waits for a code of the second factor to one that lets in, under another secret."""
    now = utc_now()
    with reading(engine) as session:
        digest = hash_token(secret) if secret else ""
        row = users.fetch_live_browser_session(session, digest, now, awaits_code=True)
    if row is None:
        raise NotAuthenticated("this log-in took too long: begin again")
    check_code(engine, row.user_id, code)
    with transaction(engine) as session:
        waiting = users.fetch_live_browser_session(session, digest, utc_now(), awaits_code=True)
        if waiting is None:
            raise NotAuthenticated("this log-in took too long: begin again")
        waiting.ended_at = utc_now()
        return open_browser_session(session, settings, waiting.user, issuer=waiting.issuer, passed=True)


def change_password(engine: Engine, settings: Settings, user_id: str, *, old: str, new: str) -> Entered:
    """The old one is asked for, and guessing it is counted; every log-in ends, and a new one begins for the caller."""
    with reading(engine) as session:
        user = users.fetch_user(session, user_id)
    if user is None:
        raise NotAuthenticated("the account is gone")
    if user.password_hash == NO_PASSWORD:
        raise Conflict("this account has no password; its log-in provider lets it in")
    try:
        check_password(engine, user.name, old, tell_account(user_id))
    except NotAuthenticated:
        raise InvalidInput("the old password is wrong", field="old") from None
    password_hash = hash_password(new)  # before the first statement, which locks the database
    with transaction(engine) as session:
        row = users.fetch_user(session, user_id)
        if row is None or row.password_hash != user.password_hash:
            raise Conflict("the password was changed meanwhile")
        row.password_hash = password_hash
        users.end_browser_sessions(session, user_id, utc_now())
        tell_change(session, user_id, "its password was changed")
        return open_browser_session(session, settings, row, passed=True)


def prove(engine: Engine, user_id: str, password: str) -> None:
    """That whoever is logged in knows the password; guessing it is counted."""
    with reading(engine) as session:
        user = users.fetch_user(session, user_id)
    if user is None:
        raise NotAuthenticated("the account is gone")
    try:
        check_password(engine, user.name, password, tell_account(user_id))
    except NotAuthenticated:
        raise InvalidInput("your password is wrong", field="password") from None


def log_out_everywhere(engine: Engine, user_id: str, *, tokens: bool) -> None:
    """End every browser's log-in, and on request every token."""
    with transaction(engine) as session:
        users.end_browser_sessions(session, user_id, utc_now())
        if tokens:
            users.revoke_tokens(session, user_id, utc_now())


def log_out(engine: Engine, secret: str | None) -> str:
    """Return the provider that had let this browser in, where it is still logged in; empty if none had."""
    if secret is None:
        return ""
    with transaction(engine) as session:
        row = users.fetch_live_browser_session(session, hash_token(secret), utc_now())
        if row is None:
            return ""
        row.ended_at = utc_now()
        return row.issuer
