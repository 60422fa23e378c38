"""Announcements: written by organizers, read by everybody who sees the competition."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from api.announcements.schemas import AnnouncementChange, AnnouncementList, AnnouncementView, NewAnnouncement
from api.competitions.service import load_competition
from api.deps import Caller
from core.db.base import utc_now
from core.db.models.lifecycle import Announcement
from core.db.queries import announcements, audit, deliveries
from core.domain.errors import Conflict, InvalidInput, NotFound

SHOWN = 50


def list_announcements(session: Session, slug: str, caller: Caller) -> AnnouncementList:
    rows = announcements.fetch_announcements(session, load_competition(session, slug, caller).id, limit=SHOWN)
    return AnnouncementList(items=[AnnouncementView.model_validate(row) for row in rows])


def announce(session: Session, slug: str, new: NewAnnouncement, caller: Caller) -> AnnouncementView:
    competition = load_competition(session, slug, caller)
    row = announcements.store_announcement(session, competition.id, new.title, new.text, author=caller.name)
    _record(session, caller, "competition.announce", slug, {"title": new.title, "id": row.id})
    deliveries.announce_posted(session, competition, title=new.title, text=new.text)
    return AnnouncementView.model_validate(row)


def edit(
    session: Session, slug: str, announcement_id: str, change: AnnouncementChange, caller: Caller
) -> AnnouncementView:
    """Say it otherwise; what it said before stands in the audit log. Whoever was told by mail is not told again."""
    row = _lock(session, slug, announcement_id, caller)
    named = {"title": change.title, "text": change.text}
    changed = {name: value for name, value in named.items() if value not in (None, getattr(row, name))}
    if not changed:
        raise InvalidInput("the announcement already says this: give another title or text", field="text")
    detail = {name: [getattr(row, name), value] for name, value in changed.items()}
    for name, value in changed.items():
        setattr(row, name, value)
    row.edited_at = utc_now()
    _record(session, caller, "announcement.edit", slug, {"id": row.id, **detail, "reason": change.reason})
    return AnnouncementView.model_validate(row)


def withdraw(session: Session, slug: str, announcement_id: str, reason: str, caller: Caller) -> AnnouncementView:
    """Nobody is shown it any more, in no feed either; what it said stands in the audit log."""
    row = _lock(session, slug, announcement_id, caller)
    row.withdrawn_at = utc_now()
    detail = {"id": row.id, "title": row.title, "text": row.text, "reason": reason}
    _record(session, caller, "announcement.withdraw", slug, detail)
    return AnnouncementView.model_validate(row)


def _lock(session: Session, slug: str, announcement_id: str, caller: Caller) -> Announcement:
    competition = load_competition(session, slug, caller)
    row = announcements.lock_announcement(session, competition.id, announcement_id)
    if row is None:
        raise NotFound(f"no such announcement of {slug}: `lacuna announcements {slug}` lists their ids")
    if row.withdrawn_at is not None:
        raise Conflict("this announcement was withdrawn: make a new one")
    return row


def _record(session: Session, caller: Caller, action: str, slug: str, detail: Mapping[str, object]) -> None:
    audit.record(session, actor=caller.name, action=action, subject=f"competition/{slug}", detail=detail)
