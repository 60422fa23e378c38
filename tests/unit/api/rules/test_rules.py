from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from core.db.session import transaction
from tests import factories
from tests.unit.api.conftest import Login

API = "/api/v1/competitions/digits"
ADMIN = "/api/v1/admin/competitions/digits"


@pytest.fixture(autouse=True)
def competition(engine: Engine) -> None:
    with transaction(engine) as session:
        factories.make_competition(session, "digits")


@pytest.fixture
def olga(login: Callable[..., Login]) -> dict[str, str]:
    return login("olga", "organizer").headers


@pytest.fixture
def ann(login: Callable[..., Login]) -> dict[str, str]:
    return login("ann").headers


def write(client: TestClient, headers: dict[str, str], text: str) -> int:
    return client.put(f"{ADMIN}/rules", json={"text": text}, headers=headers).status_code


def accept(client: TestClient, headers: dict[str, str], version: int) -> int:
    return client.post(f"{API}/rules/acceptance", json={"version": version}, headers=headers).status_code


def submit(client: TestClient, headers: dict[str, str]) -> tuple[int, str]:
    files = {"file": ("a.py", factories.SOURCE)}
    answer = client.post(f"{API}/submissions", files=files, headers=headers)
    return answer.status_code, str(answer.json().get("code"))


def test_without_rules_nothing_needs_to_be_accepted(client: TestClient, ann: dict[str, str]) -> None:
    assert client.get(f"{API}/rules").json()["version"] is None
    assert accept(client, ann, 1) == 404
    assert submit(client, ann)[0] == 202


def test_rules_are_accepted_before_submitting_and_again_when_they_change(
    client: TestClient, olga: dict[str, str], ann: dict[str, str]
) -> None:
    assert write(client, olga, "# Be fair") == 200
    assert submit(client, ann) == (403, "RULES_NOT_ACCEPTED")
    assert accept(client, ann, 1) == accept(client, ann, 1) == 200
    assert submit(client, ann)[0] == 202
    assert write(client, olga, "# Be fair and kind") == 200
    assert submit(client, ann) == (403, "RULES_NOT_ACCEPTED")
    assert accept(client, ann, 1) == 409
    assert accept(client, ann, 2) == 200
    assert submit(client, ann)[0] == 202


def test_the_refusal_says_where_to_read_and_which_command_accepts(
    client: TestClient, olga: dict[str, str], ann: dict[str, str]
) -> None:
    write(client, olga, "be fair")
    answer = client.post(f"{API}/submissions", files={"file": ("a.py", factories.SOURCE)}, headers=ann)
    assert "/competitions/digits/rules" in answer.json()["detail"]
    assert "lacuna rules digits" in answer.json()["detail"]


def test_an_acceptance_is_ones_own(
    client: TestClient, olga: dict[str, str], ann: dict[str, str], login: Callable[..., Login]
) -> None:
    write(client, olga, "be fair")
    accept(client, ann, 1)
    views = [client.get(f"{API}/rules", headers=who).json() for who in (ann, login("bob").headers, {})]
    assert [(view["must_accept"], view["accepted_at"] is not None) for view in views] == [
        (False, True),
        (True, False),
        (True, False),
    ]


def test_empty_rules_take_the_rules_back(client: TestClient, olga: dict[str, str], ann: dict[str, str]) -> None:
    write(client, olga, "be fair")
    assert write(client, olga, " ") == 200
    assert client.get(API).json()["rules_version"] is None
    assert submit(client, ann)[0] == 202


def test_the_same_rules_are_not_written_twice(client: TestClient, olga: dict[str, str]) -> None:
    assert write(client, olga, "be fair") == 200
    assert write(client, olga, "be fair ") == 409


def test_writing_rules_is_recorded(client: TestClient, olga: dict[str, str]) -> None:
    write(client, olga, "be fair")
    entry = client.get("/api/v1/admin/audit", headers=olga).json()["items"][0]
    assert (entry["actor"], entry["action"], entry["subject"]) == ("olga", "competition.rules", "competition/digits")
    assert entry["detail"]["version"] == 1


def test_references_need_no_acceptance(client: TestClient, olga: dict[str, str]) -> None:
    write(client, olga, "be fair")
    files, form = {"file": ("a.py", factories.SOURCE)}, {"purpose": "reference"}
    assert client.post(f"{API}/submissions", files=files, data=form, headers=olga).status_code == 202


def test_the_page_shows_writes_and_accepts(client: TestClient, olga: dict[str, str], ann: dict[str, str]) -> None:
    page = "/competitions/digits/rules"
    html = {"Accept": "text/html"}
    client.post(page, data={"text": "# Be **fair**\r\n<script>x</script>"}, headers=olga | html)
    shown = client.get(page, headers=ann | html).text
    assert "<h3>Be <strong>fair</strong></h3>" in shown
    assert "<script>x" not in shown
    assert "I accept version 1" in shown
    assert "accept <a href=" in client.get("/competitions/digits/submit", headers=ann | html).text
    assert "You accepted" in client.post(f"{page}/accept", data={"version": 1}, headers=ann | html).text
    assert "Rules, version 1" in client.get("/competitions/digits", headers=html).text
    stale = client.post(f"{page}/accept", data={"version": 2}, headers=ann | html)
    assert (stale.status_code, "not the newest" in stale.text) == (409, True)
    same = client.post(page, data={"text": "# Be **fair**\n<script>x</script>"}, headers=olga | html)
    assert (same.status_code, "already" in same.text) == (409, True)
    assert client.post(page, data={"text": "x" * 100_001}, headers=olga | html).status_code == 422
