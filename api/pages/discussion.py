"""The discussion of a competition: its threads, one thread, and what moderators do there."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import AfterValidator
from sqlalchemy.orm import Session

from api.competitions.service import load_competition
from api.deps import Caller, Discusser, EngineDep, Moderator, PublicCaller, ReadingDep, get_app_settings
from api.discussion import moderation, service
from api.discussion.schemas import NewPost, NewThread
from api.pages.kit.forms import ShowAgain, submit_form
from api.pages.kit.reading import read_decision, read_model, unify_lines
from api.pages.kit.showing import show
from api.pages.kit.strip import load_strip
from core.db.queries import discussion
from core.domain.access import Action
from core.domain.competition import CompetitionState
from core.domain.discussion import DONE, PostDeed, ThreadDeed
from core.domain.errors import RequestRefused

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
THREADS = 30
POSTS = 50
Text = Annotated[str, AfterValidator(unify_lines), Form()]
Preview = Annotated[bool, Form()]


@router.get("/competitions/{slug}/discussion", name="discussion")
def show_threads(
    slug: str,
    request: Request,
    caller: PublicCaller,
    session: ReadingDep,
    cursor: Annotated[str, Query(max_length=200)] = "",
) -> HTMLResponse:
    return _render_threads(slug, request, caller, session, cursor=cursor)


@router.post("/competitions/{slug}/discussion")
def begin_thread(
    slug: str,
    request: Request,
    caller: Discusser,
    engine: EngineDep,
    title: Annotated[str, Form()] = "",
    text: Text = "",
    preview: Preview = False,
) -> Response:
    typed = {"title": title, "text": text}
    return submit_form(
        engine,
        lambda session: service.begin_thread(session, slug, read_model(NewThread, typed), caller),
        lambda session, error: _render_threads(slug, request, caller, session, typed=typed, error=error),
        lambda thread: f"/competitions/{slug}/discussion/{thread.id}",
        "Posted.",
        preview=preview,
    )


@router.get("/competitions/{slug}/discussion/{thread_id}", name="thread")
def show_thread(
    slug: str,
    thread_id: str,
    request: Request,
    caller: PublicCaller,
    session: ReadingDep,
    after: Annotated[str, Query(max_length=64)] = "",
) -> HTMLResponse:
    return _render_thread(slug, thread_id, request, caller, session, after=after)


@router.post("/competitions/{slug}/discussion/{thread_id}")
def reply(
    slug: str,
    thread_id: str,
    request: Request,
    caller: Discusser,
    engine: EngineDep,
    text: Text = "",
    preview: Preview = False,
) -> Response:
    def act(session: Session) -> str:
        post = service.reply(session, slug, thread_id, read_model(NewPost, {"text": text}), caller)
        after = discussion.fetch_mark(session, thread_id, newest=POSTS)
        return f"/competitions/{slug}/discussion/{thread_id}{f'?after={after}' if after else ''}#p-{post.id}"

    return submit_form(
        engine,
        act,
        lambda session, error: _render_thread(slug, thread_id, request, caller, session, typed=text, error=error),
        lambda path: path,
        "Posted.",
        preview=preview,
    )


@router.post("/competitions/{slug}/discussion/{thread_id}/posts/{post_id}")
def edit_post(
    slug: str,
    thread_id: str,
    post_id: str,
    request: Request,
    caller: Discusser,
    engine: EngineDep,
    text: Text = "",
    preview: Preview = False,
) -> Response:
    return submit_form(
        engine,
        lambda session: service.edit(session, slug, thread_id, post_id, read_model(NewPost, {"text": text}), caller),
        _again(slug, thread_id, request, caller, edited={"id": post_id, "text": text}),
        f"/competitions/{slug}/discussion/{thread_id}#p-{post_id}",
        preview=preview,
    )


@router.post("/competitions/{slug}/discussion/{thread_id}/moderate/{deed}")
def moderate_thread(
    slug: str,
    thread_id: str,
    deed: ThreadDeed,
    request: Request,
    caller: Moderator,
    engine: EngineDep,
    reason: Annotated[str, Form()] = "",
) -> Response:
    return submit_form(
        engine,
        lambda session: moderation.moderate_thread(
            session, slug, thread_id, deed, read_decision(reason).reason, caller
        ),
        _again(slug, thread_id, request, caller),
        f"/competitions/{slug}/discussion/{thread_id}",
        f"The thread is {DONE[deed]} now.",
    )


@router.post("/competitions/{slug}/discussion/{thread_id}/posts/{post_id}/moderate/{deed}")
def moderate_post(
    slug: str,
    thread_id: str,
    post_id: str,
    deed: PostDeed,
    request: Request,
    caller: Moderator,
    engine: EngineDep,
    reason: Annotated[str, Form()] = "",
) -> Response:
    return submit_form(
        engine,
        lambda session: moderation.moderate_post(
            session, slug, thread_id, post_id, deed, read_decision(reason).reason, caller
        ),
        _again(slug, thread_id, request, caller),
        f"/competitions/{slug}/discussion/{thread_id}#p-{post_id}",
        "The post is hidden now." if deed is PostDeed.HIDE else "The post is shown again.",
    )


def _again(slug: str, thread_id: str, request: Request, caller: Caller, **values: Any) -> ShowAgain:
    return lambda session, error: _render_thread(slug, thread_id, request, caller, session, error=error, **values)


def _render_threads(
    slug: str,
    request: Request,
    caller: Caller,
    session: Session,
    *,
    cursor: str = "",
    typed: dict[str, str] | None = None,
    error: RequestRefused | None = None,
) -> HTMLResponse:
    competition = load_competition(session, slug, caller)
    found = service.list_threads(session, slug, caller, cursor=cursor, limit=THREADS)
    writes = caller.may(Action.DISCUSS) and competition.state is not CompetitionState.ARCHIVED
    strip = load_strip(session, get_app_settings(request), competition, caller)
    values = {"strip": strip, "competition": competition, "found": found, "writes": writes, "cursor": cursor}
    return show(request, "discussion.html", error=error, typed=typed or {}, **values)


def _render_thread(
    slug: str,
    thread_id: str,
    request: Request,
    caller: Caller,
    session: Session,
    *,
    after: str = "",
    typed: str = "",
    edited: dict[str, str] | None = None,
    error: RequestRefused | None = None,
) -> HTMLResponse:
    competition = load_competition(session, slug, caller)
    found = service.read_thread(session, slug, thread_id, caller, after=after, limit=POSTS)
    is_open = not found.thread.is_closed and not found.thread.is_hidden
    values = {
        "competition": competition,
        "found": found,
        "after": after,
        "writes": is_open and caller.may(Action.DISCUSS) and competition.state is not CompetitionState.ARCHIVED,
        "moderates": caller.may(Action.MODERATE),
        "edited": edited or {},
    }
    return show(request, "thread.html", error=error, typed=typed, **values)
