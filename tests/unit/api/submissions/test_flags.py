from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from core.db.session import transaction
from tests import factories
from tests.scorecard_bodies import make_scorecard_body
from tests.unit.api.conftest import Login

FLAG = {
    "code": "copied_member",
    "severity": "strong",
    "value": 0.01,
    "threshold": 0.5,
    "fires": "below",
    "detail": "2 of 16 replicas are nearly a model of a pool.",
}
SEEN = {name: FLAG[name] for name in ("code", "severity", "value", "threshold", "detail")}
BLIND = {"code": "copied_member", "severity": "strong", "value": None, "threshold": None, "detail": None}


def make_flagged(engine: Engine, who: Login, exposure: str) -> str:
    """Return the path of a submission with one flag."""
    body = make_scorecard_body(0.7) | {"flags": [FLAG], "flag_checks": [FLAG]}
    with transaction(engine) as session:
        competition = factories.make_competition(session, exposure=exposure)
        row = factories.make_submission(session, competition, who.user)
        factories.make_scorecard(session, factories.make_evaluation(session, row, verdict="scored", score=0.7), body)
    return f"/api/v1/submissions/{row.id}"


@pytest.fixture
def ann(login: Callable[..., Login]) -> Login:
    return login("ann")


def test_the_author_of_a_hidden_run_is_told_that_a_flag_was_raised_and_no_value(
    client: TestClient, engine: Engine, ann: Login
) -> None:
    path = make_flagged(engine, ann, "public")
    assert client.get(path, headers=ann.headers).json()["flags"] == [BLIND]
    card: dict[str, Any] = client.get(f"{path}/scorecard", headers=ann.headers).json()
    assert card["flags"] == [{"code": "copied_member", "severity": "strong"}]
    assert "flag_checks" not in card


@pytest.mark.parametrize(("exposure", "told"), [("practice", True), ("public", False)])
def test_the_page_names_the_flag_and_explains_it_where_that_is_allowed(
    client: TestClient, engine: Engine, ann: Login, exposure: str, *, told: bool
) -> None:
    path = make_flagged(engine, ann, exposure).replace("/api/v1", "")
    page = client.get(path, headers=ann.headers).text
    assert "copied member" in page
    assert (str(FLAG["detail"]) in page) is told


@pytest.mark.parametrize("role", ["organizer", "admin"])
def test_staff_see_values(
    client: TestClient, engine: Engine, ann: Login, login: Callable[..., Login], role: str
) -> None:
    path, staff = make_flagged(engine, ann, "private"), login(role=role)
    assert client.get(path, headers=staff.headers).json()["flags"] == [SEEN]
    assert client.get(f"{path}/scorecard", headers=staff.headers).json()["flag_checks"] == [FLAG]


def test_on_a_practice_problem_a_scorecard_is_public_with_its_flags(
    client: TestClient, engine: Engine, ann: Login
) -> None:
    path = make_flagged(engine, ann, "practice")
    assert client.get(path).json()["flags"] == [SEEN]


def test_lists_leave_flags_out(client: TestClient, engine: Engine, ann: Login) -> None:
    make_flagged(engine, ann, "practice")
    (row,) = client.get("/api/v1/submissions", headers=ann.headers).json()["items"]
    assert row["flags"] is None


def test_a_scorecard_from_before_there_were_flags_has_none(client: TestClient, engine: Engine, ann: Login) -> None:
    with transaction(engine) as session:
        row = factories.make_scored(session, factories.make_competition(session), ann.user, 0.7)
    assert client.get(f"/api/v1/submissions/{row.id}").json()["flags"] is None
