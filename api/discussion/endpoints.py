"""What people say about a competition, over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.decisions import Decision
from api.deps import Discusser, Moderator, PublicCaller, ReadingDep, SessionDep
from api.discussion import moderation, service
from api.discussion.schemas import NewPost, NewThread, PostView, ThreadList, ThreadPage, ThreadView
from api.errors import describe_errors
from core.domain.discussion import PostDeed, ThreadDeed

router = APIRouter(tags=["discussion"])
ROUTERS = (router,)
THREADS = "/competitions/{slug}/discussion"
WRITING = describe_errors(401, 403, 404, 409, 422, 429)
Limit = Annotated[int, Query(ge=1, le=200)]


@router.get(THREADS, operation_id="list_threads", responses=describe_errors(404, 422))
def list_threads(
    slug: str,
    caller: PublicCaller,
    session: ReadingDep,
    cursor: Annotated[str, Query(max_length=200)] = "",
    limit: Limit = 50,
) -> ThreadList:
    """The threads of a competition: pinned ones, then those with the newest words first."""
    return service.list_threads(session, slug, caller, cursor=cursor, limit=limit)


@router.post(THREADS, status_code=201, operation_id="begin_thread", responses=WRITING)
def begin_thread(slug: str, caller: Discusser, session: SessionDep, new: NewThread) -> ThreadView:
    """At most 20 posts an hour, of one account, and nothing twice within a day."""
    return service.begin_thread(session, slug, new, caller)


@router.get(f"{THREADS}/{{thread_id}}", operation_id="read_thread", responses=describe_errors(404, 422))
def read_thread(
    slug: str,
    thread_id: str,
    caller: PublicCaller,
    session: ReadingDep,
    after: Annotated[str, Query(max_length=64)] = "",
    limit: Limit = 50,
) -> ThreadPage:
    """A thread and its posts, oldest first."""
    return service.read_thread(session, slug, thread_id, caller, after=after, limit=limit)


@router.post(f"{THREADS}/{{thread_id}}/posts", status_code=201, operation_id="reply", responses=WRITING)
def reply(slug: str, thread_id: str, caller: Discusser, session: SessionDep, new: NewPost) -> PostView:
    return service.reply(session, slug, thread_id, new, caller)


@router.patch(f"{THREADS}/{{thread_id}}/posts/{{post_id}}", operation_id="edit_post", responses=WRITING)
def edit_post(
    slug: str, thread_id: str, post_id: str, caller: Discusser, session: SessionDep, new: NewPost
) -> PostView:
    """Say it otherwise: one's own words, while the thread is open."""
    return service.edit(session, slug, thread_id, post_id, new, caller)


@router.post(
    f"/admin{THREADS}/{{thread_id}}/{{deed}}",
    operation_id="moderate_thread",
    responses=describe_errors(401, 403, 404, 409, 422),
)
def moderate_thread(
    slug: str, thread_id: str, deed: ThreadDeed, caller: Moderator, session: SessionDep, decision: Decision
) -> ThreadView:
    """Pin it or not, close it or not, hide it or show it again."""
    return moderation.moderate_thread(session, slug, thread_id, deed, decision.reason, caller)


@router.post(
    f"/admin{THREADS}/{{thread_id}}/posts/{{post_id}}/{{deed}}",
    operation_id="moderate_post",
    responses=describe_errors(401, 403, 404, 409, 422),
)
def moderate_post(
    slug: str, thread_id: str, post_id: str, deed: PostDeed, caller: Moderator, session: SessionDep, decision: Decision
) -> PostView:
    """Hide a post, or show it again; its author sees it, and the reason."""
    return moderation.moderate_post(session, slug, thread_id, post_id, deed, decision.reason, caller)
