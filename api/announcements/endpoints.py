"""Announcements over HTTP."""

from fastapi import APIRouter

from api.announcements import service
from api.announcements.schemas import AnnouncementList, AnnouncementView, NewAnnouncement
from api.deps import Organizer, PublicCaller, ReadingDep, SessionDep
from api.errors import describe_errors

router = APIRouter(tags=["competitions"])


@router.get("/competitions/{slug}/announcements", operation_id="list_announcements", responses=describe_errors(404))
def list_announcements(slug: str, caller: PublicCaller, session: ReadingDep) -> AnnouncementList:
    """What the organizers announced, newest first."""
    return service.list_announcements(session, slug, caller)


@router.post(
    "/admin/competitions/{slug}/announcements",
    status_code=201,
    operation_id="announce",
    responses=describe_errors(401, 403, 404, 422),
)
def announce(slug: str, caller: Organizer, session: SessionDep, new: NewAnnouncement) -> AnnouncementView:
    return service.announce(session, slug, new, caller)
