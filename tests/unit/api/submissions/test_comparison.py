from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from core.db.models.contests import Competition
from core.db.models.submissions import Submission
from core.db.session import transaction
from tests import factories
from tests.unit.api.conftest import Login

PATH = "/api/v1/competitions/digits/compare"


@pytest.fixture
def ann(login: Callable[..., Login]) -> Login:
    return login("ann")


@pytest.fixture
def competition(engine: Engine) -> Competition:
    with transaction(engine) as session:
        return factories.make_competition(session, "digits", exposure="private")


@pytest.fixture
def open_competition(engine: Engine) -> Competition:
    """Where every score is told."""
    with transaction(engine) as session:
        return factories.make_competition(session, "digits")


def make(engine: Engine, competition: Competition, login: Login, score: float, **values: Any) -> Submission:
    with transaction(engine) as session:
        return factories.make_scored(session, competition, login.user, score, **values)


def compare(client: TestClient, reader: Login, a: Submission, b: Submission) -> Any:
    return client.get(PATH, params={"a": a.id, "b": b.id}, headers=reader.headers)


@pytest.mark.parametrize(
    ("scores", "conclusion"),
    [((0.3, 0.5), "b_is_better"), ((0.5, 0.3), "a_is_better"), ((0.50, 0.51), "within_noise")],
)
def test_a_difference_counts_only_beyond_noise(
    client: TestClient, engine: Engine, open_competition: Competition, ann: Login, scores: Any, conclusion: str
) -> None:
    a, b = (make(engine, open_competition, ann, score) for score in scores)
    found = compare(client, ann, a, b).json()
    assert found["conclusion"] == conclusion
    assert found["difference"] == pytest.approx(scores[1] - scores[0])
    assert (found["a"]["id"], found["b"]["id"]) == (a.id, b.id)


def test_paired_draws_find_what_two_intervals_would_hide(
    client: TestClient, engine: Engine, open_competition: Competition, ann: Login
) -> None:
    draws = [0.4 + 0.02 * place for place in range(12)]
    a = make(engine, open_competition, ann, 0.50, evaluation={"score_draws": draws})
    shifted = [draw + 0.02 + 0.001 * (-1) ** place for place, draw in enumerate(draws)]
    b = make(engine, open_competition, ann, 0.52, evaluation={"score_draws": shifted})
    found = compare(client, ann, a, b).json()
    assert found["is_paired"]
    assert found["conclusion"] == "b_is_better"


def test_every_number_of_both_stands_side_by_side(
    client: TestClient, engine: Engine, open_competition: Competition, ann: Login
) -> None:
    a, b = make(engine, open_competition, ann, 0.3), make(engine, open_competition, ann, 0.5, runtime=0.08)
    found = compare(client, ann, a, b).json()
    metrics = {metric["id"]: metric for metric in found["metrics"]}
    assert metrics["relative_runtime"]["difference"] == pytest.approx(0.03)
    assert metrics["ua"]["a"] == 14.0
    assert len(found["epsilons"]["a"]) == len(found["epsilons"]["edges"])


def test_scores_of_fewer_replicas_do_not_compare(
    client: TestClient, engine: Engine, open_competition: Competition, ann: Login
) -> None:
    early = make(engine, open_competition, ann, 0.3, evaluation={"scored_replicas": 64, "decided_early": True})
    found = compare(client, ann, early, make(engine, open_competition, ann, 0.5)).json()
    assert (found["conclusion"], found["difference"]) == ("not_comparable", None)
    assert "stopped early" in found["detail"]


def test_hidden_examples_stay_hidden(client: TestClient, engine: Engine, competition: Competition, ann: Login) -> None:
    a = make(engine, competition, ann, 0.3)
    assert "per_example" not in compare(client, ann, a, a).text


def test_others_submissions_are_for_staff_alone(
    client: TestClient, engine: Engine, competition: Competition, ann: Login, login: Callable[..., Login]
) -> None:
    a, b = make(engine, competition, ann, 0.3), make(engine, competition, login("bob"), 0.5)
    assert compare(client, ann, a, b).status_code == 404
    assert compare(client, login(role="organizer"), a, b).status_code == 200


def test_on_an_open_problem_others_entries_are_compared_too(
    client: TestClient, engine: Engine, open_competition: Competition, ann: Login, login: Callable[..., Login]
) -> None:
    bob, eve = login("bob"), login("eve")
    a, b, c = (make(engine, open_competition, who, score) for who, score in ((ann, 0.3), (bob, 0.5), (eve, 0.4)))
    found = compare(client, ann, a, b).json()
    assert len(found["epsilons"]["each_a"]) == len(found["epsilons"]["each_b"])
    page = "/competitions/digits/compare"
    text = client.get(page, params={"a": a.id, "b": b.id, "more": [c.id]}, headers=ann.headers).text
    assert f'href="/submissions/{c.id}"' in text
    assert "Example by example" in text


def test_who_names_nothing_compares_their_own_newest_with_another_one(
    client: TestClient, engine: Engine, open_competition: Competition, ann: Login, login: Callable[..., Login]
) -> None:
    own, bob = make(engine, open_competition, ann, 0.3), login("bob")
    for score in (0.5, 0.6):
        newest = make(engine, open_competition, bob, score)
    text = client.get("/competitions/digits/compare", headers=ann.headers).text
    assert f'B: <a href="/submissions/{own.id}"' in text
    assert f'A: <a href="/submissions/{newest.id}"' in text


def test_a_submission_to_another_competition_or_without_a_score_is_not_found(
    client: TestClient, engine: Engine, competition: Competition, ann: Login
) -> None:
    a = make(engine, competition, ann, 0.3)
    with transaction(engine) as session:
        elsewhere = factories.make_scored(session, factories.make_competition(session, "else"), ann.user)
        waiting = factories.make_submission(session, competition, ann.user)
        factories.make_evaluation(session, waiting)
    for other in (elsewhere, waiting):
        assert compare(client, ann, a, other).status_code == 404


def test_scores_of_the_private_phase_and_of_a_rejudge_are_not_in_the_list(
    client: TestClient, engine: Engine, competition: Competition, ann: Login
) -> None:
    make(engine, competition, ann, 0.2)
    row = make(engine, competition, ann, 0.3)
    with transaction(engine) as session:
        for values in ({"phase": "private", "score": 0.777}, {"counts": False, "score": 0.666}):
            factories.make_evaluation(session, session.get_one(Submission, row.id), verdict="scored", **values)
    text = client.get("/competitions/digits/compare", headers=ann.headers).text
    assert "0.300" in text
    assert "0.777" not in text
    assert "0.666" not in text


def test_the_page_asks_for_two_and_then_compares_them(
    client: TestClient, engine: Engine, competition: Competition, ann: Login, login: Callable[..., Login]
) -> None:
    a, b = make(engine, competition, ann, 0.3, note="<b>"), make(engine, competition, ann, 0.5)
    other = make(engine, competition, login("bob"), 0.4)
    asked = client.get("/competitions/digits/compare", headers=ann.headers).text
    assert asked.count("<option") == 7  # two for each side, and two or nothing for a third
    assert other.id not in asked
    text = client.get(f"/competitions/digits/compare?a={a.id}&b={b.id}", headers=ann.headers).text
    for shown in ("B is better", "+0.200", 'class="pair"', "&lt;b&gt;"):
        assert shown in text
    assert "Submit a file" in client.get("/competitions/digits/compare", headers=login("zoe").headers).text
