"""Plain text mails through the one server that the settings name."""

import smtplib
import ssl
from collections.abc import Mapping
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from typing import Any

from core.domain.notification_words import describe
from core.domain.notifications import Event
from core.settings import Settings
from worker.messages.egress import NotDelivered

SECONDS = 15.0
SUBJECT_LENGTH = 120


def send_mail(settings: Settings, message: EmailMessage) -> None:
    try:
        with _connect(settings) as server:
            if settings.smtp_security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if settings.smtp_user:
                server.login(settings.smtp_user, settings.smtp_password)
            server.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        code = next(iter(error.recipients.values()))[0]
        raise NotDelivered(f"the mail server does not take this address ({code})", is_final=code >= 500) from None
    except smtplib.SMTPResponseException as error:
        raise NotDelivered(f"the mail server answered {error.smtp_code}") from None
    except (OSError, smtplib.SMTPException, MessageError):
        raise NotDelivered("the mail server cannot be reached now") from None


def _connect(settings: Settings) -> smtplib.SMTP:
    place: dict[str, Any] = {"host": settings.smtp_host, "port": settings.smtp_port, "timeout": SECONDS}
    name = settings.mail_from.rpartition("@")[2].rstrip(">") or "localhost"
    if settings.smtp_security == "tls":
        return smtplib.SMTP_SSL(**place, local_hostname=name, context=ssl.create_default_context())
    return smtplib.SMTP(**place, local_hostname=name)


def write_confirmation(settings: Settings, *, address: str, name: str, token: str, delivery_id: str) -> EmailMessage:
    link = f"{settings.resolved_public_url}/mail/confirm?token={token}"
    text = (
        f"The account {name} on Lacuna wants its notifications sent to this address.\n\n"
        f"If that is you, confirm it within two days:\n{link}\n\n"
        "If it is not, do nothing; no other mail will come.\n"
    )
    return _write(settings, address, "Confirm this address", text, delivery_id=delivery_id)


def write_reset(
    settings: Settings, *, address: str, name: str, token: str, is_new: bool, delivery_id: str
) -> EmailMessage:
    link = f"{settings.resolved_public_url}/reset/new?token={token}"
    if is_new:
        text = f"An account {name} on Lacuna was made for you. Choose its password within seven days:\n{link}\n"
        return _write(settings, address, "Your account", text, delivery_id=delivery_id)
    text = (
        f"Somebody asked for a new password of the account {name} on Lacuna.\n\n"
        f"If that was you, choose it within an hour:\n{link}\n\n"
        "It ends every log-in and every token. If it was not you, do nothing: the password stays as it is.\n"
    )
    return _write(settings, address, "A new password", text, delivery_id=delivery_id)


def write_notice(settings: Settings, *, address: str, name: str, what: str, delivery_id: str) -> EmailMessage:
    text = (
        f"The account {name} on Lacuna was changed: {what}.\n\n"
        f"If that was not you, set a new password and ask an organizer: {settings.resolved_public_url}/reset\n"
    )
    return _write(settings, address, "Your account was changed", text, delivery_id=delivery_id)


def write_notification(
    settings: Settings, *, address: str, event: str, data: Mapping[str, Any], unsubscribe: str, delivery_id: str
) -> EmailMessage:
    base = settings.resolved_public_url
    subject, text, path = describe(Event(event), data)
    stop = f"{base}/mail/unsubscribe?token={unsubscribe}"
    body = f"{text}\n\n{base}{path}\n\n--\nWhat is sent to you: {base}/account/notifications\nNo more mails: {stop}\n"
    message = _write(settings, address, subject, body, delivery_id=delivery_id)
    message["List-Unsubscribe"] = f"<{stop}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return message


def _write(settings: Settings, address: str, subject: str, text: str, *, delivery_id: str) -> EmailMessage:
    message = EmailMessage(policy=SMTP_POLICY)
    message["From"] = settings.mail_from
    message["To"] = address
    message["Subject"] = _flatten(f"[Lacuna] {subject}")
    # the same for every attempt: a mailbox can tell that a second one is the first again
    message["Message-ID"] = f"<{delivery_id}@{settings.mail_from.rpartition('@')[2].rstrip('>')}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    return message


def _flatten(text: str) -> str:
    """One printable line: names come from participants."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return line if len(line) <= SUBJECT_LENGTH else line[: SUBJECT_LENGTH - 1] + "…"
