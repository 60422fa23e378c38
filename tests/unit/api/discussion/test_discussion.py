from collections.abc import Callable
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from api.security import hash_token
from core.db.base import utc_now
from core.db.models.accounts import BrowserSession
from core.db.models.contests import Competition
from core.db.session import transaction
from core.domain.discussion import POSTS_AN_HOUR
from tests import factories
from tests.unit.api.conftest import Login

API = "/api/v1/competitions/digits/discussion"
ADMIN = "/api/v1/admin/competitions/digits/discussion"
HTML = {"Accept": "text/html"}
Headers = dict[str, str]


@pytest.fixture(autouse=True)
def competition(engine: Engine) -> Competition:
    with transaction(engine) as session:
        factories.make_competition(session, "other")
        return factories.make_competition(session, "digits")


@pytest.fixture
def ann(login: Callable[..., Login]) -> Headers:
    return login("ann").headers


@pytest.fixture
def ben(login: Callable[..., Login]) -> Headers:
    return login("ben").headers


@pytest.fixture
def olga(login: Callable[..., Login]) -> Headers:
    return login("olga", "organizer").headers


def begin(client: TestClient, headers: Headers, title: str = "a question", text: str = "how?") -> str:
    answer = client.post(API, json={"title": title, "text": text}, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def reply(client: TestClient, headers: Headers, thread: str, text: str) -> Any:
    return client.post(f"{API}/{thread}/posts", json={"text": text}, headers=headers)


def read(client: TestClient, thread: str, headers: Headers | None = None) -> dict[str, Any]:
    body: dict[str, Any] = client.get(f"{API}/{thread}", headers=headers or {}).json()
    return body


def test_threads_and_replies_are_everybodys_and_staff_are_marked(
    client: TestClient, ann: Headers, olga: Headers
) -> None:
    thread = begin(client, ann)
    assert reply(client, olga, thread, "like this").status_code == 201
    told = [(post["author"], post["by_staff"], post["text"]) for post in read(client, thread)["items"]]
    assert told == [("ann", False, "how?"), ("olga", True, "like this")]
    assert client.get(API).json()["items"][0]["posts"] == 2


def test_the_newest_words_come_first_below_what_is_pinned_page_by_page(
    client: TestClient, ann: Headers, ben: Headers, olga: Headers
) -> None:
    ids = [begin(client, ann, f"thread {number}", f"words {number}") for number in range(4)]
    reply(client, ben, ids[0], "me too")
    client.post(f"{ADMIN}/{ids[1]}/pin", json={"reason": "read this"}, headers=olga)
    first = client.get(f"{API}?limit=2").json()
    assert [item["id"] for item in first["items"]] == [ids[1], ids[0], ids[3]]
    rest = client.get(f"{API}?limit=2&cursor={first['next_cursor']}").json()
    assert ([item["id"] for item in rest["items"]], rest["next_cursor"]) == ([ids[2]], None)


def test_posts_of_a_long_thread_come_page_by_page(client: TestClient, ann: Headers, olga: Headers) -> None:
    thread = begin(client, ann)
    for number in range(3):
        reply(client, olga, thread, f"answer {number}")
    first = client.get(f"{API}/{thread}?limit=3").json()
    rest = client.get(f"{API}/{thread}?limit=3&after={first['next_after']}").json()
    assert [post["text"] for post in first["items"] + rest["items"]] == ["how?", "answer 0", "answer 1", "answer 2"]
    assert rest["next_after"] is None


@pytest.mark.parametrize(
    ("title", "text"), [("", "x"), ("ab", "x"), ("  ", "x"), ("abc", " "), ("a" * 121, "x"), ("abc", "x" * 10_001)]
)
def test_a_thread_says_something_and_not_too_much(client: TestClient, ann: Headers, title: str, text: str) -> None:
    assert client.post(API, json={"title": title, "text": text}, headers=ann).status_code == 422


def test_an_account_writes_so_much_an_hour_and_staff_as_much_as_they_need(
    client: TestClient, ann: Headers, olga: Headers
) -> None:
    thread = begin(client, ann)
    for number in range(POSTS_AN_HOUR - 1):
        assert reply(client, ann, thread, f"spam {number}").status_code == 201
    refused = reply(client, ann, thread, "one more")
    assert (refused.status_code, refused.json()["code"]) == (429, "POST_LIMIT")
    assert 3000 < int(refused.headers["retry-after"]) <= 3600
    assert client.post(API, json={"title": "one more", "text": "there"}, headers=ann).status_code == 429
    for number in range(POSTS_AN_HOUR + 1):
        assert reply(client, olga, thread, f"answer {number}").status_code == 201


def test_the_same_words_are_said_once_a_day_wherever(client: TestClient, ann: Headers, ben: Headers) -> None:
    thread = begin(client, ann, text="Buy this, now")
    assert reply(client, ann, thread, " buy  THIS,\nnow ").status_code == 409
    path = "/api/v1/competitions/other/discussion"
    assert client.post(path, json={"title": "hello", "text": "Buy this, now"}, headers=ann).status_code == 409
    assert reply(client, ben, thread, "Buy this, now").status_code == 201


def test_its_author_edits_a_post_and_nobody_else(client: TestClient, ann: Headers, ben: Headers, olga: Headers) -> None:
    thread = begin(client, ann)
    path = f"{API}/{thread}/posts/{read(client, thread)['items'][0]['id']}"
    assert client.patch(path, json={"text": "why?"}, headers=ben).status_code == 404
    assert client.patch(path, json={"text": "why?"}, headers=olga).status_code == 404
    body = client.patch(path, json={"text": "why?"}, headers=ann).json()
    assert (body["text"], body["edited_at"] is not None) == ("why?", True)
    client.post(f"{ADMIN}/{thread}/close", json={"reason": "answered"}, headers=olga)
    assert client.patch(path, json={"text": "what?"}, headers=ann).status_code == 409


def test_a_closed_thread_takes_no_replies_until_it_is_opened_again(
    client: TestClient, ann: Headers, olga: Headers
) -> None:
    thread = begin(client, ann)
    assert client.post(f"{ADMIN}/{thread}/close", json={"reason": "answered"}, headers=olga).json()["is_closed"]
    assert client.post(f"{ADMIN}/{thread}/close", json={"reason": "answered"}, headers=olga).status_code == 409
    assert reply(client, ann, thread, "but").status_code == 409
    client.post(f"{ADMIN}/{thread}/reopen", json={"reason": "not quite"}, headers=olga)
    assert reply(client, ann, thread, "but").status_code == 201


def test_a_hidden_post_keeps_its_place_and_its_words_go_to_its_author_and_staff(
    client: TestClient, ann: Headers, ben: Headers, olga: Headers
) -> None:
    thread = begin(client, ann, text="an insult")
    path = f"{ADMIN}/{thread}/posts/{read(client, thread)['items'][0]['id']}"
    assert client.post(f"{path}/hide", json={"reason": "an insult of somebody"}, headers=olga).status_code == 200
    for headers in ({}, ben):
        post = read(client, thread, headers)["items"][0]
        assert (post["is_hidden"], post["text"], post["hidden_reason"]) == (True, "", "")
        page = client.get(f"/competitions/digits/discussion/{thread}", headers=headers | HTML).text
        assert "an insult" not in page
        assert "An organizer hid this." in page
    for headers in (ann, olga):
        post = read(client, thread, headers)["items"][0]
        assert (post["text"], post["hidden_reason"]) == ("an insult", "an insult of somebody")
    entry = client.get("/api/v1/admin/audit", headers=olga).json()["items"][0]
    assert (entry["action"], entry["detail"]["text"], entry["detail"]["user"]) == (
        "discussion.hide_post",
        "an insult",
        "ann",
    )
    assert entry["sentence"] == (
        "olga hid what ann said in “a question” of competition digits. Because: an insult of somebody"
    )
    client.post(f"{path}/show", json={"reason": "it was none"}, headers=olga)
    assert read(client, thread)["items"][0]["text"] == "an insult"


def test_a_hidden_thread_is_there_for_its_author_and_staff_alone(
    client: TestClient, ann: Headers, ben: Headers, olga: Headers
) -> None:
    thread = begin(client, ann)
    client.post(f"{ADMIN}/{thread}/hide", json={"reason": "an advertisement"}, headers=olga)
    for headers in ({}, ben):
        assert client.get(f"{API}/{thread}", headers=headers).status_code == 404
        assert client.get(API, headers=headers).json()["items"] == []
    for headers in (ann, olga):
        assert read(client, thread, headers)["thread"]["hidden_reason"] == "an advertisement"
        assert [item["id"] for item in client.get(API, headers=headers).json()["items"]] == [thread]
    assert reply(client, ben, thread, "hello").status_code == 404
    assert reply(client, ann, thread, "hello").status_code == 409


def test_a_thread_is_found_under_its_own_competition_alone(client: TestClient, ann: Headers, olga: Headers) -> None:
    thread = begin(client, ann)
    post = read(client, thread)["items"][0]["id"]
    other, foreign = "/api/v1/competitions/other/discussion", begin(client, ann, "another", "thing")
    assert client.get(f"{other}/{thread}").status_code == 404
    assert client.post(f"{other}/{thread}/posts", json={"text": "x"}, headers=ann).status_code == 404
    assert client.patch(f"{API}/{foreign}/posts/{post}", json={"text": "x"}, headers=ann).status_code == 404
    path = f"/api/v1/admin/competitions/other/discussion/{thread}"
    assert client.post(f"{path}/hide", json={"reason": "a test"}, headers=olga).status_code == 404
    path = f"{ADMIN}/{foreign}/posts/{post}/hide"
    assert client.post(path, json={"reason": "a test"}, headers=olga).status_code == 404


@pytest.mark.parametrize(("state", "readers"), [("draft", 404), ("archived", 200)])
def test_a_draft_is_discussed_by_staff_and_an_archived_competition_by_nobody(
    client: TestClient, engine: Engine, ann: Headers, olga: Headers, state: str, readers: int
) -> None:
    with transaction(engine) as session:
        factories.make_competition(session, state, state=state)
    path = f"/api/v1/competitions/{state}/discussion"
    assert client.get(path, headers=ann).status_code == readers
    new = {"title": "a question", "text": "how?"}
    assert client.post(path, json=new, headers=ann).status_code == (404 if state == "draft" else 409)
    assert client.post(path, json=new, headers=olga).status_code == (201 if state == "draft" else 409)


@pytest.mark.parametrize("cursor", ["x", "!!", "MjAyNi0wMS0wMQ", "bm90IGEgdGltZSBhYmM"])
def test_a_cursor_that_nobody_gave_is_refused(client: TestClient, cursor: str) -> None:
    assert client.get(f"{API}?cursor={cursor}").status_code == 422


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "<svg/onload=alert(1)>",
        "![x](https://tracker.example/pixel.png)",
        '[x](https://a.example "onmouseover=alert(1)")',
        "</textarea><script>alert(1)</script>",
        "<a href='//evil.example' style='position:fixed'>x</a>",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
    ],
)
def test_what_is_said_is_harmless_on_every_page_that_shows_it(client: TestClient, ann: Headers, attack: str) -> None:
    headers, page = ann | HTML, "/competitions/digits/discussion"
    form = {"title": attack[:100], "text": attack}
    texts = [client.post(page, data=form | {"preview": "true"}, headers=headers).text]
    texts.append(client.post(page, data=form, headers=headers).text)
    texts.append(client.get(page, headers=HTML).text)
    for text in texts:
        seen = Elements(text[text.index("<main") : text.index("</main>")])
        assert not {"script", "img", "svg", "iframe", "style"} & seen.names
        assert [name for name, _ in seen.attributes if name.startswith("on") or name == "style"] == []
        links = [value or "" for name, value in seen.attributes if name in ("href", "src")]
        assert [link for link in links if not link.startswith(("/", "#", "https://"))] == []
        assert [link for link in links if link.startswith("//")] == []


class Elements(HTMLParser):
    """Every element and attribute of a page, as a browser would read them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes += attrs


def test_links_of_strangers_are_not_followed_by_search_engines(client: TestClient, ann: Headers) -> None:
    thread = begin(client, ann, text="see https://a.example [there](https://a.example/x)")
    page = client.get(f"/competitions/digits/discussion/{thread}", headers=HTML).text
    assert '<a href="https://a.example/x" rel="noopener noreferrer nofollow">' in page


def test_the_whole_of_it_works_by_forms(client: TestClient, ann: Headers, olga: Headers) -> None:
    page = "/competitions/digits/discussion"
    refused = client.post(page, data={"title": "x", "text": "how **so**?"}, headers=ann | HTML)
    assert refused.status_code == 422
    assert "how **so**?</textarea>" in refused.text
    assert refused.text.count('role="alert"') == 1
    assert client.get(API).json()["items"] == []
    thread = client.post(page, data={"title": "a question", "text": "how **so**?"}, headers=ann | HTML)
    assert "<strong>so</strong>" in thread.text
    here = thread.url.path
    preview = client.post(here, data={"text": "like *this*", "preview": "true"}, headers=ann | HTML)
    assert "<em>this</em>" in preview.text
    assert len(read(client, here.rpartition("/")[2])["items"]) == 1
    assert client.post(here, data={"text": "like *this*"}, headers=ann | HTML).text.count("<article") == 2
    post = read(client, here.rpartition("/")[2])["items"][1]["id"]
    assert "like that" in client.post(f"{here}/posts/{post}", data={"text": "like that"}, headers=ann | HTML).text
    assert (
        "hidden now"
        in client.post(f"{here}/posts/{post}/moderate/hide", data={"reason": "off topic"}, headers=olga | HTML).text
    )
    for deed, word in (("pin", "pinned"), ("close", "closed"), ("hide", "hidden")):
        answer = client.post(f"{here}/moderate/{deed}", data={"reason": "for a test"}, headers=olga | HTML)
        assert f"The thread is {word} now." in answer.text
    assert client.post(f"{here}/moderate/show", data={"reason": ""}, headers=olga | HTML).status_code == 422


def test_a_reply_to_a_long_thread_leads_to_where_it_stands(client: TestClient, ann: Headers, olga: Headers) -> None:
    thread = begin(client, ann)
    for number in range(50):
        reply(client, olga, thread, f"answer {number}")
    page = client.post(f"/competitions/digits/discussion/{thread}", data={"text": "thank you"}, headers=ann | HTML)
    assert "thank you" in page.text
    assert "answer 0<" not in page.text


def test_another_site_cannot_post_for_somebody(client: TestClient, engine: Engine) -> None:
    with transaction(engine) as session:
        user, until = factories.make_user(session, "eve"), utc_now() + timedelta(days=1)
        session.add(BrowserSession(user_id=user.id, secret_sha256=hash_token("eve"), expires_at=until))
    client.cookies.set("lacuna", "eve")
    form = {"title": "a question", "text": "how?"}
    page = "/competitions/digits/discussion"
    assert client.post(page, data=form, headers={"Origin": "https://evil.example"}).status_code == 403
    assert client.post(page, data=form, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.get(API).json()["items"] == []
