from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from api.security import hash_token
from core.db.base import utc_now
from core.db.models.accounts import User
from core.db.models.contests import Competition, Team
from core.db.models.notifications import Delivery, MailAddress, Webhook
from core.db.queries import boards, deliveries, evaluations
from core.db.session import reading, transaction
from core.domain.errors import Conflict
from core.domain.notifications import CONFIRM, INVITES_TOLD_A_DAY, MAX_WEBHOOKS, TESTS_AN_HOUR, Event
from core.domain.submission import Status, Verdict
from core.settings import Settings
from tests import factories
from tests.unit.api.conftest import Login

URL = "https://host.example/hook"
ADDRESS = "ann@host.example"


@pytest.fixture
def ann(login: Callable[..., Login]) -> Login:
    return login("ann")


@pytest.fixture
def with_mail(client: TestClient, settings: Settings) -> None:
    """A server that sends mail."""
    changes = {"smtp_host": "127.0.0.1", "mail_from": "lacuna@host.example"}
    client.app.state.settings = settings.model_copy(update=changes)  # type: ignore[attr-defined]


def make_webhook(client: TestClient, who: Login, **changes: Any) -> dict[str, Any]:
    answer = client.post("/api/v1/me/webhooks", json={"url": URL} | changes, headers=who.headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def list_rows(engine: Engine) -> list[Delivery]:
    with reading(engine) as session:
        return list(session.scalars(select(Delivery).order_by(Delivery.id)))


def test_the_secret_of_a_webhook_is_shown_once(client: TestClient, ann: Login) -> None:
    made = make_webhook(client, ann)
    assert made["secret"].startswith("whsec_")
    listed = client.get("/api/v1/me/webhooks", headers=ann.headers)
    assert [item["id"] for item in listed.json()["items"]] == [made["id"]]
    assert made["secret"] not in listed.text
    assert made["events"] == [event.value for event in Event]


@pytest.mark.parametrize("url", ["http://host.example/", "https://10.0.0.1/", "https://localhost/", "not one"])
def test_an_address_inside_is_refused_when_it_is_entered(client: TestClient, ann: Login, url: str) -> None:
    answer = client.post("/api/v1/me/webhooks", json={"url": url}, headers=ann.headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_INPUT")


def test_an_account_has_a_few_webhooks_only(client: TestClient, ann: Login) -> None:
    for _ in range(MAX_WEBHOOKS):
        make_webhook(client, ann)
    answer = client.post("/api/v1/me/webhooks", json={"url": URL}, headers=ann.headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "CONFLICT")


def test_events_and_state_of_a_webhook_change(client: TestClient, ann: Login) -> None:
    path = f"/api/v1/me/webhooks/{make_webhook(client, ann)['id']}"
    changed = client.patch(path, json={"events": ["team.invited"], "enabled": False}, headers=ann.headers).json()
    assert (changed["events"], changed["disabled_reason"]) == (["team.invited"], "turned off by its owner")
    assert client.post(f"{path}/test", headers=ann.headers).status_code == 409
    changed = client.patch(path, json={"enabled": True}, headers=ann.headers).json()
    assert (changed["events"], changed["disabled_at"]) == (["team.invited"], None)


def test_what_waits_for_a_webhook_is_given_up_when_it_is_turned_off(
    client: TestClient, ann: Login, engine: Engine
) -> None:
    path = f"/api/v1/me/webhooks/{make_webhook(client, ann)['id']}"
    client.post(f"{path}/test", headers=ann.headers)
    client.patch(path, json={"enabled": False}, headers=ann.headers)
    assert [row.state for row in list_rows(engine)] == ["failed"]


def test_anothers_webhook_does_not_exist(client: TestClient, ann: Login, login: Callable[..., Login]) -> None:
    path = f"/api/v1/me/webhooks/{make_webhook(client, ann)['id']}"
    other = login("bob", role="admin").headers
    answers = [
        client.patch(path, json={}, headers=other),
        client.delete(path, headers=other),
        client.post(f"{path}/test", headers=other),
    ]
    assert [answer.status_code for answer in answers] == [404] * 3
    assert client.get("/api/v1/me/deliveries", headers=other).json()["items"] == []


def test_a_test_message_is_queued_and_listed_even_after_the_webhook_is_gone(client: TestClient, ann: Login) -> None:
    made = make_webhook(client, ann)
    path = f"/api/v1/me/webhooks/{made['id']}"
    sent = client.post(f"{path}/test", headers=ann.headers)
    assert (sent.status_code, sent.json()["state"]) == (202, "pending")
    assert client.delete(path, headers=ann.headers).status_code == 204
    listed = client.get(f"/api/v1/me/deliveries?webhook={made['id']}", headers=ann.headers).json()["items"]
    assert [(item["id"], item["event"]) for item in listed] == [(sent.json()["id"], "webhook.test")]


def test_test_messages_are_limited(client: TestClient, ann: Login) -> None:
    path = f"/api/v1/me/webhooks/{make_webhook(client, ann)['id']}/test"
    answers = [client.post(path, headers=ann.headers) for _ in range(TESTS_AN_HOUR + 1)]
    assert [answer.status_code for answer in answers] == [202] * TESTS_AN_HOUR + [429]
    assert answers[-1].json()["code"] == "MESSAGE_LIMIT"


def finish(
    engine: Engine,
    *,
    row_values: dict[str, Any] | None = None,
    verdicts: Sequence[Verdict] = (Verdict.SCORED,),
    **values: Any,
) -> None:
    """Ann's submission to a hidden problem ends; or several times."""
    with transaction(engine) as session:
        competition = factories.make_competition(session, exposure="private")
        owner = deliveries.fetch_live_webhook(session, session.scalars(select(Webhook.id)).one())
        assert owner is not None
        user = session.get_one(User, owner.user_id)
        submission = factories.make_submission(session, competition, user, **values)
        for verdict in verdicts:
            row = factories.make_evaluation(session, submission, status="scoring", score=0.5, reason="secret")
            for name, value in (row_values or {}).items():
                setattr(row, name, value)
            evaluations.move(session, row, Status.FINISHED, verdict=verdict, reason="hidden detail")


def test_authors_are_told_how_a_submission_ended_and_nothing_of_what_was_hidden(
    client: TestClient, ann: Login, engine: Engine
) -> None:
    make_webhook(client, ann)
    finish(engine)
    (row,) = list_rows(engine)
    assert (row.event, row.body["verdict"]) == ("evaluation.finished", "scored")
    assert set(row.body) == {"submission_id", "competition", "team", "filename", "verdict", "code", "hint"}
    assert "hidden" not in str(row.body)


@pytest.mark.parametrize("row_values", [{"phase": "private"}, {"counts": False}])
def test_a_run_that_only_staff_may_see_is_not_told(
    client: TestClient, ann: Login, engine: Engine, row_values: dict[str, Any]
) -> None:
    make_webhook(client, ann)
    finish(engine, row_values=row_values)
    finish(engine, purpose="calibration")
    with transaction(engine) as session:
        other = factories.make_competition(session).spec_id
    finish(engine, row_values={"spec_id": other})
    assert list_rows(engine) == []


def test_an_end_is_told_once_unless_it_was_our_own_fault(client: TestClient, ann: Login, engine: Engine) -> None:
    make_webhook(client, ann)
    finish(engine, verdicts=[Verdict.PLATFORM_ERROR, Verdict.SCORED, Verdict.SCORED])
    assert [row.body["verdict"] for row in list_rows(engine)] == ["platform_error", "scored"]


def test_what_one_did_not_choose_is_not_told(client: TestClient, ann: Login, engine: Engine) -> None:
    make_webhook(client, ann, events=["team.invited"])
    finish(engine)
    assert list_rows(engine) == []


def test_a_change_that_is_rolled_back_tells_nobody(client: TestClient, ann: Login, engine: Engine) -> None:
    make_webhook(client, ann)
    with pytest.raises(Conflict), transaction(engine) as session:
        deliveries.announce(session, Event.ANNOUNCEMENT_POSTED, [ann.user.id], {})
        raise Conflict("no")
    assert list_rows(engine) == []


def invite(client: TestClient, leader: Login, slug: str) -> dict[str, Any]:
    team = client.get(f"/api/v1/competitions/{slug}/team", headers=leader.headers).json()["team"]
    answer = client.post(f"/api/v1/teams/{team['id']}/invites", json={"user": "ann"}, headers=leader.headers)
    assert answer.status_code == 201
    made: dict[str, Any] = answer.json()["invites"][0]
    return made


def test_who_is_invited_is_told_but_not_without_end(
    client: TestClient, ann: Login, engine: Engine, login: Callable[..., Login]
) -> None:
    make_webhook(client, ann)
    bob = login("bob")
    with transaction(engine) as session:
        slug = factories.make_competition(session).slug
    client.post(f"/api/v1/competitions/{slug}/teams", json={"name": "the two"}, headers=bob.headers)
    for _ in range(INVITES_TOLD_A_DAY + 2):
        made = invite(client, bob, slug)
        client.delete(f"/api/v1/invites/{made['id']}", headers=bob.headers)
    rows = list_rows(engine)
    assert len(rows) == INVITES_TOLD_A_DAY
    assert rows[0].body == {"competition": slug, "team": "the two", "invited_by": "bob"}


def join(client: TestClient, engine: Engine, who: Login) -> Competition:
    with transaction(engine) as session:
        competition = factories.make_competition(session)
    path = f"/api/v1/competitions/{competition.slug}/teams"
    assert client.post(path, json={"name": "the one"}, headers=who.headers).status_code == 201
    return competition


def test_an_announcement_goes_to_who_is_in_the_competition(
    client: TestClient, ann: Login, engine: Engine, login: Callable[..., Login]
) -> None:
    make_webhook(client, ann)
    make_webhook(client, login("bob"))
    competition = join(client, engine, ann)
    path = f"/api/v1/admin/competitions/{competition.slug}/announcements"
    posted = client.post(
        path, json={"title": "Later", "text": "A week more."}, headers=login("olga", "organizer").headers
    )
    assert posted.status_code == 201
    (row,) = list_rows(engine)
    assert row.user_id == ann.user.id
    assert row.body == {"competition": competition.slug, "title": "Later", "text": "A week more."}


def score(session: Session, competition: Competition, user: User, value: float, **values: Any) -> None:
    submission = factories.make_submission(session, competition, user, **values)
    row = factories.make_evaluation(session, submission, status="scoring", score=value)
    evaluations.move(session, row, Status.FINISHED, verdict=Verdict.SCORED)


@pytest.mark.parametrize(("state", "told"), [("open", True), ("frozen", False)])
def test_a_team_that_was_passed_is_told_its_places(
    client: TestClient, ann: Login, engine: Engine, login: Callable[..., Login], state: str, told: bool
) -> None:
    make_webhook(client, ann, events=["place.lost"])
    joined = join(client, engine, ann)
    bob = login("bob")
    with transaction(engine) as session:
        competition = session.get_one(Competition, joined.id)
        team = session.scalars(select(Team)).one()
        score(session, competition, ann.user, 0.4, team_id=team.id)
        boards.set_frozen(session, competition, frozen=state == "frozen")
        score(session, competition, bob.user, 0.3)
        assert list(session.scalars(select(Delivery))) == []
        score(session, competition, bob.user, 0.6)
        score(session, competition, bob.user, 0.7)
    rows = [row.body for row in list_rows(engine)]
    assert rows == ([{"competition": joined.slug, "team": "the one", "old_rank": 1, "new_rank": 2}] if told else [])


def change(client: TestClient, who: Login, **values: Any) -> Any:
    return client.patch("/api/v1/me/notifications", json=values, headers=who.headers)


def test_without_a_mail_server_no_address_is_taken(client: TestClient, ann: Login) -> None:
    assert client.get("/api/v1/me/notifications", headers=ann.headers).json()["mail_available"] is False
    assert change(client, ann, address=ADDRESS).status_code == 409


@pytest.mark.usefixtures("with_mail")
def test_a_new_address_is_asked_before_anything_is_sent_to_it(client: TestClient, ann: Login, engine: Engine) -> None:
    shown = change(client, ann, address=ADDRESS, events=["evaluation.finished"]).json()["mail"]
    assert shown == {
        "address": ADDRESS,
        "events": ["evaluation.finished"],
        "confirmed_at": None,
        "recovers": False,
    }
    with transaction(engine) as session:
        deliveries.announce(session, Event.EVALUATION_FINISHED, [ann.user.id], {})
    assert [row.event for row in list_rows(engine)] == [CONFIRM]


@pytest.mark.usefixtures("with_mail")
def test_asking_one_address_again_and_again_is_stopped_whoever_asks(
    client: TestClient, ann: Login, login: Callable[..., Login]
) -> None:
    bob = login("bob")
    answers = [change(client, who, address=ADDRESS.upper()).status_code for who in (ann, bob, ann, bob, ann, bob)]
    assert answers == [200] * 5 + [429]


@pytest.mark.usefixtures("with_mail")
def test_a_header_cannot_be_smuggled_in(client: TestClient, ann: Login) -> None:
    assert change(client, ann, address="a@host.example\r\nBcc: b@host.example").status_code == 422


def make_mail(engine: Engine, who: Login, *, days: float = 1) -> None:
    with transaction(engine) as session:
        session.add(
            MailAddress(
                user_id=who.user.id,
                address=ADDRESS,
                events=(Event.TEAM_INVITED,),
                confirm_sha256=hash_token("sesame"),
                confirm_expires_at=utc_now() + timedelta(days=days),
                unsubscribe_token="farewell",
            )
        )


def test_the_link_confirms_once_and_only_when_its_button_is_pressed(
    client: TestClient, ann: Login, engine: Engine
) -> None:
    make_mail(engine, ann)
    page = client.get("/mail/confirm?token=sesame")
    assert ADDRESS in page.text
    assert page.headers["referrer-policy"] == "no-referrer"
    seen = client.get("/api/v1/me/notifications", headers=ann.headers).json()["mail"]
    assert seen["confirmed_at"] is None
    assert client.post("/mail/confirm?token=sesame").status_code == 200
    assert client.get("/api/v1/me/notifications", headers=ann.headers).json()["mail"]["confirmed_at"] is not None
    assert client.post("/mail/confirm?token=sesame").status_code == 404


@pytest.mark.parametrize(("token", "days"), [("sesame", -1), ("wrong", 1), ("", 1)])
def test_an_old_or_wrong_link_confirms_nothing(
    client: TestClient, ann: Login, engine: Engine, token: str, days: float
) -> None:
    make_mail(engine, ann, days=days)
    assert client.post(f"/mail/confirm?token={token}").status_code == 404


def test_one_click_unsubscribes_without_a_log_in(client: TestClient, ann: Login, engine: Engine) -> None:
    make_mail(engine, ann)
    answers = [client.post("/mail/unsubscribe?token=farewell").status_code for _ in range(2)]
    assert answers == [200, 200]
    assert client.get("/api/v1/me/notifications", headers=ann.headers).json()["mail"] is None


@pytest.mark.usefixtures("with_mail")
def test_another_address_has_to_be_confirmed_again(client: TestClient, ann: Login, engine: Engine) -> None:
    make_mail(engine, ann)
    client.post("/mail/confirm?token=sesame")
    assert change(client, ann, address=ADDRESS).json()["mail"]["confirmed_at"] is not None
    shown = change(client, ann, address="other@host.example").json()["mail"]
    assert (shown["confirmed_at"], shown["events"]) == (None, ["team.invited"])
    assert change(client, ann, address=None).json()["mail"] is None


def test_events_without_an_address_are_refused(client: TestClient, ann: Login) -> None:
    assert change(client, ann, events=[]).status_code == 409


def test_a_new_secret_is_shown_once_and_the_old_one_ends_when_asked(
    client: TestClient, ann: Login, engine: Engine
) -> None:
    made = make_webhook(client, ann)
    path = f"/api/v1/me/webhooks/{made['id']}/secret"
    changed = client.post(path, json={}, headers=ann.headers)
    assert changed.headers["cache-control"] == "no-store"
    assert changed.json()["secret"] != made["secret"]
    with reading(engine) as session:
        row = session.get_one(Webhook, made["id"])
    assert (row.old_secret, row.secret) == (made["secret"], changed.json()["secret"])
    assert row.old_secret_until is not None
    assert timedelta(hours=23) < row.old_secret_until - utc_now() < timedelta(hours=25)
    assert changed.json()["secret"] not in client.get("/api/v1/me/webhooks", headers=ann.headers).text
    at_once = client.post(path, json={"overlap_hours": 0}, headers=ann.headers).json()
    assert at_once["old_secret_until"] is None
    with reading(engine) as session:
        assert session.get_one(Webhook, made["id"]).old_secret == ""


def test_the_secret_of_anothers_webhook_is_not_changed(
    client: TestClient, ann: Login, login: Callable[..., Login]
) -> None:
    path = f"/api/v1/me/webhooks/{make_webhook(client, ann)['id']}/secret"
    assert client.post(path, json={}, headers=login("bob", role="admin").headers).status_code == 404
    assert client.post(path, json={"overlap_hours": 169}, headers=ann.headers).status_code == 422
