"""Messages reach a real receiver on this machine."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select, update
from standardwebhooks import Webhook as Checker
from standardwebhooks import WebhookVerificationError

from core.db.base import utc_now
from core.db.models.notifications import Delivery, Webhook
from core.db.queries import deliveries
from core.db.session import reading, transaction
from core.domain.notifications import PAUSES, TEST, Event
from core.settings import Settings
from tests import factories
from tests.receiver import Receiver, listen
from tests.unit.worker.messages.conftest import INVITATION, load
from worker.messages import delivery
from worker.messages.delivery import deliver_all, deliver_due

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listen() as ours:
        yield ours


@pytest.fixture
def queue(engine: Engine, receiver: Receiver) -> Callable[..., str]:
    """Write a message to Ann's webhook; return its id."""
    with transaction(engine) as session:
        user = factories.make_user(session, "ann")
        hook = Webhook(user_id=user.id, url=receiver.url, events=(Event.TEAM_INVITED,), secret=SECRET)
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


def change_secret(engine: Engine, new: str, until: datetime) -> None:
    with transaction(engine) as session:
        session.execute(update(Webhook).values(secret=new, old_secret=SECRET, old_secret_until=until))


def test_after_a_change_either_secret_checks_until_the_old_one_ends(
    settings: Settings, engine: Engine, receiver: Receiver, queue: Callable[..., str]
) -> None:
    new = "whsec_" + base64.b64encode(b"n" * 32).decode()
    change_secret(engine, new, utc_now() + timedelta(hours=1))
    queue()
    deliver_due(settings, engine)
    headers, body = receiver.taken[-1]
    for secret in (SECRET, new):
        assert Checker(secret).verify(body, headers)["data"] == INVITATION
    change_secret(engine, new, utc_now() - timedelta(seconds=1))
    queue()
    deliver_due(settings, engine)
    headers, body = receiver.taken[-1]
    assert Checker(new).verify(body, headers)["data"] == INVITATION
    with pytest.raises(WebhookVerificationError):
        Checker(SECRET).verify(body, headers)
    assert (load_webhook(engine).old_secret, load_webhook(engine).old_secret_until) == ("", None)


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


def test_the_courier_sends_all_that_is_due(
    settings: Settings, engine: Engine, receiver: Receiver, queue: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.messages.delivery.BATCH", 1)
    for _ in range(3):
        queue()
    deliver_all(threading.Event(), settings, engine)
    assert [row.state for row in load(engine)] == ["delivered"] * 3
    assert len(receiver.taken) == 3


def test_the_courier_stops_between_two_batches(
    settings: Settings, engine: Engine, receiver: Receiver, queue: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.messages.delivery.BATCH", 1)
    over = threading.Event()
    over.set()
    for _ in range(2):
        queue()
    deliver_all(over, settings, engine)
    assert len(receiver.taken) == 1
