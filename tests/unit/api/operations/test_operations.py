"""Queue, nodes, costs and stuck evaluations over HTTP."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from core.db.base import utc_now
from core.db.models.contests import Competition
from core.db.models.rejudges import Rejudge
from core.db.models.submissions import Calibration, Evaluation, EvaluationEvent, Shard
from core.db.session import reading, transaction
from core.jobs import RUN_SHARD, SCORE
from tests import factories
from tests.unit.api.conftest import Broker, Login

BECAUSE = {"reason": "a test of ours"}


@pytest.fixture
def organizer(login: Callable[..., Login]) -> dict[str, str]:
    return login("olga", "organizer").headers


@pytest.fixture
def admin(login: Callable[..., Login]) -> dict[str, str]:
    return login("adam", "admin").headers


@pytest.fixture
def competition(engine: Engine) -> Competition:
    with transaction(engine) as session:
        return factories.make_competition(session, "digits-q")


def make_stuck(session: Session, competition: Competition, status: str = "running", **values: object) -> Evaluation:
    """A live evaluation that has not moved for an hour and that nobody holds."""
    submission = factories.make_submission(session, competition, factories.make_user(session))
    row = factories.make_evaluation(session, submission, status=status, **values)  # type: ignore[arg-type]
    hour_ago = utc_now() - timedelta(hours=1)
    session.execute(update(EvaluationEvent).where(EvaluationEvent.evaluation_id == row.id).values(at=hour_ago))
    session.execute(update(Shard).where(Shard.evaluation_id == row.id).values(state="pending", attempts=2))
    return row


def test_the_queue_is_counted_by_purpose_and_status_with_its_oldest(
    client: TestClient, engine: Engine, organizer: dict[str, str], competition: Competition
) -> None:
    with transaction(engine) as session:
        user = factories.make_user(session, "ann")
        for age, purpose in ((300, "ranked"), (100, "ranked"), (50, "reference")):
            submission = factories.make_submission(session, competition, user, purpose=purpose)
            factories.make_evaluation(session, submission, created_at=utc_now() - timedelta(seconds=age))
        factories.make_scored(session, competition, user)
    answer = client.get("/api/v1/admin/queue", headers=organizer).json()
    found = {(group["purpose"], group["status"]): group for group in answer["groups"]}
    assert {key: group["count"] for key, group in found.items()} == {
        ("ranked", "queued"): 2,
        ("reference", "queued"): 1,
    }
    assert 300 <= found[("ranked", "queued")]["oldest_seconds"] < 330
    assert (answer["evaluations"], answer["shards_waiting"], answer["replicas_left"]) == (3, 3, 3 * 256)


def test_the_rest_is_estimated_from_what_replicas_took_and_who_can_work(
    client: TestClient, engine: Engine, organizer: dict[str, str], competition: Competition
) -> None:
    with transaction(engine) as session:
        user = factories.make_user(session)
        scored = factories.make_scored(session, competition, user)
        factories.make_evaluation(session, factories.make_submission(session, competition, user))
        [row] = session.query(Evaluation).filter_by(submission_id=scored.id)
        session.execute(
            update(Shard)
            .where(Shard.evaluation_id == row.id)
            .values(claimed_at=utc_now() - timedelta(seconds=12), moved_at=utc_now())
        )
        factories.turn_janitor(session)
        factories.make_node(session, "one", workers=4)
        factories.make_node(session, "two", workers=4, draining_since=utc_now())
        factories.make_node(session, "three", workers=4, last_seen_at=utc_now() - timedelta(minutes=5))
    answer = client.get("/api/v1/admin/queue", headers=organizer).json()
    assert (answer["workers"], answer["seconds_left"]) == (4, pytest.approx(12.0, abs=0.1))


def test_what_does_not_move_is_named_and_what_a_worker_holds_is_not(
    client: TestClient, engine: Engine, organizer: dict[str, str], competition: Competition
) -> None:
    with transaction(engine) as session:
        factories.make_node(session, "n1", workers=4)
        factories.turn_janitor(session)
        stuck = make_stuck(session, competition)
        held = make_stuck(session, competition)
        lease = {"state": "leased", "lease_until": utc_now() + timedelta(seconds=20)}
        session.execute(update(Shard).where(Shard.evaluation_id == held.id).values(**lease))
        scored = make_stuck(session, competition, "scoring")
        session.merge(scored).scoring_until = lease["lease_until"]
        factories.make_evaluation(
            session, factories.make_submission(session, competition, factories.make_user(session)), status="running"
        )
    waiting = client.get("/api/v1/admin/queue", headers=organizer).json()["waiting"]
    assert [item["evaluation_id"] for item in waiting] == [stuck.id]
    assert waiting[0]["waited_seconds"] >= 3600
    assert "the message of shard 0 is on its way" in waiting[0]["why"]


def test_what_failed_on_a_node_names_it(
    client: TestClient, engine: Engine, organizer: dict[str, str], competition: Competition
) -> None:
    with transaction(engine) as session:
        row = make_stuck(session, competition)
        factories.make_node(session, "n1")
        failed = {"worker": "n1", "fault": "CUDA error"}
        session.execute(update(Shard).where(Shard.evaluation_id == row.id).values(**failed))
    [item] = client.get("/api/v1/admin/queue", headers=organizer).json()["waiting"]
    assert (item["obstacle"], item["why"]) == ("fault", "CUDA error (on n1)")


@pytest.mark.parametrize("status", ["running", "scoring"])
def test_without_a_janitor_the_lost_worker_and_the_janitor_are_named(
    client: TestClient, engine: Engine, organizer: dict[str, str], competition: Competition, status: str
) -> None:
    with transaction(engine) as session:
        row = session.merge(make_stuck(session, competition, status))
        gone = utc_now() - timedelta(minutes=2)
        if status == "scoring":
            row.scoring_until = gone
        else:
            lease = {"state": "leased", "worker": "n1", "lease_until": gone}
            session.execute(update(Shard).where(Shard.evaluation_id == row.id).values(**lease))
    [item] = client.get("/api/v1/admin/queue", headers=organizer).json()["waiting"]
    assert (item["obstacle"], item["command"]) == ("lost", "python -m worker.janitor")
    assert ("n1" in item["why"]) == (status == "running")


def test_whether_a_janitor_turns_is_told_with_since_when_and_where(
    client: TestClient, engine: Engine, organizer: dict[str, str]
) -> None:
    def look() -> list[tuple[str, str, str]]:
        duties = client.get("/api/v1/admin/queue", headers=organizer).json()["janitor"]
        return [(duty["duty"], duty["why"], duty["command"]) for duty in duties]

    helps = "python -m worker.janitor"
    assert look() == [
        ("sweep", "no janitor has swept yet", helps),
        ("delivery", "no janitor has sent webhooks and mail yet", helps),
        ("nodes", "no janitor has given work to nodes yet", helps),
    ]
    with transaction(engine) as session:
        factories.turn_janitor(session)
    assert look() == [("sweep", "", ""), ("delivery", "", ""), ("nodes", "", "")]
    with transaction(engine) as session:
        factories.turn_janitor(session, tried_at=utc_now() - timedelta(minutes=4), node="one")
    assert look()[0] == ("sweep", "no janitor has swept for 4 min (the last one on one)", helps)
    page = client.get("/admin/queue", headers=organizer).text
    assert "No janitor has swept for 4 min (the last one on one)." in page


def test_a_queued_rejudge_is_named_once_it_waits_for_more_than_its_turn(
    client: TestClient, engine: Engine, organizer: dict[str, str], competition: Competition
) -> None:
    with transaction(engine) as session:
        values = {"scope": {}, "reason": "a test", "started_by": "olga"}
        rejudge = Rejudge(competition_id=competition.id, spec_id=competition.spec_id, **values)
        session.add(rejudge)
        session.flush()
        turn, gone = (make_stuck(session, competition, "queued") for _ in range(2))
        session.execute(
            update(Evaluation).where(Evaluation.id.in_([turn.id, gone.id])).values(rejudge_id=rejudge.id, counts=False)
        )
        told = "waits for a node of class gpu, on which it was begun"
        session.execute(update(Shard).where(Shard.evaluation_id == gone.id).values(fault=told))
    waiting = client.get("/api/v1/admin/queue", headers=organizer).json()["waiting"]
    assert [(item["evaluation_id"], item["fault"]) for item in waiting] == [(gone.id, told)]


def test_a_stuck_evaluation_goes_out_again(
    client: TestClient, engine: Engine, organizer: dict[str, str], competition: Competition, broker: Broker
) -> None:
    with transaction(engine) as session:
        row = make_stuck(session, competition)
    answer = client.post(f"/api/v1/admin/evaluations/{row.id}/requeue", headers=organizer, json=BECAUSE).json()
    assert answer == {"evaluation_id": row.id, "status": "running", "messages": 1}
    with reading(engine) as session:
        [shard] = session.query(Shard).filter_by(evaluation_id=row.id)
    assert broker.sent == [(RUN_SHARD, shard.id)]
    assert shard.attempts == 0
    [entry] = client.get("/api/v1/admin/audit", headers=organizer).json()["items"]
    assert (entry["action"], entry["detail"]["reason"]) == ("evaluation.requeue", BECAUSE["reason"])


def test_a_lost_score_is_asked_for_again(
    client: TestClient, engine: Engine, organizer: dict[str, str], competition: Competition, broker: Broker
) -> None:
    with transaction(engine) as session:
        row = make_stuck(session, competition, "scoring")
    client.post(f"/api/v1/admin/evaluations/{row.id}/requeue", headers=organizer, json=BECAUSE)
    assert broker.sent == [(SCORE, row.id)]


def test_what_ended_by_our_fault_is_tried_anew_once(
    client: TestClient, engine: Engine, organizer: dict[str, str], competition: Competition
) -> None:
    with transaction(engine) as session:
        submission = factories.make_submission(session, competition, factories.make_user(session))
        row = factories.make_evaluation(session, submission, verdict="platform_error")
    path = f"/api/v1/admin/evaluations/{row.id}/requeue"
    answer = client.post(path, headers=organizer, json=BECAUSE).json()
    assert answer["evaluation_id"] != row.id
    assert client.get(f"/api/v1/submissions/{submission.id}", headers=organizer).json()["status"] == "queued"
    assert client.post(path, headers=organizer, json=BECAUSE).status_code == 409


def test_what_ended_otherwise_is_not_requeued(
    client: TestClient, engine: Engine, organizer: dict[str, str], competition: Competition
) -> None:
    with transaction(engine) as session:
        submission = factories.make_submission(session, competition, factories.make_user(session))
        row = factories.make_evaluation(session, submission, verdict="time_limit")
    answer = client.post(f"/api/v1/admin/evaluations/{row.id}/requeue", headers=organizer, json=BECAUSE)
    assert answer.status_code == 409
    assert "rejudge" in answer.json()["detail"]


def test_the_author_reads_why_staff_cancelled(
    client: TestClient, engine: Engine, organizer: dict[str, str], competition: Competition
) -> None:
    with transaction(engine) as session:
        row = make_stuck(session, competition, "queued")
    answer = client.post(f"/api/v1/admin/evaluations/{row.id}/cancel", headers=organizer, json=BECAUSE)
    assert answer.json()["status"] == "finished"
    seen = client.get(f"/api/v1/submissions/{row.submission_id}").json()
    assert (seen["verdict"], seen["reason"]) == ("withdrawn", "cancelled by the organizers: a test of ours")


def test_a_node_shows_what_it_works_at(
    client: TestClient, engine: Engine, organizer: dict[str, str], competition: Competition
) -> None:
    with transaction(engine) as session:
        factories.make_node(session, "one")
        factories.make_node(session, "gone", last_seen_at=utc_now() - timedelta(days=8))
        row = make_stuck(session, competition)
        lease = {"state": "leased", "lease_until": utc_now() + timedelta(seconds=20), "worker": "one"}
        session.execute(update(Shard).where(Shard.evaluation_id == row.id).values(**lease))
    [node] = client.get("/api/v1/admin/nodes", headers=organizer).json()["items"]
    assert (node["name"], node["health"], node["is_draining"]) == ("one", "healthy", False)
    assert [shard["evaluation_id"] for shard in node["shards"]] == [row.id]


def test_a_node_says_for_which_competitions_its_class_was_calibrated(
    client: TestClient, engine: Engine, organizer: dict[str, str], competition: Competition
) -> None:
    with transaction(engine) as session:
        factories.make_node(session, "one")
        other = factories.make_competition(session, "letters-q")
        factories.make_competition(session, "past", state="archived")
        factories.make_competition(session, "never")
        for row, node_class in ((competition, "cpu"), (other, "gpu")):
            run = factories.make_submission(session, row, factories.make_user(session), purpose="calibration")
            ended = factories.make_evaluation(session, run, verdict="scored")
            values = {"spec_id": row.spec_id, "evaluation_id": ended.id, "seconds": {"wall": [1.0], "cpu": [1.0]}}
            session.add(Calibration(node_class=node_class, filename="retrain.py", **values))
    [node] = client.get("/api/v1/admin/nodes", headers=organizer).json()["items"]
    assert (node["calibrated_for"], node["not_calibrated_for"]) == (["digits-q"], ["letters-q", "never"])
    text = client.get("/admin/nodes", headers=organizer | {"Accept": "text/html"}).text
    assert "calibrated for digits-q" in text
    assert "not yet for letters-q, never" in text


def test_an_admin_drains_a_node_and_lets_it_work_again(
    client: TestClient, engine: Engine, admin: dict[str, str]
) -> None:
    with transaction(engine) as session:
        factories.make_node(session, "one")
    node = client.post("/api/v1/admin/nodes/one/drain", headers=admin, json=BECAUSE).json()
    assert (node["is_draining"], node["drain_reason"]) == (True, BECAUSE["reason"])
    assert client.post("/api/v1/admin/nodes/one/drain", headers=admin, json=BECAUSE).status_code == 409
    assert not client.post("/api/v1/admin/nodes/one/activate", headers=admin, json=BECAUSE).json()["is_draining"]
    actions = [item["action"] for item in client.get("/api/v1/admin/audit", headers=admin).json()["items"]]
    assert actions == ["node.activate", "node.drain"]


def test_costs_are_summed_by_day_and_team(
    client: TestClient, engine: Engine, organizer: dict[str, str], competition: Competition
) -> None:
    now = utc_now()
    with transaction(engine) as session:
        ann, bob = (factories.make_user(session, name) for name in ("ann", "bob"))
        for user, age, count in ((ann, 0, 3), (ann, 0, 2), (ann, 2, 1), (bob, 0, 1), (bob, 40, 9)):
            team = factories.find_or_make_team(session, competition, user)
            submission = factories.make_submission(session, competition, user, team_id=team.id)
            started = now - timedelta(days=age)
            row = factories.make_evaluation(session, submission, verdict="scored", started_at=started)
            factories.make_replicas(session, row, count)
    answer = client.get("/api/v1/admin/costs?competition=digits-q", headers=organizer).json()
    lines = [(line["day"], line["team"], line["evaluations"], line["cpu_seconds"]) for line in answer["items"]]
    today, before = (f"{now - timedelta(days=days):%Y-%m-%d}" for days in (0, 2))
    assert lines == [(today, "ann", 2, 10.0), (today, "bob", 1, 2.0), (before, "ann", 1, 2.0)]
    assert (answer["evaluations"], answer["replicas"], answer["wall_seconds"]) == (4, 7, 21.0)


def test_costs_of_a_competition_that_is_not_there_are_not_found(client: TestClient, organizer: dict[str, str]) -> None:
    assert client.get("/api/v1/admin/costs?competition=none", headers=organizer).status_code == 404
