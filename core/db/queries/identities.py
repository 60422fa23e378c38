"""SQL about identities at the log-in provider, and browsers on their way there and back."""

from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from core.db.models.accounts import Identity, LoginAttempt


def fetch_identity(session: Session, issuer: str, subject: str) -> Identity | None:
    query = select(Identity).where(Identity.issuer == issuer, Identity.subject == subject)
    return session.scalars(query).one_or_none()


def fetch_identities(session: Session, user_id: str) -> list[Identity]:
    return list(session.scalars(select(Identity).where(Identity.user_id == user_id).order_by(Identity.created_at)))


def store_identity(session: Session, user_id: str, attempt: LoginAttempt) -> None:
    row = Identity(user_id=user_id, issuer=attempt.issuer, subject=attempt.subject, label=attempt.label)
    session.add(row)
    session.flush()


def delete_identity(session: Session, identity: Identity) -> None:
    session.delete(identity)
    session.flush()


def store_attempt(session: Session, attempt: LoginAttempt, now: datetime) -> None:
    """What expired goes on this occasion."""
    session.execute(delete(LoginAttempt).where(LoginAttempt.expires_at < now))
    session.add(attempt)
    session.flush()


def fetch_attempt(session: Session, browser_sha256: str, now: datetime) -> LoginAttempt | None:
    query = select(LoginAttempt).where(LoginAttempt.browser_sha256 == browser_sha256, LoginAttempt.expires_at > now)
    return session.scalars(query).one_or_none()


def use_state(session: Session, attempt_id: str, state_sha256: str) -> bool:
    """The provider's answer counts once."""
    query = (
        update(LoginAttempt)
        .where(LoginAttempt.id == attempt_id, LoginAttempt.state_sha256 == state_sha256)
        .values(state_sha256="")
    )
    result = session.execute(query)
    return isinstance(result, CursorResult) and result.rowcount == 1


def delete_attempt(session: Session, attempt: LoginAttempt) -> None:
    session.delete(attempt)
    session.flush()
