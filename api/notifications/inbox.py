"""What one is told on the site itself."""

from sqlalchemy.orm import Session

from api.deps import Caller
from api.notifications.schemas import InboxMessageView, InboxPage
from api.paging import cut_page
from core.db.base import utc_now
from core.db.models.notifications import InboxMessage
from core.db.queries import inbox
from core.domain.errors import NotFound
from core.domain.notification_words import describe


def list_messages(session: Session, caller: Caller, *, before: str | None, limit: int) -> InboxPage:
    rows = inbox.fetch_messages(session, caller.member_id, before=before, limit=limit + 1)
    page = cut_page(rows, limit, lambda row: row.id)
    unread = inbox.count_unread(session, caller.member_id)
    return InboxPage(items=[_make_view(row) for row in page.rows], unread=unread, next_before=page.next)


def read_one(session: Session, message_id: str, caller: Caller) -> InboxMessageView:
    row = inbox.fetch_message(session, caller.member_id, message_id)
    if row is None:
        raise NotFound("no such message of yours")
    row.read_at = row.read_at or utc_now()
    return _make_view(row)


def read_all(session: Session, caller: Caller) -> None:
    inbox.mark_read(session, caller.member_id, utc_now())


def _make_view(row: InboxMessage) -> InboxMessageView:
    subject, text, path = describe(row.event, row.body)
    return InboxMessageView(
        id=row.id,
        event=row.event,
        subject=subject,
        text=text,
        path=path,
        created_at=row.created_at,
        read_at=row.read_at,
    )
