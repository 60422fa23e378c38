"""Pages about being told: webhooks, the mail address, what was sent; and the links in mails."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from api.deps import Caller, EngineDep, Manager, Member, PublicCaller, ReadingDep, SettingsDep
from api.notifications import service
from api.notifications.schemas import FreshWebhook, NewWebhook, NotificationsChange, SecretChange, WebhookChange
from api.pages.kit.forms import answer_form, lead_on, show_once, submit_form
from api.pages.kit.showing import show
from api.users.logins import prove
from core.db.base import utc_now
from core.db.queries import deliveries
from core.db.session import transaction
from core.domain.errors import InvalidInput, RequestRefused
from core.domain.notifications import MAX_URL, OVERLAP_HOURS, Event
from core.settings import Settings

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
HERE = "/account/notifications"
LOG_LENGTH = 20
EVENT_TEXT = {
    Event.EVALUATION_FINISHED: "a submission of my team ended",
    Event.EVALUATION_REJUDGED: "a submission of my team was evaluated again, and its result changed",
    Event.PLACE_LOST: "my team lost its place on a board",
    Event.ANNOUNCEMENT_POSTED: "organizers announced something",
    Event.TEAM_INVITED: "a team invites me",
    Event.RESULTS_PUBLISHED: "the final board of a competition of mine is published",
    Event.DEADLINE_NEAR: "a competition of mine closes within a day",
    Event.THREAD_ANSWERED: "somebody answers in a thread of mine",
}
Chosen = Annotated[list[Event], Form()]
Token = Annotated[str, Query(max_length=100)]


@router.get("/account/notifications", name="notifications")
def show_notifications(request: Request, caller: Member, session: ReadingDep, settings: SettingsDep) -> HTMLResponse:
    return _render_notifications(request, caller, session, settings)


@router.post("/account/notifications/mail")
def save_mail(
    request: Request,
    caller: Manager,
    engine: EngineDep,
    settings: SettingsDep,
    address: Annotated[str, Form(max_length=254)] = "",
    password: Annotated[str, Form(max_length=256)] = "",
    events: Chosen = [],  # noqa: B006 (FastAPI copies it)
) -> Response:
    """An empty address removes the one there is; with the password it may be used to set a new one."""
    wanted = address.strip() or None
    change = NotificationsChange(address=wanted, events=events if wanted else None)

    def answer() -> Response:
        if password:
            prove(engine, caller.member_id, password)
        with transaction(engine) as session:
            service.change(session, settings, change, caller, proven=bool(password))
        return lead_on(HERE, "Saved.")

    return answer_form(
        engine, answer, lambda session, error: _render_notifications(request, caller, session, settings, error=error)
    )


@router.post("/account/notifications/webhooks")
def create_webhook(
    request: Request,
    caller: Manager,
    engine: EngineDep,
    settings: SettingsDep,
    url: Annotated[str, Form(max_length=MAX_URL)] = "",
    events: Chosen = [],  # noqa: B006 (FastAPI copies it)
) -> Response:
    """The secret stands on this answer and nowhere else."""

    def act(session: Session) -> FreshWebhook:
        if not events:
            raise InvalidInput("choose at least one thing to be told about", field="events")
        return service.create_webhook(session, settings, NewWebhook(url=url.strip(), events=events), caller)

    return submit_form(
        engine,
        act,
        lambda session, error: _render_notifications(request, caller, session, settings, error=error),
        lambda fresh: _show_fresh(request, caller, engine, settings, fresh),
    )


@router.post("/account/notifications/webhooks/{webhook_id}/secret")
def change_secret(
    webhook_id: str,
    request: Request,
    caller: Manager,
    engine: EngineDep,
    settings: SettingsDep,
    overlap: Annotated[bool, Form()] = False,
) -> Response:
    """The new secret stands on this answer and nowhere else."""
    change = SecretChange() if overlap else SecretChange(overlap_hours=0)
    with transaction(engine) as session:
        fresh = service.change_secret(session, webhook_id, change, caller)
    return _show_fresh(request, caller, engine, settings, fresh)


@router.post("/account/notifications/webhooks/{webhook_id}/{deed}")
def change_webhook(
    webhook_id: str, deed: str, request: Request, caller: Manager, engine: EngineDep, settings: SettingsDep
) -> Response:
    """deed: test, on, off, remove."""

    def act(session: Session) -> None:
        if deed == "test":
            service.test_webhook(session, webhook_id, caller)
        elif deed == "remove":
            service.delete_webhook(session, webhook_id, caller)
        elif deed in ("on", "off"):
            service.change_webhook(session, webhook_id, WebhookChange(enabled=deed == "on"), caller)
        else:
            raise InvalidInput("a webhook can be tested, turned on or off, and removed")

    return _do(request, caller, engine, settings, act)


@router.get("/mail/confirm", name="confirm_mail")
def show_confirmation(request: Request, caller: PublicCaller, session: ReadingDep, token: Token = "") -> HTMLResponse:
    """Only asks: mail scanners follow links."""
    mail = service.find_unconfirmed(session, token)
    name = deliveries.fetch_user_name(session, mail.user_id)
    return _show_link(request, "confirm", token=token, address=mail.address, name=name)


@router.post("/mail/confirm")
def confirm(request: Request, caller: PublicCaller, engine: EngineDep, token: Token = "") -> HTMLResponse:
    with transaction(engine) as session:
        service.confirm(session, token)
    return _show_link(request, "confirmed")


@router.get("/mail/unsubscribe", name="unsubscribe")
def show_unsubscription(request: Request, caller: PublicCaller, token: Token = "") -> HTMLResponse:
    return _show_link(request, "unsubscribe", token=token)


@router.post("/mail/unsubscribe")
def unsubscribe(request: Request, caller: PublicCaller, engine: EngineDep, token: Token = "") -> HTMLResponse:
    """Also what a mail program sends by itself (RFC 8058)."""
    with transaction(engine) as session:
        service.unsubscribe(session, token)
    return _show_link(request, "unsubscribed")


def _show_fresh(
    request: Request, caller: Caller, engine: Engine, settings: Settings, fresh: FreshWebhook
) -> HTMLResponse:
    return show_once(engine, lambda session: _render_notifications(request, caller, session, settings, fresh=fresh))


def _render_notifications(
    request: Request,
    caller: Caller,
    session: Session,
    settings: Settings,
    *,
    error: RequestRefused | None = None,
    **values: Any,
) -> HTMLResponse:
    log = service.list_deliveries(session, caller, webhook_id=None, limit=LOG_LENGTH)
    context = {
        "own": service.load(session, settings, caller),
        "webhooks": service.list_webhooks(session, caller),
        "log": log,
        "event_text": EVENT_TEXT,
        "now": utc_now(),
        "overlap_hours": OVERLAP_HOURS,
        "fresh": None,
        **values,
    }
    return show(request, "notifications.html", error=error, **context)


def _show_link(request: Request, stage: str, **values: str) -> HTMLResponse:
    context: dict[str, Any] = {"token": "", "address": "", "name": "", **values}
    response = show(request, "mail_link.html", stage=stage, **context)
    response.headers["Referrer-Policy"] = "no-referrer"  # the address bar holds the token
    response.headers["Cache-Control"] = "no-store"
    return response


def _do(
    request: Request, caller: Caller, engine: Engine, settings: Settings, act: Callable[[Session], object]
) -> Response:
    return submit_form(
        engine,
        act,
        lambda session, error: _render_notifications(request, caller, session, settings, error=error),
        HERE,
    )
