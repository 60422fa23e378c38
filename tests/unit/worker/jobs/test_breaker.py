from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cli.here.processes import DEATHS_FORGIVEN
from core.db.base import utc_now
from core.db.models.contests import Competition
from core.db.models.operations import Node
from core.db.models.problems import EvaluationSpec, PoolChunk
from core.db.models.submissions import Evaluation, Shard
from core.db.queries import competitions, evaluations, leases, outbox
from core.db.session import reading, transaction
from core.domain.errors import PlatformFault, StoreUnavailable
from core.domain.fleet import REMOTE
from core.domain.submission import Status, Verdict
from core.domain.work import FIRST_REST, LONGEST_REST, SCORE_TRIES, STRIKES, WorkState, find_rest
from core.jobs import BUILD_CHUNK
from core.registration import register_competition
from tests import factories
from tests.unit.worker.conftest import HONEST, FakeSandbox, Platform, make_spec
from worker.jobs import preparation, reminders, scores
from worker.jobs.breaker import LEFT_TO_OTHERS, MOST_LOSSES, MOST_TRIES, has_other_node
from worker.jobs.context import WorkerContext
from worker.jobs.reminders import remind
from worker.jobs.sweep import sweep

AddNode = Callable[[str], Platform]


@pytest.fixture
def add_node(platform: Platform) -> AddNode:
    """A node with a sandbox of its own on the same database, store and broker."""

    def add(name: str) -> Platform:
        with transaction(platform.engine) as session:
            factories.make_node(session, name, node_class=platform.context.settings.node_class)
        settings = platform.context.settings.model_copy(update={"node_name": name})
        sandbox = FakeSandbox(name)
        return replace(platform, context=replace(platform.context, settings=settings, sandbox=sandbox), sandbox=sandbox)

    return add


def fetch(platform: Platform, evaluation_id: str) -> Evaluation:
    with reading(platform.engine) as session:
        found = evaluations.fetch_evaluation(session, evaluation_id)
    assert found is not None
    return found


def fetch_node(platform: Platform, name: str) -> Node:
    with reading(platform.engine) as session:
        found = session.get(Node, name)
    assert found is not None
    return found


def end_rest(platform: Platform, name: str) -> None:
    """As if its time were over."""
    with transaction(platform.engine) as session:
        row = session.get(Node, name)
        assert row is not None
        row.resting_until = None


def test_a_node_rests_longer_each_time_but_not_for_ever() -> None:
    rests = [find_rest(strikes) for strikes in range(STRIKES, STRIKES + 50)]
    assert [find_rest(strikes) for strikes in range(STRIKES)] == [None] * STRIKES
    assert rests[:3] == [FIRST_REST, 2 * FIRST_REST, 4 * FIRST_REST]
    assert rests == sorted(rests, key=lambda rest: rest or timedelta(0))
    assert rests[-1] == LONGEST_REST


def test_a_black_hole_beside_a_good_node_costs_no_evaluation_an_attempt(
    platform: Platform, add_node: AddNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.domain.work.FIRST_REST", LONGEST_REST)  # not over before this test, on any machine
    competition = platform.open_competition(make_spec())
    sick, good = add_node("sick"), add_node("good")
    sick.sandbox.sandbox_error = "CUDA error"
    ids = [platform.submit(competition, f"# {number}\n".encode() + HONEST) for number in range(5)]
    for _ in range(40):  # the sick one is always first at the queue
        if sick.take_one():
            good.take_one()
    assert len(sick.sandbox.requests) == STRIKES  # then it rests
    good.run_until_quiet()
    found = [fetch(platform, each) for each in ids]
    assert [each.verdict for each in found] == [Verdict.SCORED] * 5
    assert max(shard.failures for each in found for shard in each.shards) <= 1
    assert fetch_node(platform, "sick").rest_reason == "CUDA error"


def test_a_shard_that_failed_on_a_node_waits_for_another_and_says_so(platform: Platform, add_node: AddNode) -> None:
    competition = platform.open_competition(make_spec())
    sick, good = add_node("sick"), add_node("good")
    sick.sandbox.sandbox_error = "CUDA error"
    evaluation_id = platform.submit(competition)
    sick.step()
    sick.step()
    [canary] = fetch(platform, evaluation_id).shards
    assert (canary.failures, canary.failed_on) == (1, ["sick"])
    assert canary.fault == "failed on sick and waits for another node"
    good.run_until_quiet()
    assert fetch(platform, evaluation_id).verdict == Verdict.SCORED


def test_a_node_alone_gives_nothing_up_and_goes_on_when_it_recovers(platform: Platform, add_node: AddNode) -> None:
    competition = platform.open_competition(make_spec())
    alone = add_node("alone")
    alone.sandbox.sandbox_error = "the engine is away"
    evaluation_id = platform.submit(competition)
    for _ in range(STRIKES + 3):
        alone.step()
    assert len(alone.sandbox.requests) == STRIKES
    [canary] = fetch(platform, evaluation_id).shards
    assert canary.failures == 1
    assert canary.fault == "waits until alone has rested: it failed 3 times in a row (the engine is away)"
    alone.sandbox.sandbox_error = ""
    end_rest(platform, "alone")
    alone.run_until_quiet()
    assert fetch(platform, evaluation_id).verdict == Verdict.SCORED
    assert fetch_node(platform, "alone").strikes == 0


def test_a_shard_that_fails_where_others_succeed_is_given_up(platform: Platform, add_node: AddNode) -> None:
    competition = platform.open_competition(make_spec())
    alone = add_node("alone")
    poison = platform.submit(competition, b"# poison\n" + HONEST)
    for number in range(3):
        alone.sandbox.sandbox_error = "it takes the box with it"
        alone.step()
        alone.sandbox.sandbox_error = ""
        messages = alone.drop_messages()
        other = platform.submit(competition, f"# {number}\n".encode() + HONEST)
        alone.run_until_quiet()
        assert fetch(platform, other).verdict == Verdict.SCORED
        with transaction(platform.engine) as session:
            for task, object_id in messages:
                outbox.store_message(session, task, object_id)
    assert fetch(platform, poison).verdict == Verdict.PLATFORM_ERROR
    assert "failed 3 times" in fetch(platform, poison).reason


def test_a_shard_alone_on_a_node_alone_is_given_up_in_the_end(platform: Platform, add_node: AddNode) -> None:
    competition = platform.open_competition(make_spec())
    alone = add_node("alone")
    alone.sandbox.sandbox_error = "no"
    evaluation_id = platform.submit(competition)
    for _ in range(MOST_TRIES):
        assert fetch(platform, evaluation_id).status != Status.FINISHED
        end_rest(platform, "alone")
        alone.step()
    assert fetch(platform, evaluation_id).verdict == Verdict.PLATFORM_ERROR


def test_three_nodes_that_fail_are_enough(platform: Platform, add_node: AddNode) -> None:
    competition = platform.open_competition(make_spec())
    nodes = [add_node(name) for name in ("a", "b", "c")]
    evaluation_id = platform.submit(competition)
    for node in nodes:
        node.sandbox.sandbox_error = "no"
        assert fetch(platform, evaluation_id).status != Status.FINISHED
        node.step()
    assert fetch(platform, evaluation_id).verdict == Verdict.PLATFORM_ERROR


def lose_worker(node: Platform, evaluation_id: str) -> None:
    """It claimed the only shard, was killed, and the janitor found its lease past."""
    [shard] = fetch(node, evaluation_id).shards
    now, name = utc_now(), node.context.settings.node_name
    with transaction(node.engine) as session:
        assert leases.claim(session, Shard, shard.id, worker=name, now=now, until=now - timedelta(seconds=1))
    end_rest(node, name)
    sweep(node.context)


def test_workers_lost_on_one_node_by_chance_end_no_evaluation(platform: Platform, add_node: AddNode) -> None:
    competition = platform.open_competition(make_spec())
    alone = add_node("alone")
    evaluation_id = platform.submit(competition)
    for number in range(MOST_LOSSES - 1):
        alone.drop_messages()
        lose_worker(alone, evaluation_id)
        with transaction(alone.engine) as session:  # others end well meanwhile
            session.get_one(Node, "alone").succeeded_at = utc_now() + timedelta(seconds=number + 1)
    [canary] = fetch(platform, evaluation_id).shards
    assert (canary.failures, canary.losses, canary.failed_on) == (1, MOST_LOSSES - 1, ["alone"])
    alone.run_until_quiet()
    assert fetch(platform, evaluation_id).verdict == Verdict.SCORED


def test_a_worker_lost_on_one_node_leaves_the_shard_to_another(platform: Platform, add_node: AddNode) -> None:
    competition = platform.open_competition(make_spec())
    unlucky, other = add_node("unlucky"), add_node("other")
    evaluation_id = platform.submit(competition)
    unlucky.drop_messages()
    lose_worker(unlucky, evaluation_id)
    unlucky.step()
    [canary] = fetch(platform, evaluation_id).shards
    assert (canary.state, canary.fault) == (WorkState.PENDING, "failed on unlucky and waits for another node")
    other.run_until_quiet()
    assert fetch(platform, evaluation_id).verdict == Verdict.SCORED


def test_a_file_that_takes_every_worker_with_it_ends(platform: Platform, add_node: AddNode) -> None:
    """On a node alone too, and before `lacuna up` has lost so many of its workers that it ends."""
    competition = platform.open_competition(make_spec())
    alone = add_node("alone")
    evaluation_id = platform.submit(competition)
    for _ in range(MOST_LOSSES):
        assert fetch(platform, evaluation_id).status != Status.FINISHED
        alone.drop_messages()
        lose_worker(alone, evaluation_id)
    found = fetch(platform, evaluation_id)
    assert (found.verdict, found.reason) == (Verdict.PLATFORM_ERROR, "the platform lost 5 workers at one shard")
    assert found.refunded
    assert MOST_LOSSES <= DEATHS_FORGIVEN


def test_three_nodes_that_are_lost_under_a_shard_are_enough(platform: Platform, add_node: AddNode) -> None:
    competition = platform.open_competition(make_spec())
    nodes = [add_node(name) for name in ("a", "b", "c")]
    evaluation_id = platform.submit(competition)
    for node in nodes:
        assert fetch(platform, evaluation_id).status != Status.FINISHED
        lose_worker(node, evaluation_id)
    assert fetch(platform, evaluation_id).verdict == Verdict.PLATFORM_ERROR


def test_a_node_that_rests_is_left_alone_by_the_shards_of_others(platform: Platform, add_node: AddNode) -> None:
    competition = platform.open_competition(make_spec())
    alone = add_node("alone")
    with transaction(platform.engine) as session:
        row = session.get(Node, "alone")
        assert row is not None
        row.resting_until, row.strikes = utc_now() + LONGEST_REST, STRIKES
    evaluation_id = platform.submit(competition)
    alone.step()
    assert alone.sandbox.requests == []
    assert fetch(platform, evaluation_id).status == Status.QUEUED


def test_a_score_that_failed_on_a_node_is_left_to_another(
    platform: Platform, add_node: AddNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    competition = platform.open_competition(make_spec())
    sick, good = add_node("sick"), add_node("good")
    compute = scores.compute_score

    def fail_on_sick(*args: Any, **options: Any) -> object:
        if runs_on[-1] is sick:
            raise MemoryError("sick")
        return compute(*args, **options)

    monkeypatch.setattr(scores, "compute_score", fail_on_sick)
    runs_on = [good]
    evaluation_id = platform.submit(competition, HONEST)
    while fetch(platform, evaluation_id).status != Status.SCORING:
        assert good.step()
    for _ in range(SCORE_TRIES + 5):  # the sick one is always first
        runs_on.append(sick)
        scores.score_evaluation(sick.context, evaluation_id)
        with transaction(platform.engine) as session:
            session.get_one(Evaluation, evaluation_id).scoring_until = None  # as if its pause were over
    row = fetch(platform, evaluation_id)
    assert (row.status, row.score_attempts, row.score_failed_on) == (Status.SCORING, 1, ["sick"])
    assert row.score_fault == "waits for another node than sick, which failed"
    wait_in_vain(platform, Evaluation, evaluation_id)
    scores.score_evaluation(sick.context, evaluation_id)
    assert fetch(platform, evaluation_id).score_attempts == 2
    with transaction(platform.engine) as session:
        session.get_one(Evaluation, evaluation_id).scoring_until = None
    runs_on.append(good)
    scores.score_evaluation(good.context, evaluation_id)
    assert fetch(platform, evaluation_id).verdict == Verdict.SCORED


def test_a_chunk_is_trained_beside_a_black_hole_and_lost_workers(
    platform: Platform, add_node: AddNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    sick, good = add_node("sick"), add_node("good")
    make = preparation._make_chunk

    def fail_on_sick(context: WorkerContext, *rest: Any) -> None:
        if context is sick.context:
            raise RuntimeError("CUDA error")
        make(context, *rest)

    monkeypatch.setattr(preparation, "_make_chunk", fail_on_sick)
    with transaction(platform.engine) as session:
        register_competition(session, make_spec())
    good.step()  # the plan of the pools
    for _ in range(10):  # the sick one is always first
        for task, chunk_id in sick.drop_messages():
            assert task == BUILD_CHUNK
            lose_a_worker(platform, chunk_id)
            preparation.build_pool_chunk(sick.context, chunk_id)
    with reading(platform.engine) as session:
        chunks = session.query(PoolChunk).all()
        assert {(chunk.state, chunk.failures, *chunk.failed_on) for chunk in chunks} == {("pending", 0, "sick")}
        assert {chunk.fault for chunk in chunks} == {"failed on sick and waits for another node"}
    wait_in_vain(platform, PoolChunk, chunks[0].id)
    preparation.build_pool_chunk(sick.context, chunks[0].id)
    with reading(platform.engine) as session:
        assert session.get_one(PoolChunk, chunks[0].id).failures == 1
    for _, chunk_id in good.drop_messages():
        preparation.build_pool_chunk(good.context, chunk_id)
    with reading(platform.engine) as session:
        assert {(chunk.state, chunk.fault) for chunk in session.query(PoolChunk).all()} == {("done", "")}


def wait_in_vain(platform: Platform, model: type[Evaluation | PoolChunk], row_id: str) -> None:
    """As if the other node took nothing from that queue."""
    with transaction(platform.engine) as session:
        row, since = session.get_one(model, row_id), utc_now() - LEFT_TO_OTHERS
        if isinstance(row, Evaluation):
            row.scoring_since = since
        else:
            row.claimed_at = since


def lose_a_worker(platform: Platform, chunk_id: str) -> None:
    """It claimed the chunk and was killed."""
    now = utc_now()
    with transaction(platform.engine) as session:
        leases.claim(session, PoolChunk, chunk_id, worker="gone", now=now, until=now)
        leases.release_expired(session, PoolChunk, chunk_id, now + timedelta(seconds=1))


def test_a_chunk_that_takes_every_worker_with_it_is_given_up_and_said(platform: Platform) -> None:
    with transaction(platform.engine) as session:
        competition = register_competition(session, make_spec())
    platform.step()  # the plan of the pools
    ((_, chunk_id), *_) = platform.drop_messages()
    for tries in range(1, MOST_TRIES + 1):
        now = utc_now()
        with transaction(platform.engine) as session:
            assert leases.claim(session, PoolChunk, chunk_id, worker="n", now=now, until=now - timedelta(seconds=1))
        sweep(platform.context)
        with reading(platform.engine) as session:
            chunk = session.get_one(PoolChunk, chunk_id)
        assert chunk.state == (WorkState.PENDING if tries < MOST_TRIES else WorkState.ABANDONED)
    with reading(platform.engine) as session:
        found = session.get_one(Competition, competition.id)
    assert f"its worker was lost, after {MOST_TRIES} tries" in found.fault


def test_pools_wait_for_a_store_that_is_away(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise StoreUnavailable("the store is not there")

    with transaction(platform.engine) as session:
        competition = register_competition(session, make_spec())
    monkeypatch.setattr(reminders, "read_messages", lambda _url, _queues: set())
    monkeypatch.setattr(preparation, "_make_chunk", fail)
    with monkeypatch.context() as patch:
        patch.setattr(preparation, "load_stored", fail)
        platform.step()
    assert remind(platform.context) == 1  # of the problem
    for _ in range(platform.context.settings.max_attempts + 1):
        platform.step()
    with reading(platform.engine) as session:
        assert {(chunk.state, chunk.failures) for chunk in session.query(PoolChunk).all()} == {("pending", 0)}
        assert session.get_one(Competition, competition.id).fault == ""


def test_a_node_without_a_sandbox_blames_no_problem_while_another_can_load_it(
    platform: Platform, add_node: AddNode
) -> None:
    with transaction(platform.engine) as session:
        competition = register_competition(session, make_spec())
        problem_id = session.get_one(EvaluationSpec, competition.spec_id).problem_id
    settings, fault = platform.context.settings, PlatformFault("no container engine")

    def report() -> str:
        preparation.report_obstacle(platform.engine, settings, problem_id, fault)
        with reading(platform.engine) as session:
            found = competitions.fetch_competition(session, make_spec().slug)
        assert found is not None
        return found.fault

    add_node("good")
    assert report() == ""
    with transaction(platform.engine) as session:
        session.get_one(Node, "good").fault = "no container engine"
    assert report() == "no container engine"


def test_a_node_that_came_with_a_key_is_no_other_one_for_scores_and_chunks(platform: Platform) -> None:
    with transaction(platform.engine) as session:
        factories.make_node(session, "far", instance=f"{REMOTE}{'a' * 32} 0 0")
        assert has_other_node(session, ["node-1"], utc_now())
        assert not has_other_node(session, ["node-1"], utc_now(), for_shards=False)
        factories.make_node(session, "near")
        assert has_other_node(session, ["node-1"], utc_now(), for_shards=False)
