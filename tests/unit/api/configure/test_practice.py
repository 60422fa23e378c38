import tomllib
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from api.configure.form import fill_form, read_form
from core.db.queries import competitions, phases
from core.db.session import reading, transaction
from core.problem_files import PROBLEM_FOLDER
from tests import factories
from tests.hidden_problems import make_hidden_values
from tests.unit.api.conftest import Broker, Login

URL = "/api/v1/admin/competitions/contest"
FIRST = 2**64 + 61
NAMED = {"problem": "digits"}
OWN = {"forget": {"kind": "random", "fraction": 0.2, "seed": FIRST}, "split_seed": FIRST + 1, "pool_seed": FIRST + 2}


@pytest.fixture
def admin(login: Callable[..., Login]) -> dict[str, str]:
    return login("root", "admin").headers


def apply(client: TestClient, headers: dict[str, str], practice: dict[str, Any] | None, **parts: Any) -> Any:
    values = tomllib.loads((PROBLEM_FOLDER / "digits.toml").read_text())
    values = make_hidden_values(values | {"slug": "contest"}) | parts
    values |= {"practice": practice} if practice else {}
    return client.put(URL, json=values, headers=headers)


def fetch_problem(engine: Engine) -> tuple[str, str, int | str]:
    with reading(engine) as session:
        row = competitions.fetch_competition(session, "contest")
        phase = phases.fetch_practice_phase(session, row.id) if row else None
        assert phase is not None
        problem = phase.spec.body["problem"]
    return problem["slug"], problem["exposure"], problem["split"]["seed"]


@pytest.mark.parametrize(
    ("practice", "found"), [(NAMED, ("digits", "practice", 2)), (OWN, ("contest", "practice", f"0x{FIRST + 1:032x}"))]
)
def test_a_practice_phase_is_part_of_the_file(
    client: TestClient,
    admin: dict[str, str],
    engine: Engine,
    broker: Broker,
    practice: dict[str, Any],
    found: tuple[str, str, int | str],
) -> None:
    apply(client, admin, None)
    plan = apply(client, admin, practice).json()
    assert (plan["effect"], plan["applied"]) == ("update", True)
    assert {"practice.problem", "practice.digest"} <= {change["field"] for change in plan["changes"]}
    assert fetch_problem(engine) == found
    assert [task for task, _ in broker.sent].count("lacuna.prepare_problem") == 3  # its own twice, and the other one
    assert apply(client, admin, practice).json()["effect"] == "nothing"
    assert apply(client, admin, None).json()["effect"] == "nothing"


def test_it_may_change_while_scores_stand(client: TestClient, admin: dict[str, str], engine: Engine) -> None:
    apply(client, admin, OWN)
    with transaction(engine) as session:
        row = competitions.fetch_competition(session, "contest")
        assert row is not None
        factories.make_scored(session, row, factories.make_user(session))
    assert apply(client, admin, NAMED).json()["effect"] == "update"
    assert fetch_problem(engine)[0] == "digits"


def test_an_uploaded_data_set_is_practised_on_another_problem_alone(
    client: TestClient, admin: dict[str, str], engine: Engine
) -> None:
    with transaction(engine) as session:
        factories.make_data_set_version(session, "faces")
    answer = apply(client, admin, OWN, data={"set": "faces@1"})
    assert (answer.status_code, "would show the hidden data" in answer.text) == (422, True)
    assert apply(client, admin, NAMED, data={"set": "faces@1"}).status_code == 200


@pytest.mark.parametrize(
    "part",
    [
        {"private": {"forget": OWN["forget"], "pool_seed": 2**100}},
        {"private": {"forget": {"kind": "class", "class_index": 1}, "split_seed": FIRST + 1, "pool_seed": 2**100}},
        {"forget": OWN["forget"]},
    ],
)
def test_a_file_without_practice_cannot_ask_for_what_is_practised_already(
    client: TestClient, admin: dict[str, str], part: dict[str, Any]
) -> None:
    apply(client, admin, OWN)
    answer = apply(client, admin, None, **part)
    assert (answer.status_code, "that of a hidden phase" in answer.text) == (422, True)


def test_practice_cannot_ask_for_what_the_private_phase_is_prepared_on(
    client: TestClient, admin: dict[str, str]
) -> None:
    apply(client, admin, None, private={"forget": OWN["forget"], "pool_seed": 2**100})
    assert apply(client, admin, OWN).status_code == 422
    assert apply(client, admin, NAMED).status_code == 200


def test_a_hidden_problem_cannot_be_practised_on(client: TestClient, admin: dict[str, str], engine: Engine) -> None:
    with transaction(engine) as session:
        factories.make_competition(session, "secret", exposure="private")
    answer = apply(client, admin, {"problem": "secret"})
    assert (answer.status_code, "practice shows everything" in answer.text) == (422, True)


def test_limits_of_practice_are_of_the_competition(client: TestClient, admin: dict[str, str]) -> None:
    competition = {"practice_daily_limit": 0, "practice_concurrent_limit": 4}
    apply(client, admin, NAMED, competition=competition)
    practice = client.get("/api/v1/competitions/contest").json()["practice"]
    assert (practice["daily_limit"], practice["concurrent_limit"]) == (0, 4)


def test_the_form_of_a_competition_names_its_practice_problem() -> None:
    filled = fill_form(make_hidden_values(tomllib.loads((PROBLEM_FOLDER / "digits.toml").read_text())))
    asked = read_form({**filled, "practice": "on", "practice.problem": "digits"})
    assert (asked.document["practice"], asked.mistakes) == (NAMED, {})
    assert "practice" not in read_form({**filled, "practice.problem": "digits"}).document
    assert "practice.problem" in read_form({**filled, "practice": "on", "practice.problem": "../x"}).mistakes
