"""A worker's turn goes to the team that has had least, whatever message brought it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from core.db.base import utc_now
from core.db.models.accounts import User
from core.db.models.contests import Competition
from core.db.models.rejudges import Rejudge
from core.db.models.submissions import Evaluation, Shard
from core.db.queries import leases
from core.db.queries.shares import fetch_turns
from core.db.session import reading, transaction
from core.domain.rejudge import RejudgeState
from core.domain.submission import Hold, Status, Verdict
from core.domain.work import WorkState
from core.jobs import RUN_SHARD
from tests import factories
from tests.database import make_database
from tests.unit.worker.conftest import Platform, make_spec
from worker.jobs.shares import take_turn

START = datetime(2030, 1, 1, tzinfo=UTC)
LATER = timedelta(hours=1)
AFTER_CANARY = 2  # shards of each entry, besides its canary


@dataclass
class Queue:
    """Workers that take a second for each shard; a canary brings the other shards of its entry."""

    engine: Engine
    now: datetime = START
    held: list[tuple[str, int]] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)  # evaluations, a shard each

    def submit(self, competition: Competition, user: User, how_many: int = 1) -> list[str]:
        with transaction(self.engine) as session:
            rows = [
                factories.make_evaluation(session, factories.make_submission(session, competition, user))
                for _ in range(how_many)
            ]
            return [row.id for row in rows]

    def take(self) -> bool:
        with transaction(self.engine) as session:
            found = fetch_turns(session, "cpu", self.now, limit=1)
            if not found:
                return False
            [shard_id] = found
            fence = leases.claim(session, Shard, shard_id, worker="w", now=self.now, until=self.now + LATER)
            shard = session.get_one(Shard, shard_id)
            self._move(session.get_one(Evaluation, shard.evaluation_id), Status.CANARY)
            self.held.append((shard_id, fence))
            self.taken.append(shard.evaluation_id)
        return True

    def end_one(self) -> None:
        """Of those that are worked at, the one that was begun first."""
        self.now += timedelta(seconds=1)
        shard_id, fence = self.held.pop(0)
        with transaction(self.engine) as session:
            assert leases.settle(session, Shard, shard_id, fence, state=WorkState.DONE)
            shard = session.get_one(Shard, shard_id)
            if shard.position == 0:
                for place in range(1, AFTER_CANARY + 1):
                    session.add(Shard(evaluation_id=shard.evaluation_id, position=place, first=8 * place, count=8))

    def run(self, workers: int, until: Callable[[], bool]) -> None:
        while not until():
            while len(self.held) < workers and self.take():
                pass
            self.end_one()

    @staticmethod
    def _move(row: Evaluation, status: Status) -> None:
        if row.status == Status.QUEUED:
            row.status = status


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    return Queue(make_database(tmp_path))


@pytest.fixture
def competition(queue: Queue) -> Competition:
    with transaction(queue.engine) as session:
        return factories.make_competition(session, "digits")


@pytest.fixture
def users(queue: Queue) -> list[User]:
    with transaction(queue.engine) as session:
        return [factories.make_user(session) for _ in range(5)]


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_a_hundred_entries_hold_up_a_single_one_by_no_more_than_what_runs(
    queue: Queue, competition: Competition, users: list[User], workers: int
) -> None:
    queue.submit(competition, users[0], 100)
    queue.run(workers, lambda: len(queue.taken) >= 10)
    [only] = queue.submit(competition, users[1])
    before = len(queue.taken)
    queue.run(workers, lambda: queue.taken.count(only) == 1 + AFTER_CANARY)
    others = [each for each in queue.taken[before:] if each != only]
    # while its canary runs the other workers have nothing else to do; besides that, not one shard comes between
    assert queue.taken[before] == only
    assert len(others) <= 2 * workers


def test_the_first_entry_ends_before_the_last_one_begins(
    queue: Queue, competition: Competition, users: list[User]
) -> None:
    first, *others = queue.submit(competition, users[0], 20)
    queue.run(2, lambda: queue.taken.count(first) == 1 + AFTER_CANARY)
    assert len(set(queue.taken) & set(others)) <= 2


def test_many_teams_share_alike(queue: Queue, competition: Competition, users: list[User]) -> None:
    entries = [queue.submit(competition, user, 10) for user in users]
    queue.run(3, lambda: len(queue.taken) >= 50)
    counts = [sum(each in ours for each in queue.taken) for ours in entries]
    assert sum(counts) >= 50
    assert max(counts) - min(counts) <= 2


def test_what_waits_for_something_else_has_no_turn(queue: Queue, competition: Competition, users: list[User]) -> None:
    faulty, held, elsewhere, leased, ended, free = queue.submit(competition, users[0], 6)
    with transaction(queue.engine) as session:
        rows = {each: session.get_one(Evaluation, each) for each in (faulty, held, elsewhere, leased, ended)}
        shards = {each: session.scalars(select(Shard).where(Shard.evaluation_id == each)).one() for each in rows}
        shards[faulty].fault = "failed on node-1"
        rows[held].held = Hold.LEAKS
        rows[elsewhere].node_class = "gpu"
        shards[leased].state = WorkState.LEASED
        rows[ended].verdict, rows[ended].status = Verdict.WITHDRAWN, Status.FINISHED
    with reading(queue.engine) as session:
        [found] = fetch_turns(session, "cpu", queue.now, limit=9)
        assert session.get_one(Shard, found).evaluation_id == free


def test_a_rejudge_comes_after_everybody(queue: Queue, competition: Competition, users: list[User]) -> None:
    again, paused = queue.submit(competition, users[0], 2)
    with transaction(queue.engine) as session:
        for each, state in ((again, RejudgeState.RUNNING), (paused, RejudgeState.PAUSED)):
            rejudge = Rejudge(
                competition_id=competition.id,
                spec_id=competition.spec_id,
                state=state,
                scope={},
                reason="again",
                started_by="olga",
            )
            session.add(rejudge)
            session.flush()
            session.get_one(Evaluation, each).rejudge_id = rejudge.id
    fresh = queue.submit(competition, users[0], 3)
    queue.run(1, lambda: not queue.take())
    assert set(queue.taken[: 3 * (1 + AFTER_CANARY)]) == set(fresh)
    assert paused not in queue.taken
    assert again in queue.taken


def test_a_message_runs_the_shard_whose_turn_it_is_and_its_own_one_comes_up_by_another(platform: Platform) -> None:
    competition = platform.open_competition(make_spec())
    platform.submit(competition)
    platform.submit(competition, b"# other\n" + b"def unlearning(a, b, c, d): pass")
    [(_, one), (_, two)] = [message for message in platform.drop_messages() if message[0] == RUN_SHARD]
    take_turn(platform.context, two)
    take_turn(platform.context, one)
    with reading(platform.engine) as session:
        shards = [session.get_one(Shard, each) for each in (one, two)]
        assert [shard.state for shard in shards] == [WorkState.DONE, WorkState.DONE]
        assert shards[0].claimed_at is not None
        assert shards[1].claimed_at is not None
        assert shards[0].claimed_at < shards[1].claimed_at  # whose message came second was sent first


def test_a_node_that_rests_leaves_the_shard_of_its_message_to_others(platform: Platform) -> None:
    competition = platform.open_competition(make_spec())
    platform.submit(competition)
    platform.submit(competition, b"# other\n" + b"def unlearning(a, b, c, d): pass")
    [_, (_, two)] = [message for message in platform.drop_messages() if message[0] == RUN_SHARD]
    with transaction(platform.engine) as session:
        name = platform.context.settings.node_name
        factories.make_node(session, name, resting_until=utc_now() + LATER, rest_reason="no engine", strikes=3)
    take_turn(platform.context, two)
    with reading(platform.engine) as session:
        assert "has rested" in session.get_one(Shard, two).fault
    assert platform.drop_messages() == [(RUN_SHARD, two)]  # for the next turn
