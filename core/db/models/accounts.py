"""Who may act: people, their tokens and log-ins."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db.base import Base, Choices, new_id, utc_now
from core.domain.access import Role, Scope


class User(Base):
    __tablename__ = "users"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    role: Mapped[Role] = mapped_column(default=Role.PARTICIPANT)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    suspended_at: Mapped[datetime | None]  # nothing lets it in
    suspended_reason: Mapped[str] = mapped_column(Text, default="")


class ApiToken(Base):
    __tablename__ = "api_tokens"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    label: Mapped[str] = mapped_column(default="")
    scopes: Mapped[tuple[Scope, ...]] = mapped_column(Choices(Scope), default=tuple(Scope))
    secret_sha256: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    user: Mapped[User] = relationship(lazy="raise")


class BrowserSession(Base):
    """A log-in; its secret lives in a cookie, here only its SHA-256."""

    __tablename__ = "browser_sessions"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    secret_sha256: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    issuer: Mapped[str] = mapped_column(default="")  # of the provider that let in; empty: a password
    awaits_code: Mapped[bool] = mapped_column(default=False)  # of the second factor: it lets nobody in before
    user: Mapped[User] = relationship(lazy="raise")


class LoginFailure(Base):
    """A wrong password, or one that is being compared; whether or not there is such an account.

    Counted by where it came from: who knows nothing but a name cannot keep its owner out.
    """

    __tablename__ = "login_failures"
    __table_args__ = (Index("ix_login_failures_source_at", "source", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    name: Mapped[str]
    source: Mapped[str]  # a network, a browser that was let in before, or an account that is in
    at: Mapped[datetime]


class SecondFactor(Base):
    """A secret that an app on a phone shares; asked for at every log-in once its owner has shown a code."""

    __tablename__ = "second_factors"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    secret: Mapped[str]  # codes are computed from it, so a digest would not do
    last_step: Mapped[int] = mapped_column(default=0)  # a code is taken once
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    confirmed_at: Mapped[datetime | None]


class RecoveryCode(Base):
    """In place of the phone, once."""

    __tablename__ = "recovery_codes"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    code_sha256: Mapped[str] = mapped_column(unique=True)
    used_at: Mapped[datetime | None]


class PasswordReset(Base):
    """A link that sets a new password, once; of its secret only the SHA-256 is here."""

    __tablename__ = "password_resets"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    secret_sha256: Mapped[str] = mapped_column(unique=True)
    address: Mapped[str] = mapped_column(default="")  # where it was mailed to: who follows it reads mail there
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]  # or replaced by a newer one
    user: Mapped[User] = relationship(lazy="raise")


class IdempotencyKey(Base):
    """A POST that was answered once is answered the same way again."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (UniqueConstraint("user_id", "key"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    key: Mapped[str]
    request_sha256: Mapped[str]
    object_id: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Identity(Base):
    """An account at the log-in provider that may enter as one of ours; the provider's pair of names never changes."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    issuer: Mapped[str]
    subject: Mapped[str]
    label: Mapped[str] = mapped_column(default="")  # what the provider calls it; never used to find an account
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class LoginAttempt(Base):
    """A browser on its way to the log-in provider and back; used once, gone after minutes."""

    __tablename__ = "login_attempts"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    browser_sha256: Mapped[str] = mapped_column(unique=True)  # of the cookie of who began it
    state_sha256: Mapped[str]
    nonce: Mapped[str]
    verifier: Mapped[str]
    next: Mapped[str]
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"))  # who wants to connect an identity
    issuer: Mapped[str]
    subject: Mapped[str] = mapped_column(default="")  # once the provider has answered
    label: Mapped[str] = mapped_column(default="")
    expires_at: Mapped[datetime] = mapped_column(index=True)
