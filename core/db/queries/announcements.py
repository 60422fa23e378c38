"""SQL about announcements."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db.models.lifecycle import Announcement


def store_announcement(session: Session, competition_id: str, title: str, text: str, *, author: str) -> Announcement:
    row = Announcement(competition_id=competition_id, title=title, text=text, author=author)
    session.add(row)
    session.flush()
    return row


def fetch_announcements(session: Session, competition_id: str, *, limit: int) -> list[Announcement]:
    """Newest first, without those that were withdrawn."""
    query = select(Announcement).where(
        Announcement.competition_id == competition_id, Announcement.withdrawn_at.is_(None)
    )
    return list(session.scalars(query.order_by(Announcement.id.desc()).limit(limit)))


def lock_announcement(session: Session, competition_id: str, announcement_id: str) -> Announcement | None:
    query = select(Announcement).where(
        Announcement.competition_id == competition_id, Announcement.id == announcement_id
    )
    return session.scalars(query.with_for_update()).one_or_none()
