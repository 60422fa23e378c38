"""SQL about what accounts are told on the site."""

from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from core.db.models.notifications import InboxMessage


def fetch_messages(session: Session, user_id: str, *, before: str | None, limit: int) -> list[InboxMessage]:
    """Newest first."""
    query = select(InboxMessage).where(InboxMessage.user_id == user_id)
    if before is not None:
        query = query.where(InboxMessage.id < before)
    return list(session.scalars(query.order_by(InboxMessage.id.desc()).limit(limit)))


def fetch_message(session: Session, user_id: str, message_id: str) -> InboxMessage | None:
    query = select(InboxMessage).where(InboxMessage.user_id == user_id, InboxMessage.id == message_id)
    return session.scalars(query).one_or_none()


def count_unread(session: Session, user_id: str) -> int:
    query = select(func.count()).where(InboxMessage.user_id == user_id, InboxMessage.read_at.is_(None))
    return session.scalars(query).one()


def mark_read(session: Session, user_id: str, now: datetime) -> None:
    query = update(InboxMessage).where(InboxMessage.user_id == user_id, InboxMessage.read_at.is_(None))
    session.execute(query.values(read_at=now))


def delete_old(session: Session, before: datetime) -> None:
    session.execute(delete(InboxMessage).where(InboxMessage.created_at < before))
