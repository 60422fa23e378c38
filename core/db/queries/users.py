"""SQL about accounts and tokens."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from core.db.models import ApiToken, User


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
