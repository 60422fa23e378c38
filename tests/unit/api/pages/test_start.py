import json
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from api.pages.compare import pick
from core.db.session import transaction
from core.domain.intake.reading import read_submission
from core.settings import Settings
from tests import factories
from tests.unit.api.conftest import Login

ANN = {"name": "ann", "password": "correct horse"}
PAGE = {"accept": "text/html", "sec-fetch-site": "same-origin"}


def test_a_newcomer_is_told_how_to_begin_on_this_very_server(
    client: TestClient, engine: Engine, settings: Settings
) -> None:
    with transaction(engine) as session:
        factories.make_competition(session, "digits")
    page = client.get("/start").text
    for shown in ("/competitions/digits/submit", "/api/v1/starter/submission.ipynb", "/register?next=/start"):
        assert shown in page
    assert f"lacuna register NAME --url {settings.resolved_public_url}" in page
    assert 'href="/start"' in client.get("/").text


def test_without_an_open_competition_nothing_is_offered_that_would_be_refused(client: TestClient) -> None:
    assert "No competition is open now" in client.get("/start").text


@pytest.mark.parametrize("name", ["submission.py", "submission.ipynb"])
def test_a_starter_file_is_saved_and_is_a_submission(client: TestClient, name: str) -> None:
    answer = client.get(f"/api/v1/starter/{name}")
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert b"def unlearning(" in read_submission(name, answer.content, limit_bytes=1 << 20).files["submission.py"]
    if name.endswith(".ipynb"):
        assert json.loads(answer.text)["nbformat"] == 4


def test_nothing_else_is_served_as_a_starter(client: TestClient) -> None:
    assert client.get("/api/v1/starter/starter.py").status_code == 404


def test_who_registers_goes_where_they_wanted_to(client: TestClient) -> None:
    form = client.get("/register?next=/competitions/digits/submit").text
    assert 'name="next" value="/competitions/digits/submit"' in form
    sent = client.post("/register", data=ANN | {"next": "//evil.example"}, headers=PAGE, follow_redirects=False)
    assert (sent.status_code, sent.headers["location"]) == (303, "/")


def test_who_came_for_nothing_in_particular_is_shown_the_first_steps(client: TestClient) -> None:
    sent = client.post("/register", data=ANN, headers=PAGE, follow_redirects=False)
    assert sent.headers["location"] == "/start"


def test_what_is_not_found_may_be_ones_own(client: TestClient) -> None:
    text = client.get("/submissions/none", headers={"accept": "text/html"}).text
    assert "/login" in text
    assert 'href="/submissions"' in text


def test_an_author_can_get_the_file_back_and_others_are_not_offered_it(
    client: TestClient, engine: Engine, login: Callable[..., Login]
) -> None:
    author, other = login("ann"), login("bob")
    with transaction(engine) as session:
        competition = factories.make_competition(session, "digits", exposure="practice")
        row = factories.make_scored(session, competition, author.user, 0.5)
    source = f'href="/api/v1/submissions/{row.id}/source"'
    assert source in client.get(f"/submissions/{row.id}", headers=author.headers).text
    assert source not in client.get(f"/submissions/{row.id}", headers=other.headers).text


@pytest.mark.parametrize(
    ("a", "b", "picked"),
    [("", "", ("old", "new")), ("", "old", ("new", "old")), ("new", "", ("new", "old")), ("x", "y", ("x", "y"))],
)
def test_who_names_fewer_than_two_to_compare_sees_the_newest(a: str, b: str, picked: tuple[str, str]) -> None:
    assert pick(a, b, ["new", "old", "older"]) == picked


def test_one_submission_compares_with_nothing() -> None:
    assert pick("", "", ["only"]) == ("", "only")
