"""The one mail address of an account: asked before anything is sent there, told when it is replaced."""

import secrets
from datetime import timedelta

from sqlalchemy.orm import Session

from core.db.base import utc_now
from core.db.models.notifications import MailAddress
from core.db.queries import deliveries, notifications, users
from core.domain.errors import Conflict
from core.domain.notifications import CONFIRM, CONFIRMATIONS_A_DAY, NOTICE, Event, check_address
from core.domain.quota import check_messages
from core.settings import Settings

DAY = timedelta(days=1)


def set_address(session: Session, settings: Settings, address: str | None, user_id: str, *, proven: bool) -> None:
    """Ask a new address to confirm itself; the one already there is asked again if it has not answered.

    proven: the password was given with it, so it may lead back into the account once it is confirmed.
    """
    users.lock_user(session, user_id)
    old = notifications.fetch_mail(session, user_id)
    if address is None:
        _drop(session, old)
        return
    if not settings.sends_mail:
        raise Conflict("this server sends no mail; a webhook still works", field="address")
    check_address(address)
    if old is not None and old.address == address and old.confirmed_at is not None:
        old.recovers = old.recovers or proven
        return
    asked = notifications.count_confirmations_since(session, user_id, address, CONFIRM, utc_now() - DAY)
    check_messages(asked, CONFIRMATIONS_A_DAY, window=DAY)
    events = old.events if old else tuple(Event)
    _drop(session, old)
    row = make_address(user_id, address, events=events, recovers=proven)
    notifications.store_mail(session, row)
    deliveries.store_delivery(session, user_id, CONFIRM, {}, target=address)


def make_address(
    user_id: str, address: str, *, recovers: bool, events: tuple[Event, ...] = tuple(Event)
) -> MailAddress:
    return MailAddress(
        user_id=user_id,
        address=address,
        events=events,
        recovers=recovers,
        unsubscribe_token=secrets.token_urlsafe(32),
    )


def tell_change(session: Session, user_id: str, what: str) -> None:
    """To the address that is there, if it has confirmed itself."""
    mail = notifications.fetch_mail(session, user_id)
    if mail is not None and mail.confirmed_at is not None:
        deliveries.store_delivery(session, user_id, NOTICE, {"what": what}, target=mail.address)


def _drop(session: Session, old: MailAddress | None) -> None:
    if old is not None:
        tell_change(session, old.user_id, "this address was removed from the account or replaced by another")
        notifications.delete_mail(session, old)
