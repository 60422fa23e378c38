"""Notifications over HTTP: the mail address, webhooks, and what was sent."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.deps import EngineDep, Manager, Member, ReadingDep, SessionDep, SettingsDep
from api.errors import describe_errors
from api.notifications import inbox, service
from api.notifications.schemas import (
    DeliveryList,
    DeliveryView,
    FreshWebhook,
    InboxMessageView,
    InboxPage,
    NewWebhook,
    NotificationsChange,
    NotificationsView,
    SecretChange,
    WebhookChange,
    WebhookList,
    WebhookView,
)
from api.users.logins import prove
from core.db.session import reading, transaction

router = APIRouter(prefix="/me", tags=["notifications"])
ROUTERS = (router,)


@router.get("/notifications", operation_id="get_notifications", responses=describe_errors(401))
def get_notifications(caller: Member, session: ReadingDep, settings: SettingsDep) -> NotificationsView:
    """What one can be told, and the mail address with what is sent there."""
    return service.load(session, settings, caller)


@router.patch("/notifications", operation_id="change_notifications", responses=describe_errors(401, 403, 409, 422, 429))
def change_notifications(
    caller: Manager, engine: EngineDep, settings: SettingsDep, request: NotificationsChange
) -> NotificationsView:
    """A new address gets one mail with a link, and no other before that link was followed."""
    if request.password is not None:
        prove(engine, caller.member_id, request.password)
    with transaction(engine) as session:
        service.change(session, settings, request, caller, proven=request.password is not None)
    with reading(engine) as session:
        return service.load(session, settings, caller)


@router.get("/webhooks", operation_id="list_webhooks", responses=describe_errors(401))
def list_webhooks(caller: Member, session: ReadingDep) -> WebhookList:
    return WebhookList(items=service.list_webhooks(session, caller))


@router.post("/webhooks", status_code=201, operation_id="create_webhook", responses=describe_errors(401, 403, 409, 422))
def create_webhook(
    caller: Manager, session: SessionDep, settings: SettingsDep, request: NewWebhook, response: Response
) -> FreshWebhook:
    """The secret is shown this once."""
    response.headers["Cache-Control"] = "no-store"
    return service.create_webhook(session, settings, request, caller)


@router.patch("/webhooks/{webhook_id}", operation_id="change_webhook", responses=describe_errors(401, 403, 404, 422))
def change_webhook(webhook_id: str, caller: Manager, session: SessionDep, request: WebhookChange) -> WebhookView:
    """Other events, off, or on again."""
    return service.change_webhook(session, webhook_id, request, caller)


@router.post(
    "/webhooks/{webhook_id}/secret",
    operation_id="change_webhook_secret",
    responses=describe_errors(401, 403, 404, 422),
)
def change_webhook_secret(
    webhook_id: str, caller: Manager, session: SessionDep, request: SecretChange, response: Response
) -> FreshWebhook:
    """A new secret, shown this once; until `old_secret_until` every message carries a signature by either."""
    response.headers["Cache-Control"] = "no-store"
    return service.change_secret(session, webhook_id, request, caller)


@router.delete(
    "/webhooks/{webhook_id}", status_code=204, operation_id="delete_webhook", responses=describe_errors(401, 403, 404)
)
def delete_webhook(webhook_id: str, caller: Manager, session: SessionDep) -> None:
    service.delete_webhook(session, webhook_id, caller)


@router.post(
    "/webhooks/{webhook_id}/test",
    status_code=202,
    operation_id="test_webhook",
    responses=describe_errors(401, 403, 404, 409, 429),
)
def test_webhook(webhook_id: str, caller: Manager, session: SessionDep) -> DeliveryView:
    """Send a message of the type `webhook.test`, once; the list of deliveries says how it went."""
    return DeliveryView.model_validate(service.test_webhook(session, webhook_id, caller))


@router.get("/deliveries", operation_id="list_deliveries", responses=describe_errors(401, 422))
def list_deliveries(
    caller: Member,
    session: ReadingDep,
    webhook: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> DeliveryList:
    """What was sent or is being tried, newest first, for 30 days."""
    rows = service.list_deliveries(session, caller, webhook_id=webhook, limit=limit)
    return DeliveryList(items=[DeliveryView.model_validate(row) for row in rows])


@router.get("/inbox", operation_id="list_inbox", responses=describe_errors(401, 422))
def list_inbox(
    caller: Member,
    session: ReadingDep,
    before: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> InboxPage:
    """What one was told, newest first; kept for 180 days."""
    return inbox.list_messages(session, caller, before=before, limit=limit)


@router.post("/inbox/read", status_code=204, operation_id="read_inbox", responses=describe_errors(401, 403))
def read_inbox(caller: Manager, session: SessionDep) -> None:
    """Mark everything as read."""
    inbox.read_all(session, caller)


@router.post("/inbox/{message_id}/read", operation_id="read_message", responses=describe_errors(401, 403, 404, 422))
def read_message(message_id: str, caller: Manager, session: SessionDep) -> InboxMessageView:
    """Mark one as read."""
    return inbox.read_one(session, message_id, caller)
