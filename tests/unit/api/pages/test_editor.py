"""Wherever Markdown is typed it can be read before it counts, by one mechanism, with and without a script."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, func, select

from core.db.models.lifecycle import Announcement, DiscussionPost, DiscussionThread, RulesVersion
from core.db.queries.announcements import store_announcement
from core.db.session import transaction
from tests import factories
from tests.unit.api.conftest import Login

HTML = {"Accept": "text/html"}
HERE = "/competitions/digits"
TYPED = "a *new* text"


@pytest.fixture
def olga(login: Callable[..., Login]) -> Login:
    return login("olga", "organizer")


@pytest.fixture
def places(engine: Engine, olga: Login) -> dict[str, tuple[str, str]]:
    """The address that each form is sent to, and the id of its text."""
    with transaction(engine) as session:
        row = factories.make_competition(session, "digits")
        said = store_announcement(session, row.id, "Welcome", "read the rules", author="olga")
        thread = DiscussionThread(competition_id=row.id, user_id=olga.user.id, title="a question", by_staff=True)
        session.add(thread)
        session.flush()
        post = DiscussionPost(thread_id=thread.id, user_id=olga.user.id, text="so?", by_staff=True)
        session.add(post)
        session.flush()
        talk = f"{HERE}/discussion/{thread.id}"
        return {
            "rules": (f"{HERE}/rules", "text"),
            "announce": (f"{HERE}/organize/announcements", "announce-text"),
            "announced": (f"{HERE}/organize/announcements/{said.id}/edit", f"text-{said.id}"),
            "thread": (f"{HERE}/discussion", "text"),
            "reply": (talk, "text"),
            "post": (f"{talk}/posts/{post.id}", f"edit-{post.id}"),
        }


def test_every_editor_shows_how_a_text_reads_and_keeps_nothing(
    client: TestClient, engine: Engine, olga: Login, places: dict[str, tuple[str, str]]
) -> None:
    for place, (path, field) in places.items():
        form = {"text": TYPED, "title": "x", "reason": "", "preview": "true"}
        answer = client.post(path, data=form, headers=olga.headers | HTML)
        assert answer.status_code == 200, place
        editor = answer.text.partition(f'<textarea id="{field}"')[2]
        assert editor.partition("</textarea>")[0].endswith(f"\n{TYPED}"), place
        assert "<em>new</em>" in editor.partition("</form>")[0], place
        assert f'formaction="{path}#' in editor, place
        assert 'role="alert"' not in answer.text, place
    with transaction(engine) as session:
        assert session.scalar(select(func.count()).select_from(DiscussionPost)) == 1
        assert session.scalar(select(func.count()).select_from(RulesVersion)) == 0
        assert [row.text for row in session.scalars(select(Announcement))] == ["read the rules"]


def test_a_refused_change_of_an_announcement_keeps_what_was_typed(
    client: TestClient, olga: Login, places: dict[str, tuple[str, str]]
) -> None:
    form = {"title": "Welcome again", "text": TYPED, "reason": "x"}
    answer = client.post(places["announced"][0], data=form, headers=olga.headers | HTML)
    assert answer.status_code == 422
    assert 'value="Welcome again"' in answer.text
    assert f"{TYPED}</textarea>" in answer.text


def test_a_script_asks_for_the_same_html(client: TestClient, olga: Login) -> None:
    answer = client.post("/markdown", data={"text": "*a* <script>b</script>\u202e"}, headers=olga.headers)
    assert answer.text == "<p><em>a</em> &lt;script&gt;b&lt;/script&gt;\\u202e</p>\n"
    assert answer.headers["cache-control"] == "no-store"
    assert client.post("/markdown", data={"text": "a" * 100_001}, headers=olga.headers).status_code == 422
    assert client.post("/markdown", data={"text": "a"}).status_code == 401
