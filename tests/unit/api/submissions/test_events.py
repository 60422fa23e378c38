import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from api.submissions import events
from core.db.models.submissions import Evaluation, Shard, Submission
from core.db.queries import evaluations
from core.db.session import transaction
from core.domain.submission import Status, Verdict
from tests import factories
from tests.unit.api.conftest import Login


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "POLL_SECONDS", 0.02)


@pytest.fixture
def submission(engine: Engine, login: Callable[..., Login]) -> Submission:
    user = login("ann").user
    with transaction(engine) as session:
        row = factories.make_submission(session, factories.make_competition(session), user)
        factories.make_evaluation(session, row)
    return row


def read(text: str) -> list[tuple[str, Any]]:
    blocks = [dict(line.split(": ", 1) for line in block.splitlines()) for block in text.strip().split("\n\n")]
    return [(block["event"], json.loads(block["data"])) for block in blocks if "event" in block]


def finish(engine: Engine, submission: Submission) -> None:
    with transaction(engine) as session:
        loaded = evaluations.fetch_submission(session, submission.id)
        assert loaded is not None
        evaluation = loaded.evaluations[0]
        evaluations.move(session, evaluation, Status.CANCELLING)
        evaluations.move(session, evaluation, Status.FINISHED, verdict=Verdict.WITHDRAWN, reason="cancelled by request")


def test_a_finished_submission_tells_its_whole_history_and_ends(
    client: TestClient, engine: Engine, submission: Submission
) -> None:
    finish(engine, submission)
    answer = client.get(f"/api/v1/submissions/{submission.id}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    told = read(answer.text)
    assert [data["status"] for name, data in told if name == "status"] == ["queued", "cancelling", "finished"]
    assert told[-1] == ("end", {"verdict": "withdrawn"})


def test_the_stream_goes_on_after_the_last_event_a_client_saw(
    client: TestClient, engine: Engine, submission: Submission
) -> None:
    finish(engine, submission)
    url = f"/api/v1/submissions/{submission.id}/events"
    first = [line.removeprefix("id: ") for line in client.get(url).text.splitlines() if line.startswith("id: ")]
    again = read(client.get(url, headers={"Last-Event-ID": first[-2]}).text)
    assert [data["status"] for name, data in again if name == "status"] == ["finished"]


def test_moves_and_progress_arrive_while_it_runs(client: TestClient, engine: Engine, submission: Submission) -> None:
    def work() -> None:
        with transaction(engine) as session:
            loaded = evaluations.fetch_submission(session, submission.id)
            assert loaded is not None
            evaluation: Evaluation = loaded.evaluations[0]
            evaluations.move(session, evaluation, Status.CANARY)
            session.get_one(Shard, evaluation.shards[0].id).finished_replicas = 5

    timers = [threading.Timer(0.2, work), threading.Timer(0.6, finish, [engine, submission])]
    for timer in timers:
        timer.start()
    told = read(client.get(f"/api/v1/submissions/{submission.id}/events").text)
    for timer in timers:
        timer.join()
    assert [data["status"] for name, data in told if name == "status"] == ["queued", "canary", "cancelling", "finished"]
    assert 5 in [data["finished"] for name, data in told if name == "progress"]


def test_an_unknown_submission_is_refused_before_the_stream_starts(client: TestClient) -> None:
    answer = client.get("/api/v1/submissions/none/events")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
