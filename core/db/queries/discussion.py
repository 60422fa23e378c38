"""SQL about what people say about a competition."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select, true
from sqlalchemy.orm import Session, joinedload

from core.db.models.lifecycle import DiscussionPost, DiscussionThread


def store_thread(session: Session, thread: DiscussionThread) -> None:
    session.add(thread)
    session.flush()


def store_post(session: Session, post: DiscussionPost) -> None:
    session.add(post)
    session.flush()


def fetch_threads(
    session: Session,
    competition_id: str,
    *,
    pinned: bool,
    reader_id: str | None,
    all_of_them: bool,
    before: tuple[datetime, str] | None = None,
    limit: int,
) -> list[DiscussionThread]:
    """Those with the newest words first. Hidden ones are there for their author, and with `all_of_them`."""
    query = select(DiscussionThread).where(
        DiscussionThread.competition_id == competition_id,
        DiscussionThread.pinned_at.is_not(None) if pinned else DiscussionThread.pinned_at.is_(None),
        _is_shown(reader_id, all_of_them),
    )
    if before is not None:
        at, thread_id = before
        older = (DiscussionThread.last_post_at == at) & (DiscussionThread.id < thread_id)
        query = query.where(or_(DiscussionThread.last_post_at < at, older))
    order = (DiscussionThread.last_post_at.desc(), DiscussionThread.id.desc())
    return list(session.scalars(query.order_by(*order).limit(limit).options(joinedload(DiscussionThread.user))))


def fetch_thread(
    session: Session, competition_id: str, thread_id: str, *, lock: bool = False
) -> DiscussionThread | None:
    query = select(DiscussionThread).where(
        DiscussionThread.competition_id == competition_id, DiscussionThread.id == thread_id
    )
    query = query.options(joinedload(DiscussionThread.user, innerjoin=True))
    return session.scalars(query.with_for_update(of=DiscussionThread) if lock else query).one_or_none()


def fetch_posts(session: Session, thread_id: str, *, after: str, limit: int) -> list[DiscussionPost]:
    """Oldest first."""
    query = select(DiscussionPost).where(DiscussionPost.thread_id == thread_id, DiscussionPost.id > after)
    return list(
        session.scalars(query.order_by(DiscussionPost.id).limit(limit).options(joinedload(DiscussionPost.user)))
    )


def fetch_mark(session: Session, thread_id: str, *, newest: int) -> str:
    """After which post the `newest` ones stand; empty if there are no more than these."""
    query = select(DiscussionPost.id).where(DiscussionPost.thread_id == thread_id)
    return session.scalars(query.order_by(DiscussionPost.id.desc()).offset(newest).limit(1)).one_or_none() or ""


def fetch_post(session: Session, thread_id: str, post_id: str) -> DiscussionPost | None:
    query = select(DiscussionPost).where(DiscussionPost.thread_id == thread_id, DiscussionPost.id == post_id)
    query = query.options(joinedload(DiscussionPost.user, innerjoin=True))
    return session.scalars(query.with_for_update(of=DiscussionPost)).one_or_none()


def count_posts(session: Session, thread_ids: Collection[str]) -> Mapping[str, int]:
    """Those that everybody sees."""
    query = (
        select(DiscussionPost.thread_id, func.count())
        .where(DiscussionPost.thread_id.in_(thread_ids), DiscussionPost.hidden_at.is_(None))
        .group_by(DiscussionPost.thread_id)
    )
    return {thread_id: count for thread_id, count in session.execute(query).all()}


def count_posts_since(session: Session, user_id: str, since: datetime) -> tuple[int, datetime | None]:
    """How many an account wrote, and when the first of them."""
    query = select(func.count(), func.min(DiscussionPost.created_at)).where(
        DiscussionPost.user_id == user_id, DiscussionPost.created_at >= since
    )
    count, oldest = session.execute(query).one()
    return count, oldest


def fetch_words_since(session: Session, user_id: str, since: datetime) -> list[str]:
    """What an account said, hidden or not."""
    query = select(DiscussionPost.text).where(DiscussionPost.user_id == user_id, DiscussionPost.created_at >= since)
    return list(session.scalars(query))


def fetch_talkers(session: Session, thread_id: str) -> set[str]:
    """The accounts that said something in a thread."""
    query = select(DiscussionPost.user_id).where(DiscussionPost.thread_id == thread_id)
    return set(session.scalars(query))


def _is_shown(reader_id: str | None, all_of_them: bool) -> ColumnElement[bool]:
    if all_of_them:
        return true()
    open_to_all: ColumnElement[bool] = DiscussionThread.hidden_at.is_(None)
    return open_to_all if reader_id is None else or_(open_to_all, DiscussionThread.user_id == reader_id)
