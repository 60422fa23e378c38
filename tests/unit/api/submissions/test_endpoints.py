from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from core.db.models.submissions import Submission
from core.db.session import transaction
from tests import factories
from tests.scorecard_bodies import make_scorecard_body
from tests.unit.api.conftest import Login


@pytest.fixture
def ann(login: Callable[..., Login]) -> Login:
    return login("ann")


def make_failed(engine: Engine, who: Login, exposure: str) -> Submission:
    with transaction(engine) as session:
        competition = factories.make_competition(session, exposure=exposure)
        row = factories.make_submission(session, competition, who.user)
        factories.make_evaluation(
            session, row, verdict="runtime_error", code="EXCEPTION", reason="ValueError: 7", log="a secret"
        )
    return row


def make_scored(engine: Engine, who: Login, exposure: str) -> Submission:
    with transaction(engine) as session:
        return factories.make_scored(session, factories.make_competition(session, exposure=exposure), who.user, 0.7)


def make_queued(engine: Engine, who: Login, exposure: str = "practice") -> Submission:
    with transaction(engine) as session:
        row = factories.make_submission(session, factories.make_competition(session, exposure=exposure), who.user)
        factories.make_evaluation(session, row)
    return row


def test_a_scored_submission_tells_score_interval_and_runtime(client: TestClient, engine: Engine, ann: Login) -> None:
    body = client.get(f"/api/v1/submissions/{make_scored(engine, ann, 'practice').id}").json()
    assert (body["status"], body["verdict"], body["fault_of"]) == ("finished", "scored", "nobody")
    assert body["score"] == pytest.approx({"estimate": 0.7, "low": 0.67, "high": 0.73})
    assert (body["relative_runtime"], body["has_scorecard"]) == (0.05, True)


def test_an_entry_whose_place_was_decided_early_says_after_how_many_replicas(
    client: TestClient, engine: Engine, ann: Login
) -> None:
    with transaction(engine) as session:
        competition = factories.make_competition(session)
        early = {"decided_early": True, "scored_replicas": 72}
        row = factories.make_scored(session, competition, ann.user, 0.2, evaluation=early)
    body = client.get(f"/api/v1/submissions/{row.id}").json()
    assert body["decided_early"] == {"after": 72, "of": 256}
    assert body["progress"] == {"finished": 72, "total": 256}
    text = client.get(f"/submissions/{row.id}").text
    assert "Stopped after 72 of 256 replicas" in text


def test_an_entry_that_ran_all_replicas_was_not_decided_early(client: TestClient, engine: Engine, ann: Login) -> None:
    assert client.get(f"/api/v1/submissions/{make_scored(engine, ann, 'practice').id}").json()["decided_early"] is None


def test_a_failed_submission_tells_code_reason_and_hint(client: TestClient, engine: Engine, ann: Login) -> None:
    row = make_failed(engine, ann, "practice")
    body = client.get(f"/api/v1/submissions/{row.id}", headers=ann.headers).json()
    assert (body["verdict"], body["code"], body["reason"]) == ("runtime_error", "EXCEPTION", "ValueError: 7")
    assert "lacuna doctor" in body["hint"]
    assert body["log"] == "a secret"


def test_the_log_of_a_practice_run_is_for_its_author(client: TestClient, engine: Engine, ann: Login) -> None:
    row = make_failed(engine, ann, "practice")
    assert client.get(f"/api/v1/submissions/{row.id}").json()["log"] is None


def test_a_hidden_run_tells_its_author_a_code_and_nothing_that_came_out_of_it(
    client: TestClient, engine: Engine, ann: Login
) -> None:
    row = make_failed(engine, ann, "private")
    body = client.get(f"/api/v1/submissions/{row.id}", headers=ann.headers).json()
    assert (body["code"], body["reason"], body["log"]) == ("EXCEPTION", "", None)


def test_staff_are_told_the_reason_of_a_hidden_run(
    client: TestClient, engine: Engine, ann: Login, login: Callable[..., Login]
) -> None:
    row = make_failed(engine, ann, "private")
    body = client.get(f"/api/v1/submissions/{row.id}", headers=login(role="organizer").headers).json()
    assert body["reason"] == "ValueError: 7"


def test_the_source_stays_with_its_author_on_practice_too(
    client: TestClient, engine: Engine, ann: Login, login: Callable[..., Login]
) -> None:
    row = make_scored(engine, ann, "practice")
    answer = client.get(f"/api/v1/submissions/{row.id}/source", headers=login("bob").headers)
    assert answer.status_code == 404


def test_a_practice_scorecard_is_open_and_whole(client: TestClient, engine: Engine, ann: Login) -> None:
    row = make_scored(engine, ann, "practice")
    assert client.get(f"/api/v1/submissions/{row.id}/scorecard").json() == make_scorecard_body(0.7)


def test_a_hidden_scorecard_names_no_single_example(client: TestClient, engine: Engine, ann: Login) -> None:
    row = make_scored(engine, ann, "private")
    body = client.get(f"/api/v1/submissions/{row.id}/scorecard", headers=ann.headers).json()
    assert set(body["epsilon"]) == {"edges", "points", "counts", "median"}


def test_without_a_scorecard_the_answer_says_why(client: TestClient, engine: Engine, ann: Login) -> None:
    answer = client.get(f"/api/v1/submissions/{make_failed(engine, ann, 'practice').id}/scorecard")
    assert answer.status_code == 404
    assert "runtime_error" in answer.json()["detail"]


def test_own_submissions_come_newest_first_in_pages(client: TestClient, engine: Engine, ann: Login) -> None:
    rows = [make_queued(engine, ann) for _ in range(5)]
    seen: list[str] = []
    url: str | None = "/api/v1/submissions?limit=2"
    while url:
        answer = client.get(url, headers=ann.headers)
        seen += [item["id"] for item in answer.json()["items"]]
        url = answer.links["next"]["url"] if "next" in answer.links else None
    assert seen == [row.id for row in reversed(rows)]


def test_others_submissions_are_not_listed(
    client: TestClient, engine: Engine, ann: Login, login: Callable[..., Login]
) -> None:
    make_queued(engine, ann)
    page = client.get("/api/v1/submissions", headers=login("bob").headers).json()
    assert page == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("query", ["limit=0", "limit=1000", "cursor=%%%", "cursor=Zm9"])
def test_bad_pages_are_invalid_input_or_empty(client: TestClient, ann: Login, query: str) -> None:
    answer = client.get(f"/api/v1/submissions?{query}", headers=ann.headers)
    assert answer.status_code == (200 if query == "cursor=Zm9" else 422)


def test_the_queue_position_counts_what_came_before(client: TestClient, engine: Engine, ann: Login) -> None:
    rows = [make_queued(engine, ann) for _ in range(3)]
    assert client.get(f"/api/v1/submissions/{rows[2].id}").json()["queue_position"] == 3


def test_cancelling_a_queued_submission_withdraws_it(client: TestClient, engine: Engine, ann: Login) -> None:
    row = make_queued(engine, ann)
    answer = client.post(f"/api/v1/submissions/{row.id}/cancel", headers=ann.headers)
    assert (answer.status_code, answer.json()["verdict"]) == (202, "withdrawn")


def test_cancelling_a_running_submission_tells_the_worker(client: TestClient, engine: Engine, ann: Login) -> None:
    with transaction(engine) as session:
        row = factories.make_submission(session, factories.make_competition(session), ann.user)
        factories.make_evaluation(session, row, status="running", finished=3)
    assert client.post(f"/api/v1/submissions/{row.id}/cancel", headers=ann.headers).json()["status"] == "cancelling"


def test_what_ended_cannot_be_cancelled(client: TestClient, engine: Engine, ann: Login) -> None:
    row = make_scored(engine, ann, "practice")
    answer = client.post(f"/api/v1/submissions/{row.id}/cancel", headers=ann.headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "CONFLICT")


def test_a_visible_submission_of_someone_else_cannot_be_cancelled(
    client: TestClient, engine: Engine, ann: Login, login: Callable[..., Login]
) -> None:
    row = make_queued(engine, ann)
    answer = client.post(f"/api/v1/submissions/{row.id}/cancel", headers=login("bob").headers)
    assert answer.status_code == 403
