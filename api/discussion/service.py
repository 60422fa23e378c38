"""What people say about a competition: begin a thread, answer, edit, and moderate."""

from datetime import datetime
from functools import partial

from sqlalchemy.orm import Session

from api.competitions.service import load_competition
from api.deps import Caller
from api.discussion.schemas import NewPost, NewThread, PostView, ThreadList, ThreadPage, ThreadView
from api.paging import decode_cursor, encode_cursor, refuse_cursor
from core.db.base import utc_now
from core.db.models.contests import Competition
from core.db.models.lifecycle import DiscussionPost, DiscussionThread
from core.db.queries import deliveries, discussion, users
from core.domain.access import Action
from core.domain.competition import CompetitionState
from core.domain.discussion import POST_WINDOW, SAME_WORDS_WINDOW, check_new_words, check_posts
from core.domain.errors import Conflict, InvalidInput, NotFound

MOST_PINNED = 20


def list_threads(session: Session, slug: str, caller: Caller, *, cursor: str, limit: int) -> ThreadList:
    competition = load_competition(session, slug, caller)
    fetch = partial(
        discussion.fetch_threads,
        session,
        competition.id,
        reader_id=caller.user_id,
        all_of_them=caller.may(Action.MODERATE),
    )
    before = _read_cursor(cursor) if cursor else None
    rows = fetch(pinned=False, before=before, limit=limit + 1)
    more = len(rows) > limit
    rows = rows[:limit]
    following = encode_cursor(f"{rows[-1].last_post_at.isoformat()} {rows[-1].id}") if more else None
    if before is None:
        rows = [*fetch(pinned=True, limit=MOST_PINNED), *rows]
    counts = discussion.count_posts(session, [row.id for row in rows])
    items = [make_thread_view(row, counts.get(row.id, 0), caller) for row in rows]
    return ThreadList(items=items, next_cursor=following)


def read_thread(session: Session, slug: str, thread_id: str, caller: Caller, *, after: str, limit: int) -> ThreadPage:
    row = load_thread(session, slug, thread_id, caller)
    posts = discussion.fetch_posts(session, row.id, after=after, limit=limit + 1)
    following = posts[limit - 1].id if len(posts) > limit else None
    count = discussion.count_posts(session, [row.id]).get(row.id, 0)
    return ThreadPage(
        thread=make_thread_view(row, count, caller),
        items=[make_post_view(post, caller) for post in posts[:limit]],
        next_after=following,
    )


def begin_thread(session: Session, slug: str, new: NewThread, caller: Caller) -> ThreadView:
    competition = load_competition(session, slug, caller)
    _check_may_write(session, competition, new.text, caller)
    is_staff = caller.may(Action.MODERATE)
    row = DiscussionThread(competition_id=competition.id, user_id=caller.member_id, title=new.title, by_staff=is_staff)
    discussion.store_thread(session, row)
    _store_post(session, row, new.text, caller)
    found = load_thread(session, slug, row.id, caller)
    return make_thread_view(found, 1, caller)


def reply(session: Session, slug: str, thread_id: str, new: NewPost, caller: Caller) -> PostView:
    competition = load_competition(session, slug, caller)
    thread = load_thread(session, slug, thread_id, caller, lock=True)
    if thread.closed_at is not None or thread.hidden_at is not None:
        raise Conflict("this thread is closed and takes no replies")
    _check_may_write(session, competition, new.text, caller)
    post = _store_post(session, thread, new.text, caller)
    thread.last_post_at = post.created_at
    deliveries.announce_answer(session, slug, thread, author_id=caller.member_id, author=caller.name)
    return make_post_view(load_post(session, thread, post.id), caller)


def edit(session: Session, slug: str, thread_id: str, post_id: str, new: NewPost, caller: Caller) -> PostView:
    """By its author alone, while the thread is open and nobody has hidden it."""
    competition = load_competition(session, slug, caller)
    thread = load_thread(session, slug, thread_id, caller)
    post = load_post(session, thread, post_id)
    if post.user_id != caller.member_id:
        raise NotFound("no such post of yours")
    if post.hidden_at is not None or thread.closed_at is not None or thread.hidden_at is not None:
        raise Conflict("what is closed or hidden stays as it is")
    if competition.state is CompetitionState.ARCHIVED:
        raise Conflict(f"{slug} is archived: what was said there stays as it is")
    if post.text == new.text:
        raise InvalidInput("it says this already", field="text")
    post.text, post.edited_at = new.text, utc_now()
    return make_post_view(post, caller)


def load_thread(session: Session, slug: str, thread_id: str, caller: Caller, *, lock: bool = False) -> DiscussionThread:
    """A hidden one is there for its author and staff alone."""
    competition = load_competition(session, slug, caller)
    row = discussion.fetch_thread(session, competition.id, thread_id, lock=lock)
    if row is None or (row.hidden_at is not None and not _sees_hidden(row.user_id, caller)):
        raise NotFound("no such thread")
    return row


def load_post(session: Session, thread: DiscussionThread, post_id: str) -> DiscussionPost:
    post = discussion.fetch_post(session, thread.id, post_id)
    if post is None:
        raise NotFound("no such post")
    return post


def make_thread_view(row: DiscussionThread, posts: int, caller: Caller) -> ThreadView:
    return ThreadView(
        id=row.id,
        title=row.title,
        author=row.user.name,
        by_staff=row.by_staff,
        created_at=row.created_at,
        last_post_at=row.last_post_at,
        posts=posts,
        is_pinned=row.pinned_at is not None,
        is_closed=row.closed_at is not None,
        is_hidden=row.hidden_at is not None,
        hidden_reason=row.hidden_reason if _sees_hidden(row.user_id, caller) else "",
    )


def make_post_view(post: DiscussionPost, caller: Caller) -> PostView:
    is_hidden, sees = post.hidden_at is not None, _sees_hidden(post.user_id, caller)
    return PostView(
        id=post.id,
        author=post.user.name,
        by_staff=post.by_staff,
        text="" if is_hidden and not sees else post.text,
        created_at=post.created_at,
        edited_at=post.edited_at,
        is_hidden=is_hidden,
        hidden_reason=post.hidden_reason if sees else "",
        is_own=post.user_id == caller.user_id,
    )


def _sees_hidden(author_id: str, caller: Caller) -> bool:
    return author_id == caller.user_id or caller.may(Action.MODERATE)


def _check_may_write(session: Session, competition: Competition, text: str, caller: Caller) -> None:
    if competition.state is CompetitionState.ARCHIVED:
        raise Conflict(f"{competition.slug} is archived: nothing more is said there")
    users.lock_user(session, caller.member_id)
    now = utc_now()
    check_new_words(text, discussion.fetch_words_since(session, caller.member_id, now - SAME_WORDS_WINDOW))
    if not caller.may(Action.MODERATE):
        recent, oldest = discussion.count_posts_since(session, caller.member_id, now - POST_WINDOW)
        check_posts(recent, oldest=oldest, now=now)


def _store_post(session: Session, thread: DiscussionThread, text: str, caller: Caller) -> DiscussionPost:
    is_staff = caller.may(Action.MODERATE)
    post = DiscussionPost(thread_id=thread.id, user_id=caller.member_id, text=text, by_staff=is_staff)
    discussion.store_post(session, post)
    return post


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    at, _, thread_id = decode_cursor(cursor).partition(" ")
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        raise refuse_cursor() from None
    if moment.tzinfo is None or not thread_id:
        raise refuse_cursor()
    return moment, thread_id
