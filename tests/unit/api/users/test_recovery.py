"""A forgotten password: a link by mail, once, for an hour; nobody learns which accounts there are."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select

from api.security import hash_password, hash_token
from api.users.recovery import make_link
from core.db.base import utc_now
from core.db.models.accounts import BrowserSession, PasswordReset, User
from core.db.models.notifications import Delivery, MailAddress
from core.db.session import transaction
from core.domain.notifications import NOTICE, RESET, RESETS_A_DAY, RESETS_ASKED_AN_HOUR
from core.settings import Settings
from tests.unit.api.conftest import Login
from worker.messages.delivery import deliver_due

OURS = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}
OLD, NEW, ADDRESS = "correct horse", "another staple", "ann@host.example"


@pytest.fixture(scope="module")
def password_hash() -> str:
    return hash_password(OLD)


@pytest.fixture
def with_mail(client: TestClient, settings: Settings) -> Settings:
    found = settings.model_copy(update={"smtp_host": "127.0.0.1", "mail_from": "lacuna@host.example"})
    client.app.state.settings = found  # type: ignore[attr-defined]
    return found


@pytest.fixture
def mails(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    sent: list[Any] = []
    monkeypatch.setattr("worker.messages.delivery.send_mail", lambda _settings, message: sent.append(message))
    return sent


@pytest.fixture
def ann(login: Callable[..., Login], engine: Engine, password_hash: str) -> Login:
    """With a password, a token, a browser, and a confirmed address that leads back."""
    ann = login("ann")
    give_address(engine, ann, recovers=True)
    with transaction(engine) as session:
        session.get_one(User, ann.user.id).password_hash = password_hash
        until = utc_now() + timedelta(hours=1)
        session.add(BrowserSession(user_id=ann.user.id, secret_sha256=hash_token("lct_here"), expires_at=until))
    return ann


def give_address(engine: Engine, who: Login, *, recovers: bool, confirmed: bool = True) -> None:
    with transaction(engine) as session:
        row = MailAddress(user_id=who.user.id, address=ADDRESS, events=(), unsubscribe_token=who.user.id)
        row.recovers, row.confirmed_at = recovers, utc_now() if confirmed else None
        session.add(row)


def ask(client: TestClient, name: str) -> Any:
    return client.post("/api/v1/auth/reset", json={"name": name})


def count(engine: Engine, event: str = RESET) -> int:
    with transaction(engine) as session:
        return len(session.scalars(select(Delivery).where(Delivery.event == event)).all())


def confirm(client: TestClient, token: str, password: str = NEW) -> int:
    return client.post("/api/v1/auth/reset/confirm", json={"token": token, "password": password}).status_code


def log_in(client: TestClient, password: str) -> int:
    return client.post("/api/v1/tokens", json={"name": "ann", "password": password}).status_code


def test_a_mailed_link_sets_a_new_password_once_and_ends_every_way_in(
    client: TestClient, engine: Engine, with_mail: Settings, ann: Login, mails: list[Any]
) -> None:
    assert ask(client, "ann").status_code == 202
    assert deliver_due(with_mail, engine) == 1
    text = mails[0].get_content()
    token = re.search(r"/reset/new\?token=(\S+)", text)
    assert token is not None
    page = client.get(f"/reset/new?token={token[1]}", headers=OURS)
    assert (page.status_code, page.headers["referrer-policy"]) == (200, "no-referrer")
    assert confirm(client, token[1], "short") == 422
    assert confirm(client, token[1]) == 204
    assert confirm(client, token[1], "yet another one") == 404
    assert (log_in(client, OLD), log_in(client, NEW)) == (401, 201)
    assert client.get("/api/v1/me", headers=ann.headers).status_code == 401
    client.cookies.set("lacuna", "lct_here")
    assert client.get("/api/v1/me").status_code == 401
    assert count(engine, NOTICE) == 1
    deliver_due(with_mail, engine)
    assert "a new password was set" in mails[1].get_content()


@pytest.mark.usefixtures("with_mail")
def test_the_answer_never_tells_whether_there_is_an_account(client: TestClient, engine: Engine, ann: Login) -> None:
    answers = [ask(client, name) for name in ("ann", "nobody", ADDRESS, "nobody@host.example", "a b")]
    assert {(answer.status_code, answer.text) for answer in answers} == {(202, answers[0].text)}
    assert count(engine) == 2
    said = {client.post("/reset", data={"name": name}, headers=OURS).text for name in ("ann", "nobody")}
    assert len(said) == 1


@pytest.mark.usefixtures("with_mail")
@pytest.mark.parametrize(("recovers", "confirmed"), [(False, True), (True, False)])
def test_an_address_that_was_not_proven_or_not_confirmed_leads_nowhere(
    client: TestClient, engine: Engine, login: Callable[..., Login], password_hash: str, recovers: bool, confirmed: bool
) -> None:
    bob = login("bob")
    give_address(engine, bob, recovers=recovers, confirmed=confirmed)
    with transaction(engine) as session:
        session.get_one(User, bob.user.id).password_hash = password_hash
    ask(client, "bob")
    ask(client, ADDRESS)
    assert count(engine) == 0


@pytest.mark.usefixtures("with_mail")
def test_an_account_that_a_provider_lets_in_gets_no_password_by_mail(
    client: TestClient, engine: Engine, login: Callable[..., Login]
) -> None:
    give_address(engine, login("bob"), recovers=True)
    ask(client, "bob")
    assert count(engine) == 0


@pytest.mark.usefixtures("with_mail")
def test_asking_again_and_again_fills_no_mailbox(client: TestClient, engine: Engine, ann: Login) -> None:
    statuses = [ask(client, "ann").status_code for _ in range(RESETS_ASKED_AN_HOUR + 1)]
    assert statuses == [202] * RESETS_ASKED_AN_HOUR + [429]
    assert count(engine) == RESETS_A_DAY


def make_token_of(engine: Engine, settings: Settings, who: Login) -> str:
    with transaction(engine) as session:
        return make_link(session, settings, session.get_one(User, who.user.id)).partition("token=")[2]


def test_a_link_that_expired_or_was_replaced_or_is_made_up_sets_nothing(
    client: TestClient, engine: Engine, settings: Settings, ann: Login
) -> None:
    first, second = (make_token_of(engine, settings, ann) for _ in range(2))
    assert confirm(client, first) == 404
    with transaction(engine) as session:
        row = session.scalars(select(PasswordReset).where(PasswordReset.used_at.is_(None))).one()
        assert second not in row.secret_sha256
        row.expires_at = utc_now() - timedelta(seconds=1)
    assert [confirm(client, token) for token in (second, "made up", "")] == [404, 404, 404]
    assert log_in(client, OLD) == 201


def test_a_suspended_account_is_let_in_by_nothing(
    client: TestClient, engine: Engine, settings: Settings, ann: Login
) -> None:
    token = make_token_of(engine, settings, ann)
    with transaction(engine) as session:
        user = session.get_one(User, ann.user.id)
        user.suspended_at, user.suspended_reason = utc_now(), "two accounts"
    assert confirm(client, token) == 404
    refused = client.post("/api/v1/tokens", json={"name": "ann", "password": OLD})
    assert (refused.status_code, refused.json()["detail"]) == (403, "this account is suspended: two accounts")
    assert log_in(client, "wrong password") == 401
    assert client.get("/api/v1/me", headers=ann.headers).status_code == 401
    client.cookies.set("lacuna", "lct_here")
    assert client.get("/api/v1/me").status_code == 401


@pytest.mark.usefixtures("with_mail")
def test_an_address_given_when_registering_or_with_the_password_leads_back(
    client: TestClient, engine: Engine, ann: Login
) -> None:
    new = {"name": "eve", "password": OLD, "email": "eve@host.example"}
    assert client.post("/api/v1/users", json=new).status_code == 201
    with transaction(engine) as session:
        eve = session.scalars(select(MailAddress).where(MailAddress.address == "eve@host.example")).one()
        assert (eve.recovers, eve.confirmed_at) == (True, None)
    for password, status, recovers in (("wrong password", 422, True), (None, 200, False), (OLD, 200, True)):
        change = {"address": f"{password}@host.example".replace(" ", ""), "password": password}
        answer = client.patch("/api/v1/me/notifications", json=change, headers=ann.headers)
        assert answer.status_code == status
        shown = client.get("/api/v1/me/notifications", headers=ann.headers).json()["mail"]
        assert shown["recovers"] is recovers
    assert count(engine, NOTICE) == 1  # the confirmed one was told that it was replaced


def test_a_server_without_mail_takes_no_address_and_says_whom_to_ask(client: TestClient) -> None:
    new = {"name": "eve", "password": OLD, "email": "eve@host.example"}
    assert client.post("/api/v1/users", json=new).status_code == 409
    assert "Ask its admin" in client.get("/reset", headers=OURS).text


def test_unsubscribing_keeps_the_way_back(client: TestClient, engine: Engine, ann: Login) -> None:
    client.post(f"/mail/unsubscribe?token={ann.user.id}")
    shown = client.get("/api/v1/me/notifications", headers=ann.headers).json()["mail"]
    assert (shown["address"], shown["events"]) == (ADDRESS, [])


def test_no_other_site_sets_a_password(client: TestClient, engine: Engine, settings: Settings, ann: Login) -> None:
    form = {"token": make_token_of(engine, settings, ann), "password": NEW}
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {}):
        assert client.post("/reset/new", data=form, headers=headers).status_code == 403
    answer = client.post("/reset/new", data=form, headers=OURS)
    assert "The new password is set" in answer.text
