"""Log in by the provider: begin, come back, and, the first time, choose a name or connect an account.

An identity belongs to an account only because its owner connected it while logged in, or made the account with it.
Names, and above all e-mail addresses, that the provider tells never find an account.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from api.security import NO_PASSWORD, hash_token
from api.users.logins import Entered, open_browser_session
from api.users.provider import Claimed, discover, make_url, redeem
from api.users.service import make_account
from core.db.base import utc_now
from core.db.models.accounts import LoginAttempt, User
from core.db.queries import identities, users
from core.db.session import reading, transaction
from core.domain.errors import Conflict, NotAuthenticated, NotFound
from core.settings import Settings

LIFE = timedelta(minutes=10)
START_AGAIN = "this log-in took too long, was used before, or began in another browser; begin again"


@dataclass(frozen=True, slots=True)
class Begun:
    url: str
    secret: str  # for a cookie: only the browser that began may come back


@dataclass(frozen=True, slots=True)
class Returned:
    """Whoever is known has entered; others choose a name or confirm first."""

    entered: Entered | None
    next: str


@dataclass(frozen=True, slots=True)
class Pending:
    """An identity that waits for a name, or for a yes to connect it."""

    label: str
    issuer: str
    connects: bool


def begin(engine: Engine, settings: Settings, *, next: str, user_id: str | None) -> Begun:
    """user_id: who wants to connect an identity; None: somebody wants to log in."""
    provider = discover(settings)
    secret, state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(4))
    now = utc_now()
    row = LoginAttempt(
        browser_sha256=hash_token(secret),
        state_sha256=hash_token(state),
        nonce=nonce,
        verifier=verifier,
        next=next,
        user_id=user_id,
        issuer=provider.issuer,
        expires_at=now + LIFE,
    )
    with transaction(engine) as session:
        identities.store_attempt(session, row, now)
    return Begun(make_url(settings, provider, state=state, nonce=nonce, verifier=verifier), secret)


def come_back(
    engine: Engine, settings: Settings, secret: str | None, *, state: str, code: str, issuer: str, user_id: str | None
) -> Returned:
    """issuer: as the provider names itself in the answer (RFC 9207), empty if it does not."""
    with transaction(engine) as session:
        attempt = _load(session, secret)
        if not identities.use_state(session, attempt.id, hash_token(state)):
            raise NotAuthenticated(START_AGAIN)
    if issuer not in ("", attempt.issuer) or attempt.issuer != settings.oidc_issuer:
        raise NotAuthenticated("another log-in provider answered than was asked")
    if attempt.user_id not in (None, user_id):
        raise NotAuthenticated("another account is logged in now than the one that began to connect")
    if not code:
        raise NotAuthenticated("the log-in provider refused; try again, or use your password")
    claimed = redeem(settings, discover(settings), code=code, nonce=attempt.nonce, verifier=attempt.verifier)
    with transaction(engine) as session:
        return _receive(session, settings, _load(session, secret), claimed)


def _receive(session: Session, settings: Settings, attempt: LoginAttempt, claimed: Claimed) -> Returned:
    known = identities.fetch_identity(session, attempt.issuer, claimed.subject)
    if known is not None and attempt.user_id is not None:
        whose = "this" if known.user_id == attempt.user_id else "another"
        raise Conflict(f"{claimed.label or 'that identity'} is connected to {whose} account already")
    if known is None:
        attempt.subject, attempt.label = claimed.subject, claimed.label
        return Returned(None, attempt.next)
    user = users.fetch_user(session, known.user_id)
    if user is None:
        raise NotAuthenticated("the account is gone")
    identities.delete_attempt(session, attempt)
    return Returned(open_browser_session(session, settings, user, issuer=attempt.issuer), attempt.next)


def load_pending(engine: Engine, secret: str | None) -> Pending:
    with reading(engine) as session:
        attempt = _load_answered(session, secret)
        return Pending(attempt.label, attempt.issuer, attempt.user_id is not None)


def make_user(engine: Engine, settings: Settings, secret: str | None, name: str) -> Returned:
    """The first log-in makes an account under the name that was chosen."""
    try:
        with transaction(engine) as session:
            attempt = _load_answered(session, secret)
            if attempt.user_id is not None:
                raise Conflict("this identity is about to be connected to the account that is logged in")
            user = make_account(session, settings, name, NO_PASSWORD)
            return _connect(session, settings, attempt, user)
    except IntegrityError:
        raise Conflict("this identity has an account already; log in again") from None


def connect(engine: Engine, settings: Settings, secret: str | None, user_id: str) -> Returned:
    try:
        with transaction(engine) as session:
            attempt = _load_answered(session, secret)
            user = users.fetch_user(session, user_id)
            if user is None or attempt.user_id != user.id:
                raise NotAuthenticated("another account is logged in now than the one that began to connect")
            return _connect(session, settings, attempt, user)
    except IntegrityError:
        raise Conflict("this identity is connected to an account already") from None


def disconnect(session: Session, identity_id: str, user_id: str) -> None:
    """Refused for the last way into an account."""
    users.lock_user(session, user_id)
    rows = identities.fetch_identities(session, user_id)
    found = next((row for row in rows if row.id == identity_id), None)
    if found is None:
        raise NotFound("no such identity of yours")
    user = users.fetch_user(session, user_id)
    if len(rows) == 1 and (user is None or user.password_hash == NO_PASSWORD):
        raise Conflict("this account has no password: without this identity nobody could log in")
    identities.delete_identity(session, found)


def _connect(session: Session, settings: Settings, attempt: LoginAttempt, user: User) -> Returned:
    target = attempt.next
    identities.store_identity(session, user.id, attempt)
    entered = None if attempt.user_id else open_browser_session(session, settings, user, issuer=attempt.issuer)
    identities.delete_attempt(session, attempt)
    return Returned(entered, target)


def _load(session: Session, secret: str | None) -> LoginAttempt:
    attempt = identities.fetch_attempt(session, hash_token(secret), utc_now()) if secret else None
    if attempt is None:
        raise NotAuthenticated(START_AGAIN)
    return attempt


def _load_answered(session: Session, secret: str | None) -> LoginAttempt:
    attempt = _load(session, secret)
    if not attempt.subject:
        raise NotAuthenticated(START_AGAIN)
    return attempt
