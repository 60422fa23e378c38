"""Scorecards of every form that was ever stored open wherever one can be read."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from rich.console import Console
from sqlalchemy import Engine, select

from cli.show.scorecard import render_scorecard
from core.db.session import transaction
from core.scorecard import FORM, read_scorecard
from tests import factories
from tests.scorecard_bodies import make_scorecard_body
from tests.unit.api.conftest import Login

STORED = sorted(Path("tests/fixtures/scorecards").glob("*.json"))
VALUES = {"verdict": "scored", "score": 0.225, "score_low": 0.115, "score_high": 0.343, "relative_runtime": 0.01}


@pytest.fixture
def ann(login: Callable[..., Login]) -> Login:
    return login("ann")


@pytest.fixture(params=STORED, ids=lambda path: path.stem)
def body(request: pytest.FixtureRequest) -> dict[str, Any]:
    stored: dict[str, Any] = json.loads(request.param.read_text())
    return stored


def store(engine: Engine, who: Login, *bodies: dict[str, Any], exposure: str = "practice") -> list[str]:
    """Return the submissions' ids."""
    with transaction(engine) as session:
        competition = factories.make_competition(session, "digits", exposure=exposure)
        rows = [factories.make_submission(session, competition, who.user) for _ in bodies]
        for row, body in zip(rows, bodies, strict=True):
            factories.make_evaluation(session, row, card=body, **VALUES)
        return [row.id for row in rows]


def test_it_opens_in_the_api_on_its_page_and_in_the_terminal(
    client: TestClient, engine: Engine, ann: Login, body: dict[str, Any]
) -> None:
    (row,) = store(engine, ann, body)
    answer = client.get(f"/api/v1/submissions/{row}/scorecard")
    assert answer.status_code == 200
    told = answer.json()
    assert (told["version"], told["score"]["estimate"]) == (FORM, body["score"]["estimate"])
    assert told["epsilon"] == body["epsilon"]
    assert ("flags" in told, "metrics" in told) == ("flags" in body, "metrics" in body)
    assert client.get(f"/submissions/{row}").status_code == 200
    console = Console(file=StringIO(), width=160)
    console.print(render_scorecard(read_scorecard(told), verdict="scored"))


def test_it_tells_no_single_example_of_a_hidden_problem(
    client: TestClient, engine: Engine, ann: Login, body: dict[str, Any]
) -> None:
    (row,) = store(engine, ann, body, exposure="public")
    told = client.get(f"/api/v1/submissions/{row}/scorecard", headers=ann.headers).json()
    assert set(told["epsilon"]) == {"edges", "points", "counts", "median"}
    assert "flag_checks" not in told
    assert client.get(f"/submissions/{row}", headers=ann.headers).status_code == 200


def test_it_compares_with_a_new_one_and_stands_on_the_board(
    client: TestClient, engine: Engine, ann: Login, body: dict[str, Any]
) -> None:
    old, new = store(engine, ann, body, make_scorecard_body(0.5))
    query = {"a": old, "b": new}
    found = client.get("/api/v1/competitions/digits/compare", params=query, headers=ann.headers).json()
    values = {metric["id"]: metric["a"] for metric in found["metrics"]}
    assert values["epsilon_median"] == body["epsilon"]["median"]
    assert values["ua"] == pytest.approx(body["unlearning_accuracy"])
    board = client.get("/api/v1/competitions/digits/leaderboard").json()
    assert {entry["neurips2023"] for entry in board["entries"]} <= {body["protocols"]["neurips2023"], 0.5 / 6}


def test_a_damaged_one_says_what_is_wrong_with_it_instead_of_asking_to_try_again(
    client: TestClient, engine: Engine, ann: Login, body: dict[str, Any]
) -> None:
    (row,) = store(engine, ann, body)
    with transaction(engine) as session:
        card = session.scalars(select(factories.Scorecard)).one()
        card.body = body | {"epsilon": body["epsilon"] | {"counts": []}}
    for address in (f"/api/v1/submissions/{row}/scorecard", f"/submissions/{row}"):
        answer = client.get(address, headers=ann.headers)
        assert answer.status_code == 503
        assert "is damaged: epsilon.counts: Tuple should have at least 1 item" in answer.text
        assert "Retry-After" not in answer.headers
