from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, update

from core.db.base import utc_now
from core.db.models.contests import Competition
from core.db.models.operations import JanitorTurn, Node, Outbox
from core.db.models.submissions import EvaluationEvent, Shard, Submission
from core.db.session import transaction
from core.domain.work import WorkState
from tests import factories
from tests.unit.api.conftest import Login

LONG_AGO = timedelta(minutes=2)


@pytest.fixture
def waiting(engine: Engine, login: Callable[..., Login]) -> tuple[Submission, Login]:
    """A submission that was accepted two minutes ago, and has not moved since."""
    ann = login("ann")
    with transaction(engine) as session:
        competition: Competition = factories.make_competition(session, "digits")
        submission = factories.make_submission(session, competition, ann.user)
        factories.make_evaluation(session, submission)
        session.execute(update(EvaluationEvent).values(at=utc_now() - LONG_AGO))
        factories.make_node(session, "n1")
        factories.turn_janitor(session)
    return submission, ann


def read(client: TestClient, waiting: tuple[Submission, Login]) -> Any:
    submission, ann = waiting
    return client.get(f"/api/v1/submissions/{submission.id}", headers=ann.headers).json()["waits"]


def change(engine: Engine, query: Any) -> None:
    with transaction(engine) as session:
        session.execute(query)


def test_what_has_just_moved_says_nothing(
    client: TestClient, engine: Engine, waiting: tuple[Submission, Login]
) -> None:
    change(engine, update(EvaluationEvent).values(at=utc_now() - timedelta(seconds=50)))
    assert read(client, waiting) is None


def test_what_a_worker_holds_says_nothing(
    client: TestClient, engine: Engine, waiting: tuple[Submission, Login]
) -> None:
    held = {"state": WorkState.LEASED, "lease_until": utc_now() + timedelta(seconds=30)}
    change(engine, update(Shard).values(held))
    assert read(client, waiting) is None
    change(engine, update(Shard).values(lease_until=utc_now() - timedelta(seconds=1)))
    assert read(client, waiting) is not None


def test_a_lost_message_is_told_within_a_minute(client: TestClient, waiting: tuple[Submission, Login]) -> None:
    assert read(client, waiting).startswith("Nobody has begun it yet.")


def test_a_broker_that_is_away_is_told(client: TestClient, engine: Engine, waiting: tuple[Submission, Login]) -> None:
    with transaction(engine) as session:
        session.add(Outbox(task="lacuna.run_shard", object_id="s", created_at=utc_now() - LONG_AGO))
    assert "message queue is away" in read(client, waiting)


def test_that_no_janitor_turns_is_told_without_its_host(
    client: TestClient, engine: Engine, waiting: tuple[Submission, Login]
) -> None:
    change(engine, update(JanitorTurn).values(tried_at=utc_now() - LONG_AGO, node="secret"))
    told = read(client, waiting)
    assert told.startswith("What offers work to the machines stands still.")
    assert "secret" not in told


def test_that_no_machine_runs_is_told(client: TestClient, engine: Engine, waiting: tuple[Submission, Login]) -> None:
    change(engine, update(Node).values(last_seen_at=utc_now() - LONG_AGO))
    assert read(client, waiting).startswith("No machine is running")


def test_that_machines_rest_is_told_without_their_faults(
    client: TestClient, engine: Engine, waiting: tuple[Submission, Login]
) -> None:
    change(
        engine, update(Node).values(resting_until=utc_now() + LONG_AGO, strikes=3, rest_reason="/secret/engine.sock")
    )
    told = read(client, waiting)
    assert told.startswith("The machines failed several times in a row")
    assert "secret" not in told


def test_the_page_says_it_and_staff_read_which_command_helps(
    client: TestClient, engine: Engine, waiting: tuple[Submission, Login], login: Callable[..., Login]
) -> None:
    submission, ann = waiting
    change(engine, update(Node).values(resting_until=utc_now() + LONG_AGO, strikes=3, rest_reason="no engine"))
    page = client.get(f"/submissions/{submission.id}", headers={**ann.headers, "Accept": "text/html"}).text
    assert "Nothing has moved for a minute. The machines failed several times in a row" in page
    olga = login("olga", "organizer")
    queue = client.get("/api/v1/admin/queue", headers=olga.headers).json()
    [item] = queue["waiting"]
    assert (item["obstacle"], item["why"]) == ("resting", "resting after failures: n1 (no engine)")
    assert item["command"] == "lacuna admin activate n1 --because …"
    shown = client.get("/admin/queue", headers={**olga.headers, "Accept": "text/html"}).text
    assert "resting after failures: n1 (no engine)" in shown


def test_an_estimate_is_unknown_while_the_broker_is_away(
    client: TestClient, engine: Engine, waiting: tuple[Submission, Login], login: Callable[..., Login]
) -> None:
    with transaction(engine) as session:
        session.add(Outbox(task="lacuna.run_shard", object_id="s", created_at=utc_now() - LONG_AGO))
    olga = login("olga", "organizer")
    assert client.get("/api/v1/admin/queue", headers=olga.headers).json()["seconds_left"] is None
