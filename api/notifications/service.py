"""Choose what one is told and where; messages themselves are sent by the worker."""

import base64
import secrets
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy.orm import Session

from api.deps import Caller
from api.notifications.schemas import (
    FreshWebhook,
    MailView,
    NewWebhook,
    NotificationsChange,
    NotificationsView,
    SecretChange,
    WebhookChange,
    WebhookView,
)
from api.security import hash_token
from api.users.addresses import set_address
from core.db.base import utc_now
from core.db.models.notifications import Delivery, MailAddress, Webhook
from core.db.queries import deliveries, notifications, users
from core.domain.errors import Conflict, NotFound
from core.domain.notifications import (
    MAX_WEBHOOKS,
    TEST,
    TESTS_AN_HOUR,
    Event,
    check_url,
)
from core.domain.quota import check_messages
from core.settings import Settings

SECRET_BYTES = 32
HOUR = timedelta(hours=1)


def load(session: Session, settings: Settings, caller: Caller) -> NotificationsView:
    mail = notifications.fetch_mail(session, caller.member_id)
    return NotificationsView(
        events=list(Event),
        mail_available=settings.sends_mail,
        mail=MailView.model_validate(mail) if mail else None,
    )


def change(
    session: Session, settings: Settings, request: NotificationsChange, caller: Caller, *, proven: bool = False
) -> None:
    """proven: whoever asks gave the password as well, so that a new address may lead back into the account."""
    if "address" in request.model_fields_set:
        set_address(session, settings, request.address, caller.member_id, proven=proven)
    if request.events is not None:
        mail = notifications.fetch_mail(session, caller.member_id)
        if mail is None:
            raise Conflict("there is no address yet; give one together with the events", field="address")
        mail.events = _sort(request.events)


def find_unconfirmed(session: Session, token: str) -> MailAddress:
    mail = notifications.fetch_mail_to_confirm(session, hash_token(token), utc_now())
    if mail is None:
        raise NotFound("this link was used, has expired or was replaced; ask for another on the account's page")
    return mail


def confirm(session: Session, token: str) -> None:
    mail = find_unconfirmed(session, token)
    mail.confirmed_at, mail.confirm_sha256 = utc_now(), None


def unsubscribe(session: Session, token: str) -> None:
    """Once more is harmless. An address that leads back into the account stays for that alone."""
    mail = notifications.fetch_mail_to_unsubscribe(session, token)
    if mail is not None and mail.recovers:
        mail.events = ()
    elif mail is not None:
        notifications.delete_mail(session, mail)


def list_webhooks(session: Session, caller: Caller) -> list[WebhookView]:
    return [WebhookView.model_validate(row) for row in notifications.fetch_webhooks(session, caller.member_id)]


def create_webhook(session: Session, settings: Settings, request: NewWebhook, caller: Caller) -> FreshWebhook:
    check_url(request.url, loopback=settings.calls_loopback)
    users.lock_user(session, caller.member_id)
    if len(notifications.fetch_webhooks(session, caller.member_id)) >= MAX_WEBHOOKS:
        raise Conflict(f"an account has at most {MAX_WEBHOOKS} webhooks; remove one first")
    row = Webhook(user_id=caller.member_id, url=request.url, events=_sort(request.events), secret=_make_secret())
    notifications.store_webhook(session, row)
    return FreshWebhook.model_validate(row)


def change_secret(session: Session, webhook_id: str, request: SecretChange, caller: Caller) -> FreshWebhook:
    """A new secret signs from now on; the one before signs beside it for the hours asked for, an older one no more."""
    users.lock_user(session, caller.member_id)
    row = _load_webhook(session, webhook_id, caller)
    overlap = timedelta(hours=request.overlap_hours)
    row.old_secret, row.old_secret_until = (row.secret, utc_now() + overlap) if overlap else ("", None)
    row.secret = _make_secret()
    session.flush()
    return FreshWebhook.model_validate(row)


def change_webhook(session: Session, webhook_id: str, request: WebhookChange, caller: Caller) -> WebhookView:
    row = _load_webhook(session, webhook_id, caller)
    if request.events is not None:
        row.events = _sort(request.events)
    if request.enabled is True:
        row.disabled_at, row.disabled_reason = None, ""
    if request.enabled is False and row.disabled_at is None:
        deliveries.disable_webhook(session, row.id, "turned off by its owner")
        session.refresh(row)
    return WebhookView.model_validate(row)


def delete_webhook(session: Session, webhook_id: str, caller: Caller) -> None:
    notifications.delete_webhook(session, _load_webhook(session, webhook_id, caller))


def test_webhook(session: Session, webhook_id: str, caller: Caller) -> Delivery:
    """Queue one message, which is tried once."""
    row = _load_webhook(session, webhook_id, caller)
    if row.disabled_at is not None:
        raise Conflict(f"this webhook is off ({row.disabled_reason}); turn it on first")
    users.lock_user(session, caller.member_id)
    sent = deliveries.count_since(session, caller.member_id, TEST, utc_now() - HOUR)
    check_messages(sent, TESTS_AN_HOUR, window=HOUR)
    data = {"webhook_id": row.id, "asked_by": caller.name}
    return deliveries.store_delivery(session, caller.member_id, TEST, data, target=row.url, webhook_id=row.id)


def list_deliveries(session: Session, caller: Caller, *, webhook_id: str | None, limit: int) -> list[Delivery]:
    return deliveries.fetch_deliveries(session, caller.member_id, webhook_id=webhook_id, limit=limit)


def _load_webhook(session: Session, webhook_id: str, caller: Caller) -> Webhook:
    row = notifications.fetch_webhook(session, webhook_id, caller.member_id)
    if row is None:
        raise NotFound("no such webhook of yours")
    return row


def _make_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def _sort(events: Sequence[Event]) -> tuple[Event, ...]:
    return tuple(event for event in Event if event in events)
