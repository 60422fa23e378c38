"""What every form does around its deed: says what was done, keeps what was typed, answers its address."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from api.security import hash_token
from core.db.base import utc_now
from core.db.models.accounts import BrowserSession
from core.db.session import transaction
from tests import factories

HTML = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
HERE = "/competitions/digits"
Enter = Callable[[str], TestClient]


@pytest.fixture
def enter(client: TestClient, engine: Engine) -> Enter:
    """Log somebody of a role in, by cookie."""

    def make(role: str) -> TestClient:
        with transaction(engine) as session:
            user = factories.make_user(session, f"{role}-one", role=role)
            until = utc_now() + timedelta(days=1)
            session.add(BrowserSession(user_id=user.id, secret_sha256=hash_token(role), expires_at=until))
        client.cookies.set("lacuna", role)
        client.headers.update(HTML)
        return client

    with transaction(engine) as session:
        factories.make_competition(session, "digits")
    return make


def test_a_saved_change_says_so_once(enter: Enter) -> None:
    staff = enter("organizer")
    answer = staff.post(f"{HERE}/organize/state", data={"state": "frozen", "reason": "the last entries"})
    assert '<p class="panel said" role="status">The competition is frozen now.</p>' in answer.text
    assert 'role="status"' not in staff.get(f"{HERE}/organize").text


def test_what_is_said_is_text(client: TestClient) -> None:
    client.cookies.set("lacuna-said", "%3Cscript%3E")
    assert "&lt;script&gt;" in client.get("/", headers=HTML).text


def test_a_page_of_somebody_logged_in_is_not_kept_by_the_browser(enter: Enter) -> None:
    reader = enter("participant")
    assert reader.get("/account").headers["cache-control"] == "no-store"
    reader.cookies.clear()
    assert "cache-control" not in reader.get("/").headers


@pytest.mark.parametrize(
    ("path", "form", "kept"),
    [
        ("organize/state", {"state": "closed", "reason": "x"}, ["<option selected>closed</option>", 'value="x"']),
        ("organize/grant", {"team": "nobody", "amount": "7", "reason": "a crash"}, ['"nobody"', '"7"', '"a crash"']),
        ("organize/announcements", {"title": "", "text": "a long text"}, ["a long text</textarea>"]),
        ("organize/settings", {"daily_limit": "9", "reason": "x"}, ['value="9"']),
    ],
)
def test_a_refused_form_is_shown_with_what_was_typed_and_the_refusal_in_it(
    enter: Enter, path: str, form: dict[str, str], kept: list[str]
) -> None:
    answer = enter("organizer").post(f"{HERE}/{path}", data=form)
    assert 400 <= answer.status_code < 500
    for each in kept:
        assert each in answer.text
    assert answer.text.count('role="alert"') == 1
    assert answer.text.index('class="wrong"') > answer.text.index(f'action="{HERE}/{path}"')


def test_refused_rules_stay_in_the_form(enter: Enter) -> None:
    text = "begin" + "A" * 100_000
    answer = enter("organizer").post(f"{HERE}/rules", data={"text": text})
    assert answer.status_code == 422
    assert "beginAAA" in answer.text


def test_a_refused_data_set_keeps_its_fields_and_says_which_was_wrong(enter: Enter) -> None:
    form = {"name": "Not A Name", "format": "idx", "note": "from the archive"}
    answer = enter("admin").post("/admin/data-sets", data=form, files={"file": ("a.zip", b"zip")})
    assert answer.status_code == 422
    for kept in ('value="Not A Name"', "<option selected>idx</option>", 'value="from the archive"', 'id="name-wrong"'):
        assert kept in answer.text


def test_the_address_of_every_form_leads_to_its_page(enter: Enter, app: FastAPI) -> None:
    staff = enter("admin")
    posts = {
        str(each.path)
        for each in iter_route_contexts(app.routes)
        if isinstance(each.route, APIRoute) and "POST" in each.route.methods and not each.route.include_in_schema
    }
    assert len(posts) > 30
    values = {"slug": "digits", "step": "start", "number": "1", "name": "faces", "deed": "edit"}
    for path in posts:
        for name in path.split("{")[1:]:
            key = name.split("}")[0]
            path = path.replace(f"{{{key}}}", values.get(key, "x1"))
        answer = staff.get(path, follow_redirects=False)
        assert answer.status_code != 405, path
        if answer.status_code == 303:
            assert path.startswith(answer.headers["location"].split("?")[0]), path


@pytest.mark.parametrize("path", ["/", "/api/v1/competitions", "/static/style.css", "/healthz", HERE])
def test_head_is_answered_wherever_get_is(enter: Enter, path: str) -> None:
    reader = enter("participant")
    head, get = reader.head(path), reader.get(path)
    assert (head.status_code, head.content) == (get.status_code, b"")
    assert head.headers["content-type"] == get.headers["content-type"]
    assert head.headers["content-length"] == get.headers["content-length"] or path == HERE


def test_an_error_page_keeps_the_navigation(enter: Enter) -> None:
    page = enter("participant").get("/competitions/none").text
    for link in ('href="/submissions"', 'href="/start"', 'href="/account">participant-one</a>'):
        assert link in page


def test_people_read_no_pointers(enter: Enter) -> None:
    page = enter("participant").get(f"{HERE}/organize/ledger").text
    assert "/query" not in page
    answer = enter("organizer").get(f"{HERE}/organize/ledger")
    assert (answer.status_code, "Team is missing." in answer.text, "Field required" in answer.text) == (
        422,
        True,
        False,
    )


def test_what_cannot_be_taken_back_asks_first(enter: Enter, engine: Engine) -> None:
    admin = enter("admin")
    with transaction(engine) as session:
        competition = factories.make_competition(session, "other")
        row = factories.make_submission(session, competition, factories.make_user(session, "bob"))
        factories.make_evaluation(session, row, status="running")
    page = admin.get(f"/submissions/{row.id}").text
    assert '<details class="ask"><summary>Cancel this submission</summary>' in page
