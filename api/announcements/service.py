"""Announcements: written by organizers, read by everybody who sees the competition."""

from sqlalchemy.orm import Session

from api.announcements.schemas import AnnouncementList, AnnouncementView, NewAnnouncement
from api.competitions.service import load_competition
from api.deps import Caller
from core.db.queries import announcements, audit, deliveries

SHOWN = 50


def list_announcements(session: Session, slug: str, caller: Caller) -> AnnouncementList:
    rows = announcements.fetch_announcements(session, load_competition(session, slug, caller).id, limit=SHOWN)
    return AnnouncementList(items=[AnnouncementView.model_validate(row) for row in rows])


def announce(session: Session, slug: str, new: NewAnnouncement, caller: Caller) -> AnnouncementView:
    competition = load_competition(session, slug, caller)
    row = announcements.store_announcement(session, competition.id, new.title, new.text, author=caller.name)
    detail = {"title": new.title, "id": row.id}
    audit.record(
        session, actor=caller.name, action="competition.announce", subject=f"competition/{slug}", detail=detail
    )
    deliveries.announce_posted(session, competition, title=new.title, text=new.text)
    return AnnouncementView.model_validate(row)
