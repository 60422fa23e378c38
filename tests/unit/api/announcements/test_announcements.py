from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from core.db.session import transaction
from core.settings import Settings
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
    page = "/competitions/digits/organize/announcements"
    form = {"title": "<b>Hear</b>", "text": "# All\n\n<script>x</script>"}
    assert client.post(page, data=form, headers=olga | HTML).status_code == 200
    text = client.get("/competitions/digits", headers=HTML).text
    assert "&lt;b&gt;Hear" in text
    assert "<h3>All</h3>" in text
    assert "<script>x" not in text
    assert client.post(page, data={"title": "", "text": "x"}, headers=olga | HTML).status_code == 422


def announce_one(client: TestClient, headers: dict[str, str], title: str = "first", text: str = "be fair") -> str:
    return str(client.post(ADMIN, json={"title": title, "text": text}, headers=headers).json()["id"])


def read_log(client: TestClient, headers: dict[str, str]) -> dict[str, Any]:
    entry: dict[str, Any] = client.get("/api/v1/admin/audit", headers=headers).json()["items"][0]
    return entry


def test_an_announcement_is_edited_and_the_log_keeps_what_it_said(client: TestClient, olga: dict[str, str]) -> None:
    path = f"{ADMIN}/{announce_one(client, olga)}"
    body = client.patch(path, json={"text": "be *very* fair", "reason": "clearer"}, headers=olga).json()
    assert (body["title"], body["text"]) == ("first", "be *very* fair")
    assert client.get(API).json()["items"][0]["edited_at"] == body["edited_at"] is not None
    entry = read_log(client, olga)
    assert entry["action"] == "announcement.edit"
    assert entry["detail"]["text"] == ["be fair", "be *very* fair"]
    assert entry["detail"]["reason"] == "clearer"
    assert "title" not in entry["detail"]
    assert client.patch(path, json={"title": "first", "reason": "nothing"}, headers=olga).status_code == 422


def test_a_withdrawn_one_is_gone_and_the_log_keeps_it(client: TestClient, olga: dict[str, str]) -> None:
    path = f"{ADMIN}/{announce_one(client, olga)}"
    assert client.post(f"{path}/withdraw", json={"reason": "a mistake"}, headers=olga).status_code == 200
    assert client.get(API).json()["items"] == []
    entry = read_log(client, olga)
    assert (entry["action"], entry["detail"]["text"]) == ("announcement.withdraw", "be fair")
    assert client.post(f"{path}/withdraw", json={"reason": "again"}, headers=olga).status_code == 409
    assert client.patch(path, json={"text": "x", "reason": "again"}, headers=olga).status_code == 409


def test_announcements_of_another_competition_are_not_found(
    client: TestClient, olga: dict[str, str], engine: Engine
) -> None:
    with transaction(engine) as session:
        factories.make_competition(session, "other")
    path = f"/api/v1/admin/competitions/other/announcements/{announce_one(client, olga)}"
    assert client.patch(path, json={"text": "x", "reason": "a test"}, headers=olga).status_code == 404
    assert client.post(f"{path}/withdraw", json={"reason": "a test"}, headers=olga).status_code == 404
    assert len(client.get(API).json()["items"]) == 1


def test_organizers_edit_and_withdraw_on_their_page(client: TestClient, olga: dict[str, str]) -> None:
    headers, page = olga | HTML, "/competitions/digits/organize"
    here = f"{page}/announcements/{announce_one(client, olga)}"
    assert f'action="{here}/edit"' in client.get(f"{page}/announcements", headers=headers).text
    form = {"title": "second", "text": "be kind", "reason": "kinder"}
    assert client.post(f"{here}/edit", data=form, headers=headers).status_code == 200
    text = client.get("/competitions/digits", headers=HTML).text
    assert "be kind" in text
    assert ", edited " in text
    assert client.post(f"{here}/withdraw", data={"reason": ""}, headers=headers).status_code == 422
    client.post(f"{here}/withdraw", data={"reason": "wrong contest"}, headers=headers)
    assert "be kind" not in client.get("/competitions/digits", headers=HTML).text


def test_what_a_browser_sends_has_the_lines_that_were_typed(client: TestClient, olga: dict[str, str]) -> None:
    headers, page = olga | HTML, "/competitions/digits/organize"
    form = {"title": "first", "text": "be\r\nfair"}
    assert client.post(f"{page}/announcements", data=form, headers=headers).status_code == 200
    (row,) = client.get(API).json()["items"]
    here = f"{page}/announcements/{row['id']}/edit"
    same = client.post(here, data=form | {"reason": "nothing"}, headers=headers)
    client.post(here, data=form | {"text": "be\r\nkind", "reason": "kinder"}, headers=headers)
    (edited,) = client.get(API).json()["items"]
    assert (row["text"], same.status_code, edited["text"]) == ("be\nfair", 422, "be\nkind")


FEED = f"{API}.atom"
ATOM = "{http://www.w3.org/2005/Atom}"


def test_the_feed_is_atom_with_the_newest_first(client: TestClient, olga: dict[str, str]) -> None:
    first = announce_one(client, olga, "first <b>", "*all* & <script>x</script>")
    announce_one(client, olga, "second")
    client.patch(f"{ADMIN}/{first}", json={"title": "first & last", "reason": "a test"}, headers=olga)
    answer = client.get(FEED)
    assert answer.headers["Content-Type"].startswith("application/atom+xml")
    root = ElementTree.fromstring(answer.content)
    entries = root.findall(f"{ATOM}entry")
    assert [entry.findtext(f"{ATOM}title") for entry in entries] == ["second", "first & last"]
    content = entries[1].findtext(f"{ATOM}content")
    assert content is not None
    assert "<em>all</em> &amp; " in content
    assert "<script" not in content
    assert root.findtext(f"{ATOM}updated") == entries[1].findtext(f"{ATOM}updated")
    assert entries[1].findtext(f"{ATOM}id") == f"urn:uuid:{first}"
    assert entries[0].findtext(f"{ATOM}author/{ATOM}name") == "olga"


def test_an_image_of_the_competition_is_found_from_a_reader_elsewhere(
    client: TestClient, olga: dict[str, str], settings: Settings
) -> None:
    address = f"/api/v1/competitions/digits/images/{'0' * 64}"
    announce_one(client, olga, "a picture", f"![dots]({address})")
    content = ElementTree.fromstring(client.get(FEED).content).findtext(f"{ATOM}entry/{ATOM}content")
    assert content is not None
    assert f'<img src="{settings.resolved_public_url}{address}" alt="dots"' in content


def test_characters_that_xml_cannot_hold_do_not_break_the_feed(client: TestClient, olga: dict[str, str]) -> None:
    announce_one(client, olga, "a\x0bb", "c\x01d\ufffe")
    root = ElementTree.fromstring(client.get(FEED).content)
    assert root.findtext(f"{ATOM}entry/{ATOM}title") == "a\ufffdb"


def test_a_feed_that_did_not_change_is_not_sent_again(client: TestClient, olga: dict[str, str]) -> None:
    identity = announce_one(client, olga)
    tag = client.get(FEED).headers["ETag"]
    assert client.get(FEED, headers={"If-None-Match": tag}).status_code == 304
    client.post(f"{ADMIN}/{identity}/withdraw", json={"reason": "a mistake"}, headers=olga)
    answer = client.get(FEED, headers={"If-None-Match": tag})
    assert (answer.status_code, "<entry>" in answer.text) == (200, False)


def test_whoever_cannot_see_a_competition_has_no_feed_of_it(
    client: TestClient, olga: dict[str, str], engine: Engine
) -> None:
    with transaction(engine) as session:
        factories.make_competition(session, "secret", state="draft")
    path = "/api/v1/competitions/secret/announcements.atom"
    assert [client.get(path).status_code, client.get(path, headers=olga).status_code] == [404, 200]


def test_the_page_names_its_feed(client: TestClient) -> None:
    text = client.get("/competitions/digits", headers=HTML).text
    assert '<link rel="alternate" type="application/atom+xml" title="Announcements of ' in text
    assert f'href="{FEED}"' in text
