"""A new password by a link that was mailed, or that an admin hands over. Nobody learns which accounts there are."""

from datetime import timedelta

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from api.security import NO_PASSWORD, hash_password, hash_token, make_token
from api.users.addresses import tell_change
from core.db.base import utc_now
from core.db.models.accounts import PasswordReset, User
from core.db.models.notifications import MailAddress
from core.db.queries import deliveries, notifications, users
from core.db.session import transaction
from core.domain.errors import NotFound
from core.domain.notifications import RESET, RESET_WITHIN, RESETS_A_DAY, RESETS_ASKED_AN_HOUR
from core.domain.quota import check_messages
from core.settings import Settings

log = structlog.get_logger()
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SHARED = 5  # accounts that one address may lead back into
ASKED = "if there is such an account and it has a confirmed address, a mail with a link is on its way"


def count_asking(engine: Engine, source: str) -> None:
    """Refuse too many questions from one place, whatever they are about."""
    now, place = utc_now(), f"reset {source}"
    with transaction(engine) as session:
        asked = users.count_guesses(session, place, now - HOUR).count
        check_messages(asked, RESETS_ASKED_AN_HOUR, window=HOUR)
        users.store_guess(session, "", place, now)


def send_links(engine: Engine, settings: Settings, whose: str) -> None:
    """Queue a mail for each account of this name or address; runs after the answer, whose time then tells nothing."""
    try:
        with transaction(engine) as session:
            for mail in _find_addresses(session, whose) if settings.sends_mail else ():
                sent = deliveries.count_since(session, mail.user_id, RESET, utc_now() - DAY)
                if sent < RESETS_A_DAY:
                    deliveries.store_delivery(session, mail.user_id, RESET, {}, target=mail.address)
    except SQLAlchemyError:
        log.exception("a link for a new password could not be queued")


def check_link(session: Session, secret: str) -> PasswordReset:
    row = users.fetch_live_reset(session, hash_token(secret), utc_now())
    if row is None or row.user.suspended_at is not None:
        raise NotFound("this link was used, has expired or was replaced by a newer one; ask for another", field="token")
    return row


def set_password(engine: Engine, secret: str, password: str) -> None:
    """By whoever holds the link, once; every log-in and every token ends, and the address is told."""
    with transaction(engine) as session:
        check_link(session, secret)
    password_hash = hash_password(password)  # before the first statement, which locks the database
    with transaction(engine) as session:
        row = check_link(session, secret)
        now = utc_now()
        row.user.password_hash = password_hash
        mail = notifications.fetch_mail(session, row.user_id)
        if mail is not None and row.address and mail.address == row.address and mail.confirmed_at is None:
            mail.confirmed_at, mail.confirm_sha256 = now, None
        end_access(session, row.user_id)
        tell_change(session, row.user_id, "a new password was set, by a link; every log-in and token has ended")


def end_access(session: Session, user_id: str) -> None:
    """Every log-in, token and link."""
    now = utc_now()
    users.end_browser_sessions(session, user_id, now)
    users.revoke_tokens(session, user_id, now)
    users.use_resets(session, user_id, now)


def make_link(session: Session, settings: Settings, user: User, *, life: timedelta = RESET_WITHIN) -> str:
    """For an admin to hand over; shown once."""
    secret, now = make_token(), utc_now()
    row = PasswordReset(user_id=user.id, secret_sha256=hash_token(secret), created_at=now, expires_at=now + life)
    users.store_reset(session, row)
    return f"{settings.resolved_public_url}/reset/new?token={secret}"


def _find_addresses(session: Session, whose: str) -> list[MailAddress]:
    if "@" in whose:
        found = notifications.fetch_recovering(session, whose, limit=SHARED)
    else:
        user = users.fetch_user_by_name(session, whose)
        mail = notifications.fetch_mail(session, user.id) if user else None
        found = [mail] if mail is not None and mail.confirmed_at is not None and mail.recovers else []
    return [mail for mail in found if _may_recover(users.fetch_user(session, mail.user_id))]


def _may_recover(user: User | None) -> bool:
    """An account without a password has a log-in provider that lets it in."""
    return user is not None and user.suspended_at is None and user.password_hash != NO_PASSWORD
