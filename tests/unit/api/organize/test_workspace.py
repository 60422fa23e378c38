"""One next step, deeds on many, and another competition like this one."""

import csv
import io
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from core.db.models.submissions import Submission
from core.db.session import transaction
from core.domain.spreadsheet import EXCEL_MARK
from tests import factories
from tests.unit.api.conftest import Login

API = "/api/v1/admin/competitions/digits"
PAGE = "/competitions/digits/organize"
HTML = {"Accept": "text/html"}


@pytest.fixture
def olga(login: Callable[..., Login]) -> dict[str, str]:
    return login("olga", "organizer").headers


@pytest.fixture
def ids(engine: Engine, login: Callable[..., Login]) -> list[str]:
    """Two of this competition, one of another."""
    ann = login("ann").user
    with transaction(engine) as session:
        digits, other = (factories.make_competition(session, slug) for slug in ("digits", "other"))
        made = [factories.make_scored(session, row, ann, filename="=evil.py") for row in (digits, digits, other)]
        return [row.id for row in made]


def is_off(engine: Engine, submission_id: str) -> bool:
    with transaction(engine) as session:
        return session.get_one(Submission, submission_id).disqualified_at is not None


def test_the_next_step_stands_on_the_page_and_in_the_api(
    client: TestClient, olga: dict[str, str], ids: list[str]
) -> None:
    found = client.get(f"{API}/next", headers=olga).json()
    assert (found["step"], found["done"]) == ("freeze", ["prepare", "activate", "open"])
    page = client.get(PAGE, headers=olga | HTML).text
    assert '<li aria-current="step">Freeze</li>' in page
    assert "it has no rules" in page


def test_each_of_many_is_done_or_says_why_not(
    client: TestClient, engine: Engine, olga: dict[str, str], ids: list[str]
) -> None:
    body = {"deed": "disqualify", "submissions": [*ids, "none"], "reason": "copied"}
    items = client.post(f"{API}/submissions/act", json=body, headers=olga).json()["items"]
    assert [item["done"] for item in items] == [True, True, False, False]
    assert items[2]["detail"] == "no such submission of digits"
    assert [is_off(engine, each) for each in ids] == [True, True, False]
    again = client.post(f"{API}/submissions/act", json=body | {"deed": "reinstate"}, headers=olga).json()["items"]
    assert [item["done"] for item in again] == [True, True, False, False]


def test_ticked_ones_are_acted_on_by_form(
    client: TestClient, engine: Engine, olga: dict[str, str], ids: list[str]
) -> None:
    headers, ticked = olga | HTML, f"{PAGE}/submissions"
    form = {"deed": "disqualify", "submissions": ids[:2], "reason": "copied"}
    assert "2 disqualified." in client.post(ticked, data=form, headers=headers).text
    assert "Refused: " in client.post(ticked, data=form, headers=headers).text
    refused = client.post(ticked, data=form | {"reason": ""}, headers=headers)
    assert (refused.status_code, refused.text.count(" checked")) == (422, 2)
    assert client.post(ticked, data={"deed": "disqualify", "reason": "copied"}, headers=headers).status_code == 422
    asked = client.post(ticked, data=form | {"deed": "rejudge"}, headers=headers, follow_redirects=False)
    assert asked.headers["location"].startswith("/competitions/digits/rejudges?plan=true&submissions=")
    assert client.get(asked.headers["location"], headers=headers).status_code == 200


@pytest.mark.parametrize("ticked", [0, 1])
def test_the_file_of_submissions_opens_safely_in_a_spreadsheet(
    client: TestClient, olga: dict[str, str], ids: list[str], ticked: int
) -> None:
    form = {"deed": "export", "submissions": ids[:ticked]}
    answer = client.post(f"{PAGE}/submissions", data=form, headers=olga | HTML)
    assert answer.headers["content-disposition"] == 'attachment; filename="digits-submissions.csv"'
    assert answer.text.startswith(EXCEL_MARK)
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix(EXCEL_MARK))))
    assert len(rows) == (ticked or 2)
    assert rows[0]["filename"] == "'=evil.py"
    assert client.get(f"{API}/submissions.csv", headers=olga).text.count("ann") == 2


def test_a_clone_has_a_free_name_and_fresh_seeds(
    client: TestClient, login: Callable[..., Login], ids: list[str]
) -> None:
    headers = login("root", "admin").headers | HTML
    first, second = (client.get("/admin/competitions/new?start=copy:digits", headers=headers).text for _ in range(2))
    assert 'value="digits-2"' in first
    assert first != second  # the seeds
    assert client.get("/admin/competitions/new?start=copy:none", headers=headers).status_code == 404
