"""Messages reach a real receiver and a real mail server on this machine."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import Engine, select, update
from standardwebhooks import Webhook as Checker
from standardwebhooks import WebhookVerificationError

from core.db.base import utc_now
from core.db.models.notifications import Delivery, MailAddress, Webhook
from core.db.queries import deliveries
from core.db.session import reading, transaction
from core.domain.notifications import CONFIRM, PAUSES, TEST, Event
from core.settings import Settings
from tests import factories
from tests.database import make_database
from tests.ports import find_free_port
from worker import delivery
from worker.delivery import deliver_due, deliver_until

REJUDGED = {"filename": "a.py", "submission_id": "s", "phase": "public", "reason": "a fault of ours"}
REJUDGED |= {"old_verdict": "scored", "verdict": "over_budget", "old_score": 0.5, "score": None}
SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
ADDRESS = "ann@host.example"
INVITATION = {"competition": "digits", "team": "the two", "invited_by": "bob"}


@dataclass
class Receiver:
    """Somebody's program that takes webhooks."""

    status: int = 200
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    ours = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            ours.taken.append((dict(self.headers), body))
            self.send_response(ours.status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    ours.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield ours
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return make_database(tmp_path)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_folder=tmp_path, webhooks_to_loopback=True, sweep_seconds=0.01)


@pytest.fixture
def queue(engine: Engine, receiver: Receiver) -> Callable[..., str]:
    """Write a message to Ann's webhook; return its id."""
    with transaction(engine) as session:
        user = factories.make_user(session, "ann")
        hook = Webhook(user_id=user.id, url=receiver.url, events=Event.TEAM_INVITED.value, secret=SECRET)
        session.add(hook)

    def write(event: str = Event.TEAM_INVITED, **values: Any) -> str:
        with transaction(engine) as session:
            row = deliveries.store_delivery(
                session, user.id, event, INVITATION, target=receiver.url, webhook_id=hook.id
            )
            for name, value in values.items():
                setattr(row, name, value)
            return row.id

    return write


def load(engine: Engine) -> list[Delivery]:
    with reading(engine) as session:
        return list(session.scalars(select(Delivery).order_by(Delivery.id)))


def load_webhook(engine: Engine) -> Webhook:
    with reading(engine) as session:
        return session.scalars(select(Webhook)).one()


def make_due(engine: Engine) -> None:
    with transaction(engine) as session:
        session.execute(update(Delivery).values(next_attempt_at=utc_now()))


def test_a_message_arrives_signed_once(
    settings: Settings, engine: Engine, receiver: Receiver, queue: Callable[..., str]
) -> None:
    written = queue()
    assert [deliver_due(settings, engine), deliver_due(settings, engine)] == [1, 0]
    ((headers, body),) = receiver.taken
    assert Checker(SECRET).verify(body, headers)["data"] == INVITATION
    assert headers["webhook-id"] == written
    assert json.loads(body)["type"] == "team.invited"
    with pytest.raises(WebhookVerificationError):
        Checker(SECRET).verify(body.replace(b"bob", b"eve"), headers)
    (row,) = load(engine)
    assert (row.state, row.status_code, row.attempts, row.error) == ("delivered", 200, 1, "")


def test_a_failed_attempt_is_repeated_later_under_the_same_id(
    settings: Settings, engine: Engine, receiver: Receiver, queue: Callable[..., str]
) -> None:
    queue()
    receiver.status = 500
    begin = utc_now()
    deliver_due(settings, engine)
    (row,) = load(engine)
    assert (row.state, row.error) == ("pending", "answered 500")
    assert PAUSES[0] <= row.next_attempt_at - begin < PAUSES[0] * 1.2 + timedelta(seconds=10)
    assert deliver_due(settings, engine) == 0
    receiver.status = 204
    make_due(engine)
    deliver_due(settings, engine)
    assert [headers["webhook-id"] for headers, _ in receiver.taken] == [row.id, row.id]
    assert [row.state for row in load(engine)] == ["delivered"]


def test_after_the_last_attempt_the_webhook_is_off_and_says_why(
    settings: Settings, engine: Engine, receiver: Receiver, queue: Callable[..., str]
) -> None:
    queue(attempts=len(PAUSES))
    waiting = queue(next_attempt_at=utc_now() + timedelta(hours=1))
    receiver.status = 302
    deliver_due(settings, engine)
    assert load_webhook(engine).disabled_reason == "attempt 8 of a delivery was the last: answered 302"
    assert [row.state for row in load(engine)] == ["failed", "failed"]
    assert load(engine)[1].id == waiting


def test_a_receiver_that_is_gone_is_not_asked_again(
    settings: Settings, engine: Engine, receiver: Receiver, queue: Callable[..., str]
) -> None:
    queue()
    receiver.status = 410
    deliver_due(settings, engine)
    assert load_webhook(engine).disabled_at is not None
    assert [row.state for row in load(engine)] == ["failed"]


def test_a_test_that_fails_turns_nothing_off(
    settings: Settings, engine: Engine, receiver: Receiver, queue: Callable[..., str]
) -> None:
    queue(TEST)
    receiver.status = 500
    deliver_due(settings, engine)
    assert load_webhook(engine).disabled_at is None
    assert [(row.state, row.error) for row in load(engine)] == [("failed", "answered 500")]


def test_in_production_loopback_stays_closed_whatever_the_setting(
    settings: Settings, engine: Engine, receiver: Receiver, queue: Callable[..., str]
) -> None:
    queue()
    deliver_due(settings.model_copy(update={"production": True}), engine)
    assert receiver.taken == []
    assert [row.state for row in load(engine)] == ["failed"]


def test_a_message_whose_sender_died_goes_out_again(
    settings: Settings, engine: Engine, receiver: Receiver, queue: Callable[..., str]
) -> None:
    queue()
    with transaction(engine) as session:
        (claimed,) = deliveries.claim_due(session, utc_now(), patience=timedelta(0), limit=1)
    deliver_due(settings, engine)
    assert [(row.state, row.attempts) for row in load(engine)] == [("delivered", 2)]
    with transaction(engine) as session:  # the first sender was only slow: it has no say any more
        assert not deliveries.settle(session, claimed.id, claimed.attempts, state="failed")


def test_a_message_is_claimed_by_one_sender(engine: Engine, queue: Callable[..., str]) -> None:
    queue()
    taken = []
    for _ in range(2):
        with transaction(engine) as session:
            taken.append(len(deliveries.claim_due(session, utc_now(), patience=timedelta(minutes=1), limit=9)))
    assert taken == [1, 0]


def test_one_message_that_cannot_be_made_holds_up_no_other(
    settings: Settings, engine: Engine, queue: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = queue(), queue()

    def send(_: object, __: object, row: Delivery) -> delivery.Outcome:
        if row.id == first:
            raise KeyError("verdict")
        return delivery.Outcome(200)

    monkeypatch.setattr(delivery, "_call", send)
    deliver_due(settings, engine)
    assert {row.id: row.state for row in load(engine)} == {first: "pending", second: "delivered"}


def test_old_messages_are_forgotten(settings: Settings, engine: Engine, queue: Callable[..., str]) -> None:
    queue(state="delivered", finished_at=utc_now() - timedelta(days=31))
    kept = queue()
    deliver_due(settings, engine)
    assert [row.id for row in load(engine)] == [kept]


def test_the_courier_works_until_it_is_told_to_stop(
    settings: Settings, engine: Engine, receiver: Receiver, queue: Callable[..., str]
) -> None:
    over = threading.Event()
    courier = threading.Thread(target=deliver_until, args=(over, settings, engine))
    courier.start()
    queue()
    for _ in range(500):
        if load(engine)[0].state == "delivered":
            break
        over.wait(0.01)
    over.set()
    courier.join(5)
    assert not courier.is_alive()
    assert len(receiver.taken) == 1


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
                events="",
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
        (Event.EVALUATION_REJUDGED, REJUDGED, "a.py was judged anew"),
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
