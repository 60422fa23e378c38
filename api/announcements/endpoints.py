"""Announcements over HTTP."""

import hashlib

from fastapi import APIRouter, Response

from api.announcements import service
from api.announcements.feed import write_feed
from api.announcements.schemas import AnnouncementChange, AnnouncementList, AnnouncementView, NewAnnouncement
from api.competitions.service import load_competition
from api.conditional import UNCHANGED, IfNoneMatch, answer
from api.decisions import Decision
from api.deps import Organizer, PublicCaller, ReadingDep, SessionDep, SettingsDep
from api.errors import describe_errors

router = APIRouter(tags=["competitions"])
ROUTERS = (router,)
REFUSALS = describe_errors(401, 403, 404, 409, 422)


@router.get("/competitions/{slug}/announcements", operation_id="list_announcements", responses=describe_errors(404))
def list_announcements(slug: str, caller: PublicCaller, session: ReadingDep) -> AnnouncementList:
    """What the organizers announced, newest first."""
    return service.list_announcements(session, slug, caller)


@router.get(
    "/competitions/{slug}/announcements.atom",
    operation_id="get_announcements_feed",
    response_class=Response,
    responses={
        200: {"content": {"application/atom+xml": {"schema": {"type": "string"}}}},
        **UNCHANGED,
        **describe_errors(404),
    },
)
def get_announcements_feed(
    slug: str, caller: PublicCaller, session: ReadingDep, settings: SettingsDep, if_none_match: IfNoneMatch = ""
) -> Response:
    """The same as an Atom feed, for whoever sees the competition."""
    competition = load_competition(session, slug, caller)
    items = service.list_announcements(session, slug, caller).items
    content = write_feed(competition, items, site=settings.resolved_public_url)
    tag = f'"{hashlib.sha256(content.encode()).hexdigest()[:32]}"'
    return answer(tag, if_none_match, "application/atom+xml", lambda: content)


@router.post(
    "/admin/competitions/{slug}/announcements",
    status_code=201,
    operation_id="announce",
    responses=describe_errors(401, 403, 404, 422),
)
def announce(slug: str, caller: Organizer, session: SessionDep, new: NewAnnouncement) -> AnnouncementView:
    return service.announce(session, slug, new, caller)


@router.patch(
    "/admin/competitions/{slug}/announcements/{announcement_id}",
    operation_id="edit_announcement",
    responses=REFUSALS,
)
def edit_announcement(
    slug: str, announcement_id: str, caller: Organizer, session: SessionDep, change: AnnouncementChange
) -> AnnouncementView:
    """Say it otherwise; the audit log keeps what it said before."""
    return service.edit(session, slug, announcement_id, change, caller)


@router.post(
    "/admin/competitions/{slug}/announcements/{announcement_id}/withdraw",
    operation_id="withdraw_announcement",
    responses=REFUSALS,
)
def withdraw_announcement(
    slug: str, announcement_id: str, caller: Organizer, session: SessionDep, decision: Decision
) -> AnnouncementView:
    """Take it off the page and out of the feed; the audit log keeps it."""
    return service.withdraw(session, slug, announcement_id, decision.reason, caller)
