"""SQL about where people want to be told."""

from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core.db.models.notifications import Delivery, MailAddress, Webhook


def fetch_webhooks(session: Session, user_id: str) -> list[Webhook]:
    return list(session.scalars(select(Webhook).where(Webhook.user_id == user_id).order_by(Webhook.id)))


def fetch_webhook(session: Session, webhook_id: str, user_id: str) -> Webhook | None:
    query = select(Webhook).where(Webhook.id == webhook_id, Webhook.user_id == user_id)
    return session.scalars(query).one_or_none()


def store_webhook(session: Session, webhook: Webhook) -> None:
    session.add(webhook)
    session.flush()


def forget_old_secrets(session: Session, now: datetime) -> None:
    """Those that sign nothing any more."""
    over = Webhook.old_secret_until <= now
    session.execute(update(Webhook).where(over).values(old_secret="", old_secret_until=None))


def delete_webhook(session: Session, webhook: Webhook) -> None:
    session.delete(webhook)
    session.flush()


def fetch_mail(session: Session, user_id: str) -> MailAddress | None:
    return session.get(MailAddress, user_id)


def store_mail(session: Session, mail: MailAddress) -> None:
    session.add(mail)
    session.flush()


def delete_mail(session: Session, mail: MailAddress) -> None:
    session.delete(mail)
    session.flush()


def fetch_recovering(session: Session, address: str, *, limit: int) -> list[MailAddress]:
    """Accounts that an address leads back into."""
    query = select(MailAddress).where(
        func.lower(MailAddress.address) == address.lower(),
        MailAddress.confirmed_at.is_not(None),
        MailAddress.recovers,
    )
    return list(session.scalars(query.limit(limit)))


def fetch_mail_to_confirm(session: Session, confirm_sha256: str, now: datetime) -> MailAddress | None:
    query = select(MailAddress).where(
        MailAddress.confirm_sha256 == confirm_sha256, MailAddress.confirm_expires_at > now
    )
    return session.scalars(query).one_or_none()


def fetch_mail_to_unsubscribe(session: Session, token: str) -> MailAddress | None:
    return session.scalars(select(MailAddress).where(MailAddress.unsubscribe_token == token)).one_or_none()


def count_confirmations_since(session: Session, user_id: str, address: str, event: str, since: datetime) -> int:
    """Those an account asked for and those an address got, whoever asked."""
    query = (
        select(func.count())
        .select_from(Delivery)
        .where(
            Delivery.event == event,
            Delivery.created_at >= since,
            (Delivery.user_id == user_id) | (func.lower(Delivery.target) == address.lower()),
        )
    )
    return session.scalars(query).one()
