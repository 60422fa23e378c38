from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from core.db.base import utc_now
from core.db.models.operations import Node
from core.db.models.submissions import Evaluation
from core.db.queries import evaluations, outbox
from core.db.session import reading, transaction
from core.domain.submission import Status, Verdict
from core.domain.work import FIRST_REST, LONGEST_REST, STRIKES, find_rest
from tests import factories
from tests.unit.worker.conftest import HONEST, FakeSandbox, Platform, make_spec
from worker.jobs.breaker import MOST_TRIES

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


def test_a_black_hole_beside_a_good_node_costs_no_evaluation_an_attempt(platform: Platform, add_node: AddNode) -> None:
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
