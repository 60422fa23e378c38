"""Where people want to be told, and what is on its way to them."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base, Choices, new_id, utc_now
from core.domain.notifications import DeliveryState, Event


class Webhook(Base):
    __tablename__ = "webhooks"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    url: Mapped[str]
    events: Mapped[tuple[Event, ...]] = mapped_column(Choices(Event))
    secret: Mapped[str]  # signs, so a digest would not do; shown to its owner once
    old_secret: Mapped[str] = mapped_column(default="")  # the one before; signs too, for a while
    old_secret_until: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    disabled_reason: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class MailAddress(Base):
    """One an account; nothing but the question is sent to it before it is confirmed."""

    __tablename__ = "mail_addresses"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    address: Mapped[str]
    events: Mapped[tuple[Event, ...]] = mapped_column(Choices(Event))
    confirmed_at: Mapped[datetime | None]
    confirm_sha256: Mapped[str | None] = mapped_column(unique=True)
    confirm_expires_at: Mapped[datetime | None]
    recovers: Mapped[bool] = mapped_column(default=False)  # given with the password: leads back into the account
    unsubscribe_token: Mapped[str] = mapped_column(unique=True)  # in every mail, and good for nothing else
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class InboxMessage(Base):
    """What an account was told, on the site itself; written with the change it tells of."""

    __tablename__ = "inbox_messages"
    __table_args__ = (Index("ix_inbox_messages_user_read", "user_id", "read_at"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    event: Mapped[Event]
    body: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=utc_now, index=True)
    read_at: Mapped[datetime | None]


class Delivery(Base):
    """One message to one place, written with the change it tells of; kept until it arrives or is given up."""

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("ix_deliveries_due", "state", "next_attempt_at"),
        Index("ix_deliveries_user_event", "user_id", "event", "created_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    webhook_id: Mapped[str | None] = mapped_column(index=True)  # None: by mail; the log outlives the webhook
    target: Mapped[str]
    event: Mapped[str]
    body: Mapped[dict[str, Any]]
    state: Mapped[DeliveryState] = mapped_column(default=DeliveryState.PENDING)
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime] = mapped_column(default=utc_now)
    status_code: Mapped[int | None]
    error: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    finished_at: Mapped[datetime | None]
