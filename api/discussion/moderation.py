"""What moderators do about what was said; every deed is in the audit log, with what it said."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from api.deps import Caller
from api.discussion.schemas import PostView, ThreadView
from api.discussion.service import load_post, load_thread, make_post_view, make_thread_view
from core.db.base import utc_now
from core.db.models.lifecycle import DiscussionThread
from core.db.queries import audit, discussion
from core.domain.discussion import DONE, PostDeed, ThreadDeed
from core.domain.errors import Conflict

COLUMN = {  # which moment a deed sets, and whether it sets or empties it
    ThreadDeed.PIN: ("pinned_at", True),
    ThreadDeed.UNPIN: ("pinned_at", False),
    ThreadDeed.CLOSE: ("closed_at", True),
    ThreadDeed.REOPEN: ("closed_at", False),
    ThreadDeed.HIDE: ("hidden_at", True),
    ThreadDeed.SHOW: ("hidden_at", False),
}


def moderate_thread(
    session: Session, slug: str, thread_id: str, deed: ThreadDeed, reason: str, caller: Caller
) -> ThreadView:
    thread = load_thread(session, slug, thread_id, caller, lock=True)
    column, sets = COLUMN[deed]
    if (getattr(thread, column) is not None) == sets:
        raise Conflict(f"the thread is {DONE[deed]} already")
    setattr(thread, column, utc_now() if sets else None)
    if column == "hidden_at":
        thread.hidden_reason = reason if sets else ""
    _record(session, caller, f"discussion.{deed}", slug, {"id": thread.id, "title": thread.title, "reason": reason})
    return make_thread_view(thread, _count(session, thread), caller)


def moderate_post(
    session: Session, slug: str, thread_id: str, post_id: str, deed: PostDeed, reason: str, caller: Caller
) -> PostView:
    thread = load_thread(session, slug, thread_id, caller, lock=True)
    post = load_post(session, thread, post_id)
    sets = deed is PostDeed.HIDE
    if (post.hidden_at is not None) == sets:
        raise Conflict(f"the post is {'hidden' if sets else 'shown'} already")
    post.hidden_at, post.hidden_reason = (utc_now(), reason) if sets else (None, "")
    detail = {"id": post.id, "title": thread.title, "user": post.user.name, "text": post.text, "reason": reason}
    _record(session, caller, f"discussion.{deed}_post", slug, detail)
    return make_post_view(post, caller)


def _count(session: Session, thread: DiscussionThread) -> int:
    return discussion.count_posts(session, [thread.id]).get(thread.id, 0)


def _record(session: Session, caller: Caller, action: str, slug: str, detail: Mapping[str, object]) -> None:
    audit.record(session, actor=caller.name, action=action, subject=f"competition/{slug}", detail=detail)
