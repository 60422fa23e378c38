"""A node reports itself, and a drained one claims nothing."""

import signal
from datetime import timedelta
from typing import Any

import pytest

from core.db.base import utc_now
from core.db.models.data_sets import DataSetVersion
from core.db.models.operations import Node
from core.db.models.problems import EvaluationSpec, PoolChunk, Problem
from core.db.queries import data_sets, nodes, outbox
from core.db.session import reading, transaction
from core.domain.promises import Finding, Promise, Trial, explain_refusal, parse_trials
from core.domain.submission import Status
from core.jobs import BUILD_CHUNK, PREVIEW, VALIDATE
from tests import factories
from tests.unit.worker.conftest import Platform, make_spec
from tests.unit.worker.jobs.test_shards import _fetch
from worker.jobs import node as node_module
from worker.jobs.checking import Checked
from worker.jobs.instance import give_name_back
from worker.jobs.node import NodeBeat
from worker.jobs.preparation import build_pool_chunk
from worker.jobs.preview import preview_problem
from worker.jobs.validation import validate_data_set


class Control:
    """Keeps what a worker would be told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def cancel_consumer(self, queue: str, destination: list[str]) -> None:
        self.told.append(("cancel", queue))

    def add_consumer(self, queue: str, destination: list[str]) -> None:
        self.told.append(("add", queue))


@pytest.fixture
def control(monkeypatch: pytest.MonkeyPatch) -> Control:
    control = Control()
    monkeypatch.setattr(node_module.celery_app, "control", control)
    return control


def fetch(platform: Platform) -> Node:
    with reading(platform.engine) as session:
        node = nodes.fetch_node(session, platform.context.settings.node_name)
    assert node is not None
    return node


def change(platform: Platform, **values: Any) -> None:
    with transaction(platform.engine) as session:
        node = nodes.lock_node(session, platform.context.settings.node_name)
        for name, value in values.items():
            setattr(node, name, value)


def make_beat(platform: Platform, **values: Any) -> NodeBeat:
    return NodeBeat(platform.context.settings, platform.engine, "celery@here", **values)


@pytest.mark.usefixtures("control")
def test_a_worker_registers_and_is_seen_again(platform: Platform) -> None:
    beat = make_beat(platform, sandbox="bubblewrap")
    beat.beat()
    assert (fetch(platform).sandbox, fetch(platform).node_class, fetch(platform).fault) == ("bubblewrap", "cpu", "")
    old = utc_now() - timedelta(minutes=1)
    change(platform, last_seen_at=old)
    beat.beat()
    assert fetch(platform).last_seen_at > old


@pytest.mark.usefixtures("control")
def test_processes_of_one_node_do_not_all_write(platform: Platform) -> None:
    make_beat(platform, sandbox="bubblewrap").beat()
    seen = fetch(platform).last_seen_at
    make_beat(platform, sandbox="docker").beat()
    assert (fetch(platform).last_seen_at, fetch(platform).sandbox) == (seen, "bubblewrap")


@pytest.mark.usefixtures("control")
def test_a_node_without_a_sandbox_says_why(platform: Platform) -> None:
    beat = make_beat(platform)
    beat.settings = beat.settings.model_copy(update={"sandbox": "none such"})
    beat.look_for_sandbox()
    beat.beat()
    assert "no sandbox is named" in fetch(platform).fault


@pytest.mark.usefixtures("control")
def test_a_node_that_refuses_work_says_which_promise_is_broken(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    trials = (Trial(Promise.NETWORK, Finding.BROKEN, "opened a socket of family 2"),)
    checked = Checked(platform.sandbox, "fake", trials, explain_refusal(trials, "fake", production=False), 0.0)  # type: ignore[arg-type]
    monkeypatch.setattr(node_module, "check_node", lambda _settings: checked)
    beat = make_beat(platform)
    beat.look_for_sandbox()
    beat.beat()
    row = fetch(platform)
    assert (row.sandbox, parse_trials(row.promises)) == ("", trials)
    assert "no network (opened a socket of family 2)" in row.fault


def test_a_node_at_fault_takes_no_shard_and_the_queue_says_why(platform: Platform) -> None:
    competition = platform.open_competition(make_spec())
    with transaction(platform.engine) as session:
        factories.make_node(session, platform.context.settings.node_name, fault="docker breaks a promise: no network")
    evaluation_id = platform.submit(competition)
    before = len(platform.sandbox.requests)
    platform.step()
    row = _fetch(platform, evaluation_id)
    assert (row.status, row.shards[0].attempts) == (Status.QUEUED, 0)
    assert "breaks a promise: no network" in row.shards[0].fault
    assert len(platform.sandbox.requests) == before
    change(platform, fault="")
    platform.run_until_quiet()
    assert _fetch(platform, evaluation_id).verdict == "scored"


def test_a_worker_stops_taking_messages_while_its_node_drains(platform: Platform, control: Control) -> None:
    beat = make_beat(platform)
    beat.beat()
    change(platform, draining_since=utc_now())
    beat.beat()
    beat.beat()
    assert control.told == [("cancel", "shards"), ("cancel", "pools")]
    change(platform, draining_since=None)
    beat.beat()
    assert control.told[2:] == [("add", "shards"), ("add", "pools")]


def test_a_drained_node_claims_no_shard_and_loses_none(platform: Platform) -> None:
    competition = platform.open_competition(make_spec())
    name = platform.context.settings.node_name
    with transaction(platform.engine) as session:
        factories.make_node(session, name, draining_since=utc_now())
    evaluation_id = platform.submit(competition)
    before = len(platform.sandbox.requests)
    assert [platform.step() for _ in range(3)] == [1, 1, 1]
    assert len(platform.sandbox.requests) == before
    evaluation = _fetch(platform, evaluation_id)
    assert (evaluation.status, evaluation.shards[0].attempts) == (Status.QUEUED, 0)
    change(platform, draining_since=None)
    platform.run_until_quiet()
    assert _fetch(platform, evaluation_id).verdict == "scored"


def test_a_drained_node_reads_no_upload_and_makes_no_preview(platform: Platform) -> None:
    with transaction(platform.engine) as session:
        factories.make_node(session, platform.context.settings.node_name, draining_since=utc_now())
        competition = factories.make_competition(session)
        problem_id = session.get_one(EvaluationSpec, competition.spec_id).problem_id
        version = data_sets.add_version(session, "faces", DataSetVersion(format="npz", created_by="adam"))
    validate_data_set(platform.context, version.id)
    preview_problem(platform.context, problem_id)
    with reading(platform.engine) as session:
        found = session.get_one(DataSetVersion, version.id)
        assert (found.state, found.attempts, session.get_one(Problem, problem_id).preview) == ("pending", 0, None)
        assert [row.task for row in outbox.fetch_unsent(session, utc_now())] == [VALIDATE, PREVIEW]


def test_a_drained_node_trains_no_pool(platform: Platform) -> None:
    with transaction(platform.engine) as session:
        factories.make_node(session, platform.context.settings.node_name, draining_since=utc_now())
        pool = factories.make_pool(session, factories.make_competition(session), done=0)
        chunk_id = session.query(PoolChunk.id).filter_by(pool_id=pool.id).first()[0]  # type: ignore[index]
    build_pool_chunk(platform.context, chunk_id)
    with reading(platform.engine) as session:
        assert session.get_one(PoolChunk, chunk_id).state == "pending"
        assert [row.task for row in outbox.fetch_unsent(session, utc_now())] == [BUILD_CHUNK]


@pytest.fixture
def signals(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(node_module.os, "kill", lambda process, number: sent.append((process, number)))
    monkeypatch.setattr(node_module, "PARENT", node_module.os.getppid())
    return sent


@pytest.mark.usefixtures("control")
def test_a_worker_that_wakes_and_finds_its_name_taken_ends_and_changes_nothing(
    platform: Platform, signals: list[tuple[int, int]]
) -> None:
    sleeper = make_beat(platform, instance="there pid:[1] 7 1")
    sleeper.beat()
    change(platform, instance="elsewhere pid:[2] 8 2")
    before = fetch(platform).last_seen_at
    change(platform, last_seen_at=before - timedelta(seconds=10))
    sleeper.beat()
    sleeper.beat()
    assert signals == [(node_module.PARENT, signal.SIGTERM)]
    row = fetch(platform)
    assert (row.instance, row.last_seen_at) == ("elsewhere pid:[2] 8 2", before - timedelta(seconds=10))


@pytest.mark.usefixtures("control")
def test_an_orphan_whose_name_is_taken_tells_nobody(
    platform: Platform, signals: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_module, "PARENT", -1)
    beat = make_beat(platform)
    beat.beat()
    change(platform, instance="elsewhere pid:[2] 8 2")
    beat.beat()
    assert signals == []


@pytest.mark.usefixtures("control")
def test_a_worker_that_was_told_to_end_reports_no_more(platform: Platform, signals: list[tuple[int, int]]) -> None:
    beat = make_beat(platform)
    beat.beat()
    give_name_back(platform.engine, platform.context.settings.node_name)
    before = fetch(platform).last_seen_at
    beat.beat()
    assert (fetch(platform).last_seen_at, signals) == (before, [])
    make_beat(platform, instance="elsewhere pid:[2] 8 2").beat()
    assert fetch(platform).instance == "elsewhere pid:[2] 8 2"
