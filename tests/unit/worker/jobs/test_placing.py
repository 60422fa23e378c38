"""Nodes of two classes on one queue: an entry's cost is compared with retraining on the class that ran it."""

from dataclasses import replace

import pytest

from api.deps import Caller
from api.operations import service
from core.db.models.submissions import Calibration, Evaluation, Scorecard, Shard
from core.db.queries import competitions, data_sets, evaluations
from core.db.session import reading, transaction
from core.domain.access import Role
from core.domain.errors import Conflict
from core.domain.submission import Status, Verdict
from core.lifecycle import request_cancel
from tests.hidden_problems import expose
from tests.unit.worker.conftest import Platform, make_spec
from worker.jobs import placing

OPERATOR = Caller("o", "o", Role.ADMIN)


@pytest.fixture
def other(platform: Platform) -> Platform:
    """A node of another class on the same database, four times as fast."""
    settings = platform.context.settings.model_copy(update={"node_class": "fast", "node_name": "fast-1"})
    return replace(platform, context=replace(platform.context, settings=settings))


def fetch(platform: Platform, evaluation_id: str) -> Evaluation:
    with reading(platform.engine) as session:
        row = evaluations.fetch_evaluation(session, evaluation_id)
    assert row is not None
    return row


def list_calibrated(platform: Platform) -> list[tuple[str, str]]:
    with reading(platform.engine) as session:
        return sorted((row.node_class, row.filename) for row in session.query(Calibration))


@pytest.mark.parametrize(
    ("production", "allowed", "runs"), [(True, False, False), (True, True, True), (False, False, True)]
)
def test_a_hidden_problem_waits_for_boxes_that_forget(
    platform: Platform, production: bool, allowed: bool, runs: bool
) -> None:
    competition = platform.open_competition(expose(make_spec(), "public"))
    entry = platform.submit(competition)
    settings = platform.context.settings.model_copy(update={"production": production, "allow_channels": allowed})
    loud = replace(platform, context=replace(platform.context, settings=settings, is_quiet=False))
    loud.step()
    row = fetch(platform, entry)
    assert (row.shards[0].attempts > 0) is runs
    assert ("forget what a replica looked up" in row.shards[0].fault) is not runs
    platform.run_until_quiet()
    assert fetch(platform, entry).verdict == Verdict.SCORED


def test_a_class_that_was_never_calibrated_is_before_anything_runs_there(platform: Platform, other: Platform) -> None:
    competition = platform.open_competition(make_spec())
    assert [name for name, _ in list_calibrated(platform)] == ["cpu"]
    entry = platform.submit(competition)
    other.step()
    row = fetch(other, entry)
    assert (row.status, row.node_class, row.shards[0].attempts, row.shards[0].state) == ("queued", "", 0, "pending")
    assert "is being measured" in row.shards[0].fault
    other.run_until_quiet()
    assert list_calibrated(other) == [(name, "retrain.py") for name in ("cpu", "fast")]
    row = fetch(other, entry)
    assert (row.verdict, row.node_class) == (Verdict.SCORED, "fast")
    assert all(shard.attempts == 1 and shard.fault == "" for shard in row.shards)
    with reading(other.engine) as session:
        provenance = session.get_one(Scorecard, entry).record.provenance
        runs = {session.get_one(Evaluation, each).node_class for each in provenance.calibrations}
    assert (provenance.node_class, runs) == ("fast", {"fast"})


def test_what_began_on_one_class_ends_there_and_is_scored_by_its_cost_wherever_that_happens(
    platform: Platform, other: Platform
) -> None:
    competition = platform.open_competition(make_spec())
    entry = platform.submit(competition)
    platform.step()  # the canary
    for _ in range(3):
        other.step()
    row = fetch(other, entry)
    assert (row.status, [shard.attempts for shard in row.shards]) == (Status.RUNNING, [1, 0, 0])
    assert row.shards[1].fault == "waits for a node of class cpu, on which it was begun"
    assert {name for name, _ in list_calibrated(platform)} == {"cpu"}
    platform.step()
    assert fetch(platform, entry).status == Status.SCORING
    other.step()
    row = fetch(other, entry)
    assert (row.verdict, row.relative_runtime) == (Verdict.SCORED, pytest.approx(0.01))
    with reading(other.engine) as session:
        assert session.get_one(Scorecard, entry).record.provenance.node_class == "cpu"


def test_both_halves_of_a_calibration_run_on_one_class(platform: Platform, other: Platform) -> None:
    competition = platform.open_competition(make_spec(calibration_replicas=4))
    platform.submit(competition)
    other.step()  # writes the calibration of its class down
    platform.step()
    with reading(platform.engine) as session:
        waiting = session.query(Shard).join(Evaluation).filter(Evaluation.node_class == "fast").all()
        assert len(waiting) == 2
        assert {(shard.state, shard.attempts) for shard in waiting} == {("pending", 0)}
    assert {name for name, _ in list_calibrated(platform)} == {"cpu"}


def test_a_class_that_cannot_be_calibrated_says_so_once_and_leaves_the_entry_to_others(
    platform: Platform, other: Platform
) -> None:
    competition = platform.open_competition(make_spec())
    entry = platform.submit(competition)
    other.step()
    with transaction(other.engine) as session:
        runs = session.query(Evaluation).filter_by(node_class="fast").all()
        for run in runs:
            locked = evaluations.lock_evaluation(session, run.id)
            assert locked is not None
            evaluations.move(session, locked, Status.FINISHED, verdict=Verdict.PLATFORM_ERROR, reason="no sandbox")
    for _ in range(2):
        other.step()
    row = fetch(other, entry)
    fault = row.shards[0].fault
    assert fault.endswith("is requeued: retraining could not be measured on class fast: no sandbox")
    assert row.shards[0].attempts == 0
    with reading(other.engine) as session:
        assert session.query(Evaluation).filter_by(node_class="fast").count() == len(runs)
    with transaction(other.engine) as session:
        for run in runs:
            again = service.requeue_evaluation(session, run.id, "there is a sandbox now", OPERATOR)
            assert again.evaluation_id != run.id
    other.run_until_quiet()
    assert (fetch(other, entry).verdict, fetch(other, entry).node_class) == (Verdict.SCORED, "fast")


def test_a_calibration_that_was_cancelled_is_begun_again(platform: Platform, other: Platform) -> None:
    competition = platform.open_competition(make_spec())
    entry = platform.submit(competition)
    other.step()
    with transaction(other.engine) as session:
        for run in session.query(Evaluation).filter_by(node_class="fast").all():
            request_cancel(session, run.id)
    other.run_until_quiet()
    assert (fetch(other, entry).verdict, fetch(other, entry).node_class) == (Verdict.SCORED, "fast")


def test_a_calibration_from_before_classes_were_kept_is_not_begun_twice(platform: Platform) -> None:
    competition = platform.open_competition(make_spec())
    with transaction(platform.engine) as session:
        for run in session.query(Evaluation).all():
            run.node_class = ""
        runs = competitions.fetch_calibration_runs(session, competition.spec_id, "cpu")
        assert [run.submission.filename for run in runs] == ["retrain.py"]


def test_on_revoked_data_no_class_is_measured_and_no_entry_is_lost(
    platform: Platform, other: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    competition = platform.open_competition(make_spec())
    entry = platform.submit(competition)
    monkeypatch.setattr(data_sets, "is_revoked", lambda *_: True)
    for _ in range(2):
        assert other.step() == 1
    row = fetch(other, entry)
    assert row.shards[0].fault.endswith("on revoked data class fast is not measured any more")
    assert (row.shards[0].attempts, {name for name, _ in list_calibrated(other)}) == (0, {"cpu"})
    platform.run_until_quiet()  # what was begun before is finished
    assert fetch(platform, entry).verdict == Verdict.SCORED


def test_a_shard_whose_class_cannot_be_asked_about_waits_and_says_why(
    platform: Platform, other: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    competition = platform.open_competition(make_spec())
    entry = platform.submit(competition)

    def refuse(*_: object) -> None:
        raise Conflict("its pools are retired")

    monkeypatch.setattr(placing, "start_calibration", refuse)
    for _ in range(2):
        assert other.step() == 1
    shard = fetch(other, entry).shards[0]
    assert (shard.fault, shard.state, shard.attempts) == ("its pools are retired", "pending", 0)
    platform.run_until_quiet()
    assert fetch(platform, entry).verdict == Verdict.SCORED
