"""The store is away, or full, for a while: what needs it waits and goes on, and nobody's entry pays for it."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from core.db.base import utc_now
from core.db.models.operations import Node
from core.db.models.submissions import Evaluation
from core.db.queries import evaluations, waiting
from core.db.session import reading, transaction
from core.domain.errors import StoreUnavailable
from core.domain.submission import Status, Verdict
from core.domain.waiting import UNTOLD_AFTER
from core.domain.work import SCORE_TRIES, find_pause
from core.lifecycle import requeue
from tests import factories
from tests.unit.worker.conftest import Platform, make_spec


@pytest.fixture
def move_store(platform: Platform) -> Callable[[], None]:
    """Take the store's folder away, or bring it back."""
    here = platform.context.settings.store_folder
    there = here.with_name("elsewhere")

    def move() -> None:
        source, target = (here, there) if here.exists() else (there, here)
        source.rename(target)

    return move


def fetch(platform: Platform, evaluation_id: str) -> Evaluation:
    with reading(platform.engine) as session:
        found = evaluations.fetch_evaluation(session, evaluation_id)
    assert found is not None
    return found


def run_to_scoring(platform: Platform) -> str:
    evaluation_id = platform.submit(platform.open_competition(make_spec()))
    while fetch(platform, evaluation_id).status != Status.SCORING:
        platform.step()
    return evaluation_id


def test_pauses_grow_and_last_some_minutes_together() -> None:
    pauses = [find_pause(failures) for failures in range(1, SCORE_TRIES)]
    assert pauses == sorted(pauses)
    assert timedelta(minutes=2) < sum(pauses, timedelta(0)) < timedelta(minutes=10)


def test_a_score_waits_for_the_store_and_is_the_same_afterwards(
    platform: Platform, move_store: Callable[[], None]
) -> None:
    evaluation_id = run_to_scoring(platform)
    move_store()
    for attempts in (1, 2):
        before = utc_now()
        platform.run_until_quiet()
        row = fetch(platform, evaluation_id)
        assert (row.status, row.score_attempts) == (Status.SCORING, attempts)
        assert row.scoring_until is not None
        assert row.scoring_until >= before + find_pause(attempts)
        with transaction(platform.engine) as session:
            locked = evaluations.lock_evaluation(session, evaluation_id)
            assert locked is not None
            requeue(session, locked)  # ends the pause
            locked.score_attempts = attempts
    move_store()
    platform.run_until_quiet()
    row = fetch(platform, evaluation_id)
    assert (row.verdict, row.score_fault) == (Verdict.SCORED, "")


def test_whoever_asks_during_a_pause_is_told_the_fault(platform: Platform, move_store: Callable[[], None]) -> None:
    evaluation_id = run_to_scoring(platform)
    move_store()
    platform.run_until_quiet()
    row = fetch(platform, evaluation_id)
    with transaction(platform.engine) as session:
        seen = utc_now() + UNTOLD_AFTER
        factories.make_node(session, "a", node_class=platform.context.settings.node_class, last_seen_at=seen)
    row.scoring_until = utc_now() + 2 * UNTOLD_AFTER
    with reading(platform.engine) as session:
        wait = waiting.find_wait(session, row, utc_now() + UNTOLD_AFTER)
    assert wait is not None
    assert "is not there" in wait.staff


def test_a_score_that_fails_for_minutes_ends_as_our_error(platform: Platform, move_store: Callable[[], None]) -> None:
    evaluation_id = run_to_scoring(platform)
    move_store()
    platform.run_without_pauses(evaluation_id)
    row = fetch(platform, evaluation_id)
    assert (row.verdict, row.score_attempts) == (Verdict.PLATFORM_ERROR, SCORE_TRIES)
    assert "is not there" in row.reason


def test_no_shard_is_charged_with_a_store_that_is_away(platform: Platform, move_store: Callable[[], None]) -> None:
    evaluation_id = platform.submit(platform.open_competition(make_spec()))
    requests = len(platform.sandbox.requests)
    name = platform.context.settings.node_name
    with transaction(platform.engine) as session:
        factories.make_node(session, name, node_class=platform.context.settings.node_class)
    move_store()
    for _ in range(5):
        platform.step()
    [canary] = fetch(platform, evaluation_id).shards
    assert (canary.failures, canary.failed_on) == (0, [])
    assert "is not there" in canary.fault
    assert len(platform.sandbox.requests) == requests  # nothing ran for nothing
    with transaction(platform.engine) as session:
        node = session.get(Node, name)
        assert node is not None
        assert node.resting_until is not None
        node.resting_until = None
    move_store()
    platform.run_until_quiet()
    assert fetch(platform, evaluation_id).verdict == Verdict.SCORED


def test_a_store_that_is_full_when_a_shard_ends_costs_the_entry_nothing(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluation_id = platform.submit(platform.open_competition(make_spec()))

    def refuse(_data: bytes) -> str:
        raise StoreUnavailable("cannot write to the store: No space left on device")

    with monkeypatch.context() as full:
        full.setattr(platform.context.store, "put", refuse)
        platform.step()
    [canary] = fetch(platform, evaluation_id).shards
    assert (canary.state, canary.failures) == ("pending", 0)
    platform.run_until_quiet()
    assert fetch(platform, evaluation_id).verdict == Verdict.SCORED
