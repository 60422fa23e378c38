from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select

from core.db.models.problems import Problem
from core.db.models.submissions import Calibration
from core.db.session import transaction
from tests import factories
from tests.unit.api.conftest import Login


def make(engine: Engine, **values: Any) -> None:
    with transaction(engine) as session:
        factories.make_competition(session, "digits", **values)


def test_competitions_are_listed_to_everybody(client: TestClient, engine: Engine) -> None:
    make(engine)
    item = client.get("/api/v1/competitions").json()["items"][0]
    assert (item["slug"], item["state"], item["protocol"], item["compute_budget"]) == (
        "digits",
        "open",
        "held_out",
        0.1,
    )


def test_a_practice_problem_is_told_whole(client: TestClient, engine: Engine) -> None:
    make(engine)
    body = client.get("/api/v1/competitions/digits").json()
    assert body["problem"] == factories.make_problem_spec(slug="digits").model_dump(mode="json")
    assert body["forget_request"]["count"] == 128


@pytest.mark.parametrize("role", ["participant", "organizer"])
def test_the_seeds_of_a_hidden_problem_are_for_staff(
    client: TestClient, engine: Engine, login: Callable[..., Login], role: str
) -> None:
    make(engine, exposure="private")
    body = client.get("/api/v1/competitions/digits", headers=login(role=role).headers).json()
    shown = [
        (part, name)
        for part in ("split", "forget", "pools")
        for name in ("seed", "ids")
        if name in body["problem"][part]
    ]
    assert bool(shown) == (role == "organizer")


def test_preparation_counts_trained_models(client: TestClient, engine: Engine) -> None:
    with transaction(engine) as session:
        competition = factories.make_competition(session, "digits", state="preparing")
        factories.make_pool(session, competition, "retrained", done=3)
        factories.make_pool(session, competition, "control", done=0)
    preparation = client.get("/api/v1/competitions/digits").json()["preparation"]
    assert (preparation["stage"], preparation["finished"], preparation["total"]) == ("pools", 192, 513)
    assert {pool["kind"]: pool["finished"] for pool in preparation["pools"]} == {"retrained": 192, "control": 0}


def test_preparation_waits_until_the_first_pool_is_written_down(client: TestClient, engine: Engine) -> None:
    make(engine, state="preparing", fault="no data")
    body = client.get("/api/v1/competitions/digits").json()
    assert (body["preparation"]["stage"], body["fault"]) == ("waiting", "no data")


def test_limits_count_today_and_spare_what_was_our_fault(
    client: TestClient, engine: Engine, login: Callable[..., Login]
) -> None:
    ann = login("ann")
    with transaction(engine) as session:
        competition = factories.make_competition(session, "digits", daily_limit=4)
        factories.make_evaluation(session, factories.make_submission(session, competition, ann.user))
        for verdict in ("rejected", "platform_error"):
            row = factories.make_submission(session, competition, ann.user)
            factories.make_evaluation(session, row, verdict=verdict)
    body = client.get("/api/v1/competitions/digits/limits", headers=ann.headers).json()
    assert (body["daily_limit"], body["used"], body["left"], body["running"]) == (4, 2, 2, 1)
    assert body["resets_at"].endswith("T00:00:00Z")


def test_a_card_says_how_far_the_plain_loop_is_from_the_best(client: TestClient, engine: Engine) -> None:
    make(engine)
    assert client.get("/api/v1/competitions/digits").json()["headroom"] is None
    assert "Headroom" not in client.get("/competitions/digits/data").text
    for fastest, trainer, words in (
        (0.1, "numpy", "Not fit for prizes"),
        (0.25, "channels_last", "The budget measures work"),
        (0.4, "plain", "No known trainer is faster"),
    ):
        with transaction(engine) as session:
            problem = session.scalars(select(Problem)).one()
            problem.headroom = {"plain_ms": 0.4, "fastest_ms": fastest, "trainer": trainer}
        found = client.get("/api/v1/competitions/digits").json()["headroom"]
        assert found["ratio"] == pytest.approx(0.4 / fastest)
        assert found["fit_for_prizes"] is (0.4 / fastest <= 2)
        assert words in client.get("/competitions/digits/data").text


@pytest.mark.parametrize("exposure", ["practice", "public", "private"])
def test_a_card_tells_what_a_submission_gets_and_names_nothing_of_hidden_data(
    client: TestClient, engine: Engine, exposure: str
) -> None:
    make(engine, exposure=exposure)
    told = client.get("/api/v1/competitions/digits").json()["description"]
    page = client.get("/competitions/digits/data").text
    assert told["batches"] in page
    assert told["layers"] in page
    assert ("classes" in told) is ("zero, one" in page) is (exposure == "practice")


@pytest.mark.parametrize("exposure", ["practice", "public", "private"])
def test_classes_of_hidden_splits_are_counted_for_staff_alone(
    client: TestClient, engine: Engine, login: Callable[..., Login], exposure: str
) -> None:
    make(engine, exposure=exposure)
    olga, first = login("olga", "organizer").headers, {"name": "zero"} | dict.fromkeys(factories.SPLITS, 70_717)
    for headers in ({}, login("ann").headers, olga):
        sees = exposure == "practice" or headers == olga
        counts = client.get("/api/v1/competitions/digits", headers=headers).json()["class_counts"]
        assert counts == ([first, first | {"name": "one"} | dict.fromkeys(factories.SPLITS, 5)] if sees else None)
        page = client.get("/competitions/digits/data", headers=headers | {"Accept": "text/html"}).text
        assert ("70717" in page) is ("70722" in page) is sees
    assert ("is hidden while the data is" in client.get("/competitions/digits/data").text) is (exposure != "practice")


def test_a_card_tells_the_budget_in_seconds_of_each_class_of_node(client: TestClient, engine: Engine) -> None:
    with transaction(engine) as session:
        row = factories.make_competition(session, "digits")
        run = factories.make_evaluation(
            session, factories.make_submission(session, row, factories.make_user(session, "platform"))
        )
        seconds = {"wall": [40.0, 44.0, 42.0], "cpu": [20.0, 22.0, 21.0]}
        values = {"spec_id": row.spec_id, "node_class": "epyc", "evaluation_id": run.id}
        session.add(Calibration(filename="retrain.py", seconds=seconds, **values))
    (found,) = client.get("/api/v1/competitions/digits").json()["budget_seconds"]
    assert found == {"node_class": "epyc", "seconds": pytest.approx(2.1), "retrain_seconds": 21.0}
    assert "about 2.1 s a replica on epyc" in " ".join(client.get("/competitions/digits/data").text.split())
