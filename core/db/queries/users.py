"""SQL about accounts and tokens."""

from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session, joinedload

from core.db.models.accounts import ApiToken, BrowserSession, LoginFailure, PasswordReset, User
from core.db.models.notifications import MailAddress
from core.domain.access import Role
from core.domain.errors import NotFound
from core.domain.quota import Guesses


def fetch_user_by_name(session: Session, name: str) -> User | None:
    return session.scalars(select(User).where(User.name == name)).one_or_none()


def count_users_since(session: Session, since: datetime) -> int:
    return session.scalars(select(func.count()).select_from(User).where(User.created_at >= since)).one()


def fetch_live_token(session: Session, secret_sha256: str, now: datetime) -> ApiToken | None:
    query = (
        select(ApiToken)
        .where(ApiToken.secret_sha256 == secret_sha256, ApiToken.revoked_at.is_(None), ApiToken.expires_at > now)
        .options(joinedload(ApiToken.user))
    )
    return session.scalars(query).one_or_none()


def fetch_tokens(session: Session, user_id: str) -> list[ApiToken]:
    return list(session.scalars(select(ApiToken).where(ApiToken.user_id == user_id).order_by(ApiToken.created_at)))


def fetch_token(session: Session, token_id: str, user_id: str) -> ApiToken | None:
    query = select(ApiToken).where(ApiToken.id == token_id, ApiToken.user_id == user_id)
    return session.scalars(query).one_or_none()


def fetch_user_by_folded_name(session: Session, name: str) -> User | None:
    """Names that differ only in case would be mistaken for each other."""
    return session.scalars(select(User).where(func.lower(User.name) == name.lower()).limit(1)).one_or_none()


def fetch_first_registration(session: Session, since: datetime) -> datetime | None:
    return session.scalars(select(func.min(User.created_at)).where(User.created_at >= since)).one()


def store_user(session: Session, user: User) -> None:
    session.add(user)
    session.flush()


def set_role(session: Session, name: str, role: Role) -> None:
    user = fetch_user_by_name(session, name)
    if user is None:
        raise NotFound(f"no account named {name!r}")
    user.role = role


def store_token(session: Session, token: ApiToken) -> None:
    session.add(token)
    session.flush()


def fetch_user(session: Session, user_id: str) -> User | None:
    return session.get(User, user_id)


def lock_user(session: Session, user_id: str) -> None:
    """What an account has a limited number of is counted and added under its lock."""
    session.scalars(select(User.id).where(User.id == user_id).with_for_update()).one()


def store_browser_session(session: Session, row: BrowserSession) -> None:
    session.add(row)
    session.flush()


def fetch_live_browser_session(
    session: Session, secret_sha256: str, now: datetime, *, awaits_code: bool = False
) -> BrowserSession | None:
    query = (
        select(BrowserSession)
        .where(
            BrowserSession.secret_sha256 == secret_sha256,
            BrowserSession.ended_at.is_(None),
            BrowserSession.expires_at > now,
            BrowserSession.awaits_code.is_(awaits_code),
        )
        .options(joinedload(BrowserSession.user))
    )
    return session.scalars(query).one_or_none()


def fetch_browser_sessions(session: Session, user_id: str, now: datetime) -> list[BrowserSession]:
    """Those that still let somebody in, newest first."""
    query = select(BrowserSession).where(
        BrowserSession.user_id == user_id,
        BrowserSession.ended_at.is_(None),
        BrowserSession.expires_at > now,
        BrowserSession.awaits_code.is_(False),
    )
    return list(session.scalars(query.order_by(BrowserSession.created_at.desc())))


def end_browser_sessions(session: Session, user_id: str, now: datetime) -> None:
    session.execute(
        update(BrowserSession)
        .where(BrowserSession.user_id == user_id, BrowserSession.ended_at.is_(None))
        .values(ended_at=now)
    )


def revoke_tokens(session: Session, user_id: str, now: datetime) -> None:
    session.execute(
        update(ApiToken).where(ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None)).values(revoked_at=now)
    )


def fetch_browser_session(session: Session, secret_sha256: str) -> BrowserSession | None:
    """Also one that has ended: it tells which browser this is, and lets nobody in."""
    query = select(BrowserSession).where(BrowserSession.secret_sha256 == secret_sha256)
    return session.scalars(query.options(joinedload(BrowserSession.user))).one_or_none()


def store_guess(session: Session, name: str, source: str, now: datetime) -> None:
    session.add(LoginFailure(name=name.lower(), source=source, at=now))
    session.flush()


def count_guesses(session: Session, source: str, since: datetime, *, name: str | None = None) -> Guesses:
    """From one place: for one name, or for all."""
    query = select(func.count(), func.max(LoginFailure.at)).where(
        LoginFailure.source == source, LoginFailure.at >= since
    )
    count, newest = session.execute(query if name is None else query.where(LoginFailure.name == name.lower())).one()
    return Guesses(count, newest)


def forget_guesses(session: Session, name: str, source: str, *, before: datetime) -> None:
    """Those from a place that knows the password at last, and everybody's old ones."""
    from_there = (LoginFailure.name == name.lower()) & (LoginFailure.source == source)
    session.execute(delete(LoginFailure).where(from_there | (LoginFailure.at < before)))


def store_reset(session: Session, row: PasswordReset) -> None:
    """A newer link replaces those before."""
    use_resets(session, row.user_id, row.created_at)
    session.add(row)
    session.flush()


def fetch_live_reset(session: Session, secret_sha256: str, now: datetime) -> PasswordReset | None:
    query = select(PasswordReset).where(
        PasswordReset.secret_sha256 == secret_sha256, PasswordReset.used_at.is_(None), PasswordReset.expires_at > now
    )
    query = query.options(joinedload(PasswordReset.user, innerjoin=True))
    return session.scalars(query.with_for_update(of=PasswordReset)).one_or_none()


def use_resets(session: Session, user_id: str, now: datetime) -> None:
    mine = (PasswordReset.user_id == user_id) & PasswordReset.used_at.is_(None)
    session.execute(update(PasswordReset).where(mine).values(used_at=now))


def fetch_users(
    session: Session,
    *,
    text: str = "",
    role: Role | None = None,
    suspended: bool | None = None,
    before: str | None = None,
    limit: int,
) -> list[tuple[User, MailAddress | None]]:
    """Newest first; text: a part of the name or of the address."""
    query = select(User, MailAddress).outerjoin(MailAddress, MailAddress.user_id == User.id)
    if text:
        query = query.where(
            User.name.icontains(text, autoescape=True) | MailAddress.address.icontains(text, autoescape=True)
        )
    if role is not None:
        query = query.where(User.role == role)
    if suspended is not None:
        query = query.where(User.suspended_at.is_not(None) if suspended else User.suspended_at.is_(None))
    if before is not None:
        query = query.where(User.id < before)
    return [(user, mail) for user, mail in session.execute(query.order_by(User.id.desc()).limit(limit)).all()]


def lock_user_by_name(session: Session, name: str) -> User | None:
    return session.scalars(select(User).where(User.name == name).with_for_update()).one_or_none()
