"""Messages reach a real mail server on this machine."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from hashlib import sha256
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import Engine, select

from core.db.base import utc_now
from core.db.models.notifications import MailAddress
from core.db.queries import deliveries
from core.db.session import reading, transaction
from core.domain.notifications import CONFIRM, Event
from core.settings import Settings
from tests import factories
from tests.ports import find_free_port
from tests.unit.worker.messages.conftest import INVITATION, load
from worker.messages.delivery import deliver_due

ADDRESS = "ann@host.example"


@dataclass
class Mailbox:
    """What the mail server was given."""

    answer: str = "250 OK"
    taken: list[EmailMessage] = field(default_factory=list)

    async def handle_RCPT(self, _: Any, __: Any, envelope: Any, address: str, ___: Any) -> str:  # noqa: N802
        if self.answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.answer

    async def handle_DATA(self, _: Any, __: Any, envelope: Any) -> str:  # noqa: N802
        self.taken.append(message_from_bytes(envelope.content, policy=default))  # type: ignore[arg-type]
        return "250 OK"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=find_free_port())
    controller.start()
    yield box, controller.port
    controller.stop()


@pytest.fixture
def mailing(settings: Settings, mailbox: tuple[Mailbox, int]) -> Settings:
    server = {"smtp_host": "127.0.0.1", "smtp_port": mailbox[1], "smtp_security": "none"}
    return settings.model_copy(
        update=server | {"mail_from": "Lacuna <lacuna@host.example>", "public_url": "https://lacuna.example/"}
    )


def queue_mail(engine: Engine, event: str, *, confirmed_at: datetime | None = None, **changes: Any) -> None:
    with transaction(engine) as session:
        user = factories.make_user(session, "ann")
        session.add(
            MailAddress(
                user_id=user.id,
                address=ADDRESS,
                events=(),
                unsubscribe_token="farewell",
                confirmed_at=confirmed_at,
            )
        )
        deliveries.store_delivery(session, user.id, event, INVITATION | changes, target=ADDRESS)


def test_the_question_holds_a_link_whose_digest_alone_is_kept(
    mailing: Settings, engine: Engine, mailbox: tuple[Mailbox, int]
) -> None:
    queue_mail(engine, CONFIRM)
    deliver_due(mailing, engine)
    (mail,) = mailbox[0].taken
    token = mail.get_content().split("https://lacuna.example/mail/confirm?token=")[1].split()[0]
    assert (mail["To"], mail["From"]) == (ADDRESS, "Lacuna <lacuna@host.example>")
    with reading(engine) as session:
        row = session.scalars(select(MailAddress)).one()
    assert row.confirm_sha256 == sha256(token.encode()).hexdigest()


def test_a_mail_is_plain_text_with_a_way_to_stop(
    mailing: Settings, engine: Engine, mailbox: tuple[Mailbox, int]
) -> None:
    queue_mail(engine, Event.TEAM_INVITED, confirmed_at=utc_now())
    deliver_due(mailing, engine)
    (mail,) = mailbox[0].taken
    assert mail.get_content_type() == "text/plain"
    assert "bob invites you into the team the two" in mail.get_content()
    assert "https://lacuna.example/competitions/digits/team" in mail.get_content()
    assert mail["List-Unsubscribe"] == "<https://lacuna.example/mail/unsubscribe?token=farewell>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_a_name_cannot_add_a_header(mailing: Settings, engine: Engine, mailbox: tuple[Mailbox, int]) -> None:
    queue_mail(engine, Event.TEAM_INVITED, confirmed_at=utc_now(), team="x\r\nBcc: eve@host.example\r\n\r\nbody")
    deliver_due(mailing, engine)
    (mail,) = mailbox[0].taken
    assert mail["Bcc"] is None
    assert mail["Subject"] == "[Lacuna] An invitation from x  Bcc: eve@host.example    body"


@pytest.mark.parametrize(
    ("event", "changes", "subject"),
    [
        (
            Event.EVALUATION_FINISHED,
            {"filename": "a.py", "verdict": "over_budget", "code": "", "hint": "", "submission_id": "s"},
            "a.py: over budget",
        ),
        (
            Event.EVALUATION_REJUDGED,
            {"filename": "a.py", "old_verdict": "scored", "verdict": "over_budget", "old_score": 0.5, "score": None}
            | {"phase": "public", "reason": "a fault of ours", "submission_id": "s"},
            "a.py was evaluated again",
        ),
        (Event.PLACE_LOST, {"old_rank": 1, "new_rank": 2}, "the two is 2 now"),
        (Event.ANNOUNCEMENT_POSTED, {"title": "Ändert sich", "text": "Später.\n"}, "digits: Ändert sich"),
    ],
)
def test_every_event_has_its_words(
    mailing: Settings,
    engine: Engine,
    mailbox: tuple[Mailbox, int],
    event: Event,
    changes: dict[str, Any],
    subject: str,
) -> None:
    queue_mail(engine, event, confirmed_at=utc_now(), **changes)
    deliver_due(mailing, engine)
    assert mailbox[0].taken[0]["Subject"] == f"[Lacuna] {subject}"


@pytest.mark.parametrize(
    ("answer", "state", "said"),
    [
        ("550 no such mailbox", "failed", "the mail server does not take this address (550)"),
        ("450 later", "pending", "the mail server does not take this address (450)"),
    ],
)
def test_a_mailbox_that_does_not_exist_is_asked_once(
    mailing: Settings, engine: Engine, mailbox: tuple[Mailbox, int], answer: str, state: str, said: str
) -> None:
    mailbox[0].answer = answer
    queue_mail(engine, Event.TEAM_INVITED, confirmed_at=utc_now())
    deliver_due(mailing, engine)
    assert [(row.state, row.error) for row in load(engine)] == [(state, said)]


def test_a_mail_server_that_is_away_is_tried_again(mailing: Settings, engine: Engine) -> None:
    queue_mail(engine, Event.TEAM_INVITED, confirmed_at=utc_now())
    deliver_due(mailing.model_copy(update={"smtp_port": 1}), engine)
    assert [(row.state, row.error) for row in load(engine)] == [("pending", "the mail server cannot be reached now")]


@pytest.mark.parametrize(("event", "is_confirmed"), [(Event.TEAM_INVITED, False), (CONFIRM, True)])
def test_an_address_that_was_not_confirmed_gets_the_question_and_nothing_else(
    mailing: Settings, engine: Engine, mailbox: tuple[Mailbox, int], event: str, is_confirmed: bool
) -> None:
    queue_mail(engine, event, confirmed_at=utc_now() if is_confirmed else None)
    deliver_due(mailing, engine)
    assert mailbox[0].taken == []
    assert [row.state for row in load(engine)] == ["failed"]


def test_without_a_mail_server_a_mail_is_given_up(settings: Settings, engine: Engine) -> None:
    queue_mail(engine, Event.TEAM_INVITED, confirmed_at=utc_now())
    deliver_due(settings, engine)
    assert [(row.state, row.error) for row in load(engine)] == [("failed", "this server sends no mail")]
