"""Requests and answers about notifications."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from api.paging import NEXT_BEFORE
from core.domain.notifications import MAX_URL, MOST_OVERLAP_HOURS, OVERLAP_HOURS, DeliveryState, Event

EVENTS_HELP = "events to be told about"


class MailView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    address: str
    events: list[Event]
    confirmed_at: datetime | None = Field(description="null until the link in the first mail was followed")
    recovers: bool = Field(description="whether it may be used to set a new password")


class NotificationsView(BaseModel):
    events: list[Event] = Field(description="every event there is")
    mail_available: bool = Field(description="whether this server sends mail at all")
    mail: MailView | None


class NotificationsChange(BaseModel):
    """What is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    address: str | None = Field(default=None, max_length=254, description="null removes it; a new one is asked first")
    events: list[Event] | None = Field(default=None, description="events to send by mail")
    password: str | None = Field(
        default=None, max_length=256, description="with it the address may also be used to set a new password"
    )


class NewWebhook(BaseModel):
    model_config = ConfigDict(extra="forbid")

    url: str = Field(max_length=MAX_URL, description="https, a host on the public internet")
    events: list[Event] = Field(default=list(Event), min_length=1, description=EVENTS_HELP)


class WebhookChange(BaseModel):
    """What is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    events: list[Event] | None = Field(default=None, min_length=1, description=EVENTS_HELP)
    enabled: bool | None = None


class WebhookView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: str
    url: str
    events: list[Event]
    created_at: datetime
    disabled_at: datetime | None = Field(description="since then nothing is sent to it")
    disabled_reason: str
    old_secret_until: datetime | None = Field(
        description="until when messages are signed with the secret before the last change, too; null: they are not"
    )


class SecretChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    overlap_hours: int = Field(
        default=OVERLAP_HOURS,
        ge=0,
        le=MOST_OVERLAP_HOURS,
        description="how long the old secret signs beside the new one; 0 ends it at once, as after a leak",
    )


class FreshWebhook(WebhookView):
    secret: str = Field(description="shown this once; checks the signatures, as Standard Webhooks describes")


class WebhookList(BaseModel):
    items: list[WebhookView]


class DeliveryView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: str = Field(description="also the `webhook-id` that is sent along")
    webhook_id: str | None = Field(description="null: by mail")
    target: str
    event: str
    state: DeliveryState
    attempts: int
    status_code: int | None
    error: str
    created_at: datetime
    next_attempt_at: datetime
    finished_at: datetime | None


class DeliveryList(BaseModel):
    items: list[DeliveryView]


class InboxMessageView(BaseModel):
    id: str
    event: Event
    subject: str
    text: str
    path: str = Field(description="of the page that it is about")
    created_at: datetime
    read_at: datetime | None


class InboxPage(BaseModel):
    items: list[InboxMessageView] = Field(description="newest first")
    unread: int
    next_before: Annotated[str | None, NEXT_BEFORE]
