from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from core.db.session import transaction
from tests import factories
from tests.unit.api.conftest import Login

API = "/api/v1/competitions/digits/announcements"
ADMIN = "/api/v1/admin/competitions/digits/announcements"
HTML = {"Accept": "text/html"}


@pytest.fixture(autouse=True)
def competition(engine: Engine) -> None:
    with transaction(engine) as session:
        factories.make_competition(session, "digits")


@pytest.fixture
def olga(login: Callable[..., Login]) -> dict[str, str]:
    return login("olga", "organizer").headers


def announce(client: TestClient, headers: dict[str, str], title: str, text: str = "*all* is well") -> int:
    return client.post(ADMIN, json={"title": title, "text": text}, headers=headers).status_code


def test_announcements_are_everybodys_newest_first(client: TestClient, olga: dict[str, str]) -> None:
    for title in ("first", "second"):
        assert announce(client, olga, title) == 201
    items = client.get(API).json()["items"]
    assert [(item["title"], item["text"], item["author"]) for item in items] == [
        ("second", "*all* is well", "olga"),
        ("first", "*all* is well", "olga"),
    ]
    entry = client.get("/api/v1/admin/audit", headers=olga).json()["items"][0]
    assert (entry["action"], entry["detail"]["title"]) == ("competition.announce", "second")


@pytest.mark.parametrize(("title", "text"), [("", "x"), (" ", "x"), ("x", ""), ("x" * 121, "x"), ("x", "x" * 20_001)])
def test_an_announcement_says_something_and_not_too_much(
    client: TestClient, olga: dict[str, str], title: str, text: str
) -> None:
    assert announce(client, olga, title, text) == 422


def test_the_page_shows_them_as_harmless_html_and_organizers_write_them_there(
    client: TestClient, olga: dict[str, str]
) -> None:
    page = "/competitions/digits/organize/announce"
    form = {"title": "<b>Hear</b>", "text": "# All\n\n<script>x</script>"}
    assert client.post(page, data=form, headers=olga | HTML).status_code == 200
    text = client.get("/competitions/digits", headers=HTML).text
    assert "&lt;b&gt;Hear" in text
    assert "<h3>All</h3>" in text
    assert "<script>x" not in text
    assert client.post(page, data={"title": "", "text": "x"}, headers=olga | HTML).status_code == 422
