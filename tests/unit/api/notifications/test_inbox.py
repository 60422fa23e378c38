"""What one is told on the site: by whom, once, and to nobody else."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from api.security import hash_token
from core.db.base import utc_now
from core.db.models.accounts import BrowserSession
from core.db.models.contests import Competition
from core.db.queries import deliveries, inbox
from core.db.session import transaction
from core.domain.answers import MESSAGES
from core.domain.notification_words import describe
from core.domain.notifications import Event
from tests import factories
from tests.unit.api.conftest import Login

API = "/api/v1/me/inbox"
HTML = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
INVITED = {"competition": "digits", "team": "the <b>others", "invited_by": "leader"}


@pytest.fixture
def ann(engine: Engine, login: Callable[..., Login]) -> Login:
    ann = login("ann")
    with transaction(engine) as session:
        for _ in range(3):
            deliveries.announce(session, Event.TEAM_INVITED, [ann.user.id], INVITED)
    return ann


def read(client: TestClient, login: Login, query: str = "") -> dict[str, Any]:
    body: dict[str, Any] = client.get(API + query, headers=login.headers).json()
    return body


def test_messages_come_newest_first_page_by_page_and_are_marked_as_read(client: TestClient, ann: Login) -> None:
    first = read(client, ann, "?limit=2")
    rest = read(client, ann, f"?limit=2&before={first['next_before']}")
    ids = [item["id"] for item in first["items"] + rest["items"]]
    assert (ids, rest["next_before"]) == (sorted(ids, reverse=True), None)
    assert first["items"][0]["path"] == "/competitions/digits/team"
    client.post(f"{API}/{ids[0]}/read", headers=ann.headers)
    assert read(client, ann)["unread"] == 2
    client.post(f"{API}/read", headers=ann.headers)
    assert read(client, ann)["unread"] == 0


def test_messages_are_their_owners_alone(client: TestClient, ann: Login, login: Callable[..., Login]) -> None:
    message = read(client, ann)["items"][0]["id"]
    for role in ("participant", "admin"):
        other = login(role=role)
        assert read(client, other)["items"] == []
        assert client.post(f"{API}/{message}/read", headers=other.headers).status_code == 404
        assert client.post(f"/inbox/{message}", headers=other.headers).status_code == 404
        client.post(f"{API}/read", headers=other.headers)
    assert read(client, ann)["unread"] == 3


def test_every_page_counts_what_is_unread_and_opening_leads_on(client: TestClient, engine: Engine, ann: Login) -> None:
    with transaction(engine) as session:
        until = utc_now() + timedelta(days=1)
        session.add(BrowserSession(user_id=ann.user.id, secret_sha256=hash_token("ann"), expires_at=until))
    client.cookies.set("lacuna", "ann")
    page = client.get("/inbox", headers=HTML).text
    assert '3<span class="hidden"> unread</span>' in page
    assert "the &lt;b&gt;others" in page
    message = read(client, ann)["items"][0]["id"]
    opened = client.post(f"/inbox/{message}", headers=HTML, follow_redirects=False)
    assert (opened.status_code, opened.headers["location"]) == (303, "/competitions/digits/team")
    assert '2<span class="hidden"> unread</span>' in client.get("/", headers=HTML).text
    assert "Everything is marked as read." in client.post("/inbox", headers=HTML).text
    assert client.post("/inbox", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


@pytest.mark.parametrize("event", list(Event))
def test_every_event_has_words_that_need_no_more_than_what_is_told(event: Event) -> None:
    data: dict[str, Any] = dict.fromkeys(MESSAGES[event].split(), "1")
    data |= {"old_score": 0.1, "score": 0.2, "closes_at": "2026-12-01T12:00:00+00:00"}
    subject, text, path = describe(event, data)
    assert subject
    assert text
    assert path.startswith(("/competitions/1", "/submissions/1"))


def test_a_deadline_is_told_once_to_its_teams_and_again_when_it_moves(
    engine: Engine, login: Callable[..., Login]
) -> None:
    now, ann = utc_now(), login("ann")
    with transaction(engine) as session:
        row = factories.make_competition(session, "digits")
        factories.find_or_make_team(session, row, ann.user)
        factories.make_competition(session, "closed", state="closed").closes_at = now + timedelta(hours=2)
        row.closes_at = now + timedelta(hours=25)
        competition = row.id

    def tell() -> int:
        with transaction(engine) as session:
            deliveries.announce_deadlines(session, now)
            return inbox.count_unread(session, ann.user.id)

    def move(hours: int) -> None:
        with transaction(engine) as session:
            session.get_one(Competition, competition).closes_at = now + timedelta(hours=hours)

    assert tell() == 0
    move(23)
    assert (tell(), tell()) == (1, 1)
    move(22)
    assert (tell(), tell()) == (2, 2)
    move(-1)
    assert tell() == 2


def test_an_answer_is_told_to_the_others_in_the_thread_once_until_it_is_read(
    client: TestClient, engine: Engine, login: Callable[..., Login]
) -> None:
    ann, ben = login("ann"), login("ben")
    with transaction(engine) as session:
        factories.make_competition(session, "digits")
    path = "/api/v1/competitions/digits/discussion"
    thread = client.post(path, json={"title": "well", "text": "how?"}, headers=ann.headers).json()["id"]
    for text in ("so", "or so"):
        client.post(f"{path}/{thread}/posts", json={"text": text}, headers=ben.headers)
    told = read(client, ann)["items"]
    assert [(item["event"], item["path"]) for item in told] == [
        ("thread.answered", f"/competitions/digits/discussion/{thread}")
    ]
    assert read(client, ben)["items"] == []
    client.post(f"{API}/read", headers=ann.headers)
    client.post(f"{path}/{thread}/posts", json={"text": "or thus"}, headers=ben.headers)
    assert len(read(client, ann)["items"]) == 2
