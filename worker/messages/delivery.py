"""Messages to people: load, send, settle; beside the sweep, because others' servers may be slow.

At least once: an attempt is counted and committed before it is made, and what was not settled comes up again.
"""

import json
import random
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from functools import partial
from hashlib import sha256
from typing import Any

import structlog
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from standardwebhooks import Webhook as Signer

from core.db.base import utc_now
from core.db.models.accounts import PasswordReset
from core.db.models.notifications import Delivery, Webhook
from core.db.queries import deliveries, inbox, notifications, users
from core.db.session import reading, transaction
from core.domain.notifications import (
    ACCOUNT_MAILS,
    CONFIRM,
    INBOX_KEPT,
    KEPT,
    RESET_WITHIN,
    TRIED_ONCE,
    WELCOME,
    WELCOME_WITHIN,
    WITH_LINK,
    DeliveryState,
    find_pause,
)
from core.settings import Settings
from worker.messages.egress import NotDelivered, post
from worker.messages.mail import send_mail, write_confirmation, write_notice, write_notification, write_reset

log = structlog.get_logger()
PATIENCE = timedelta(minutes=2)  # far more than an attempt may take
AT_ONCE = 8
BATCH = 32
CONFIRM_WITHIN = timedelta(days=2)
GONE = 410  # the receiver's own way to say: never again


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt came to; without an error it arrived."""

    status_code: int | None = None
    error: str = ""
    is_final: bool = False


def deliver_all(over: threading.Event, settings: Settings, engine: Engine) -> None:
    """Until nothing is due any more, or told that it is over."""
    while deliver_due(settings, engine) == BATCH and not over.is_set():
        pass


def deliver_due(settings: Settings, engine: Engine) -> int:
    """Make one attempt at everything that is due; any number of processes may do so at once."""
    now = utc_now()
    with reading(engine) as session:
        if not deliveries.has_due(session, now):
            return 0
    with transaction(engine) as session:
        deliveries.delete_old(session, now - KEPT)
        inbox.delete_old(session, now - INBOX_KEPT)
        notifications.forget_old_secrets(session, now)
        rows = deliveries.claim_due(session, now, patience=PATIENCE, limit=BATCH)
    with ThreadPoolExecutor(AT_ONCE) as places:
        for _ in places.map(partial(_attempt, settings, engine), rows):
            pass
    return len(rows)


def _attempt(settings: Settings, engine: Engine, row: Delivery) -> None:
    try:
        outcome = _call(settings, engine, row) if row.webhook_id else _mail(settings, engine, row)
    except NotDelivered as problem:
        outcome = Outcome(error=problem.message, is_final=problem.is_final)
    except Exception:  # one message must not hold up the others
        log.exception("a message could not be sent", delivery_id=row.id)
        outcome = Outcome(error="something failed on our side")
    with transaction(engine) as session:
        _settle(session, row, outcome)


def _call(settings: Settings, engine: Engine, row: Delivery) -> Outcome:
    with reading(engine) as session:
        hook = deliveries.fetch_live_webhook(session, row.webhook_id or "")
    if hook is None:
        raise NotDelivered("the webhook was turned off or removed", is_final=True)
    content = json.dumps({"type": row.event, "timestamp": row.created_at.isoformat(), "data": row.body})
    now = utc_now()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Lacuna-Webhooks/1",
        "webhook-id": row.id,  # the same for every attempt
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(Signer(secret).sign(row.id, now, content) for secret in _list_secrets(hook, now)),
    }
    status = post(row.target, content.encode(), headers, loopback=settings.calls_loopback)
    if 200 <= status < 300:
        return Outcome(status)
    return Outcome(status, f"answered {status}", is_final=status == GONE)


def _list_secrets(hook: Webhook, now: datetime) -> list[str]:
    """The present one, and for a while after a change the one before: one signature that fits is enough."""
    is_old_good = hook.old_secret_until is not None and hook.old_secret_until > now
    return [hook.secret, hook.old_secret] if is_old_good else [hook.secret]


def _mail(settings: Settings, engine: Engine, row: Delivery) -> Outcome:
    if not settings.sends_mail:
        raise NotDelivered("this server sends no mail", is_final=True)
    with transaction(engine) as session:
        writes = _write_account_mail if row.event in ACCOUNT_MAILS else _write_mail
        message = writes(session, settings, row)
    send_mail(settings, message)
    return Outcome()


def _write_mail(session: Session, settings: Settings, row: Delivery) -> EmailMessage:
    mail = notifications.fetch_mail(session, row.user_id)
    is_question = row.event == CONFIRM
    if mail is None or mail.address != row.target or (mail.confirmed_at is None) != is_question:
        raise NotDelivered("the address was changed, removed or has been confirmed", is_final=True)
    if not is_question:
        return write_notification(
            settings,
            address=row.target,
            event=row.event,
            data=row.body,
            unsubscribe=mail.unsubscribe_token,
            delivery_id=row.id,
        )
    token = secrets.token_urlsafe(32)  # made here, so that the database never holds the secret itself
    mail.confirm_sha256 = sha256(token.encode()).hexdigest()
    mail.confirm_expires_at = utc_now() + CONFIRM_WITHIN
    name = deliveries.fetch_user_name(session, row.user_id)
    return write_confirmation(settings, address=row.target, name=name, token=token, delivery_id=row.id)


def _write_account_mail(session: Session, settings: Settings, row: Delivery) -> EmailMessage:
    """About the account itself: a link for a new password, or what was changed, to the address of before."""
    name = deliveries.fetch_user_name(session, row.user_id)
    if row.event not in WITH_LINK:
        return write_notice(settings, address=row.target, name=name, what=row.body["what"], delivery_id=row.id)
    mail = notifications.fetch_mail(session, row.user_id)
    if mail is None or mail.address != row.target or not mail.recovers:
        raise NotDelivered("the address was changed or removed", is_final=True)
    token, now, is_new = secrets.token_urlsafe(32), utc_now(), row.event == WELCOME
    users.store_reset(
        session,
        PasswordReset(
            user_id=row.user_id,
            secret_sha256=sha256(token.encode()).hexdigest(),
            address=row.target,
            created_at=now,
            expires_at=now + (WELCOME_WITHIN if is_new else RESET_WITHIN),
        ),
    )
    return write_reset(settings, address=row.target, name=name, token=token, is_new=is_new, delivery_id=row.id)


def _settle(session: Session, row: Delivery, outcome: Outcome) -> None:
    now = utc_now()
    pause = None if outcome.is_final else find_pause(row.attempts, row.event)
    values: dict[str, Any] = {"status_code": outcome.status_code, "error": outcome.error}
    if not outcome.error:
        values |= {"state": DeliveryState.DELIVERED, "finished_at": now}
    elif pause is None:
        values |= {"state": DeliveryState.FAILED, "finished_at": now}
    else:
        values["next_attempt_at"] = _spread(now, pause)
    settled = deliveries.settle(session, row.id, row.attempts, **values)
    gave_up = outcome.error and pause is None
    if settled and gave_up and row.webhook_id and row.event not in TRIED_ONCE:
        reason = f"attempt {row.attempts} of a delivery was the last: {outcome.error}"
        deliveries.disable_webhook(session, row.webhook_id, reason)
        log.warning("a webhook was turned off", webhook_id=row.webhook_id, reason=outcome.error)


def _spread(now: datetime, pause: timedelta) -> datetime:
    """Up to a fifth later, so that what failed together does not come back together."""
    return now + pause * (1 + random.random() / 5)
