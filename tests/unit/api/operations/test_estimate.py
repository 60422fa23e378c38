"""The queue's estimate, held against what a simulated queue then takes: within a factor of 2, or it says unknown."""

import heapq
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from sqlalchemy import Engine, select

from api.operations.service import load_queue
from core.db.base import utc_now
from core.db.clock import CLOCK, Clock
from core.db.models.contests import Competition
from core.db.models.operations import Node, Outbox
from core.db.models.submissions import Evaluation, Shard
from core.db.queries import evaluations, leases
from core.db.session import reading, transaction
from core.domain.submission import Hold, Status, Verdict
from core.domain.work import STRIKES, WorkState
from tests import factories

START = datetime(2030, 1, 1, tzinfo=UTC)
SHARDS = ((0, 8), (8, 124), (132, 124))  # of 256 replicas
BOX_SECONDS, REPLICA_SECONDS, SCORE_SECONDS = 3.0, 0.3, 5.0
LEASE = timedelta(hours=9)


@dataclass
class Queue:
    """Workers at evaluations, on a clock that moves from one event to the next."""

    engine: Engine
    chance: random.Random
    now: datetime = START
    workers: dict[str, int] = field(default_factory=dict)  # free ones, by node
    broken: set[str] = field(default_factory=set)  # nodes on which every shard fails at once
    meanwhile: Callable[[], None] = lambda: None
    _events: list[tuple[datetime, int, Callable[[], None]]] = field(default_factory=list)
    _order: Iterator[int] = field(default_factory=count)

    def open(self, nodes: dict[str, int]) -> Competition:
        self.workers = dict(nodes)
        with transaction(self.engine) as session:
            for name, workers in nodes.items():
                factories.make_node(session, name, workers=workers)
            factories.turn_janitor(session, every_seconds=LEASE.total_seconds())
            return factories.make_competition(session, "digits")

    def submit(self, competition: Competition, how_many: int) -> None:
        with transaction(self.engine) as session:
            user = factories.make_user(session)
            for _ in range(how_many):
                factories.make_evaluation(session, factories.make_submission(session, competition, user))

    def run(self, *, until: Callable[[], bool] = lambda: False) -> None:
        self._hand_out()
        while self._events and not until():
            self.now, _, act = heapq.heappop(self._events)
            act()
            self._report()
            self._hand_out()
            self.meanwhile()

    def estimate(self) -> float | None:
        with reading(self.engine) as session:
            return load_queue(session).seconds_left

    def count_unfinished(self) -> int:
        with reading(self.engine) as session:
            return len(session.scalars(select(Evaluation.id).where(Evaluation.status != Status.FINISHED)).all())

    def is_known_to_be_sick(self, name: str) -> bool:
        with reading(self.engine) as session:
            return session.get_one(Node, name).strikes >= STRIKES

    def _report(self) -> None:
        """Nodes live, and shards tell how many of their replicas have run."""
        with transaction(self.engine) as session:
            for shard in session.scalars(select(Shard).where(Shard.state == WorkState.LEASED)):
                assert shard.claimed_at is not None
                ran = (self.now - shard.claimed_at).total_seconds() - BOX_SECONDS
                shard.finished_replicas = min(max(0, int(ran / REPLICA_SECONDS)), shard.count - 1)
            for node in session.scalars(select(Node)):
                node.last_seen_at = self.now

    def _hand_out(self) -> None:
        for name in [name for name, free in self.workers.items() for _ in range(free)]:
            with transaction(self.engine) as session:
                node = session.get_one(Node, name)
                if node.resting_until is not None and node.resting_until > self.now:
                    continue
                scored = session.scalars(select(Evaluation).where(Evaluation.status == Status.SCORING)).all()
                free = [row for row in scored if row.scoring_until is None]
                shard = session.scalars(
                    select(Shard).where(Shard.state == WorkState.PENDING).order_by(Shard.evaluation_id, Shard.position)
                ).first()
                if free and name not in self.broken:
                    evaluations.claim_scoring(session, free[0].id, now=self.now, until=self.now + LEASE)
                    self._begin(name, SCORE_SECONDS, lambda row=free[0].id: self._end_score(row))
                elif shard is not None:
                    fence = leases.claim(session, Shard, shard.id, worker=name, now=self.now, until=self.now + LEASE)
                    evaluation = session.get_one(Evaluation, shard.evaluation_id)
                    evaluation.status = max(evaluation.status, Status.CANARY, key=list(Status).index)
                    seconds = BOX_SECONDS + shard.count * REPLICA_SECONDS
                    act = self._fail if name in self.broken else self._end_shard
                    self._begin(
                        name,
                        0.5 if name in self.broken else seconds,
                        lambda act=act, row=shard.id, fence=fence, name=name: act(row, fence, name),
                    )

    def _begin(self, name: str, seconds: float, act: Callable[[], None]) -> None:
        self.workers[name] -= 1

        def end() -> None:
            self.workers[name] += 1
            act()

        self._after(seconds * self.chance.uniform(0.7, 1.3), end)

    def _after(self, seconds: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now + timedelta(seconds=seconds), next(self._order), act))

    def _fail(self, shard_id: str, fence: int, name: str) -> None:
        """The breaker lets a node rest that does nothing but fail."""
        with transaction(self.engine) as session:
            leases.settle(session, Shard, shard_id, fence, state=WorkState.PENDING, fault="a sick node")
            node = session.get_one(Node, name)
            node.strikes += 1
            rest = 15.0 * 2 ** max(0, node.strikes - STRIKES)
            node.resting_until = self.now + timedelta(seconds=rest)
        self._after(rest, lambda: None)

    def _end_shard(self, shard_id: str, fence: int, _name: str) -> None:
        with transaction(self.engine) as session:
            shard = session.get_one(Shard, shard_id)
            values = {"finished_replicas": shard.count}
            leases.settle(session, Shard, shard_id, fence, state=WorkState.DONE, **values)
            session.refresh(shard)
            row = evaluations.lock_evaluation(session, shard.evaluation_id)
            assert row is not None
            if shard.position == 0:
                row.status = Status.RUNNING
                for position, (first, size) in enumerate(SHARDS[1:], 1):
                    session.add(Shard(evaluation_id=row.id, position=position, first=first, count=size))
            elif all(each.state == WorkState.DONE for each in row.shards):
                row.status = Status.SCORING

    def _end_score(self, evaluation_id: str) -> None:
        with transaction(self.engine) as session:
            row = session.get_one(Evaluation, evaluation_id)
            row.status, row.verdict, row.finished_at = Status.FINISHED, Verdict.SCORED, self.now


@pytest.fixture
def queue(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Queue:
    queue = Queue(engine, random.Random(7))
    monkeypatch.setattr(Clock, "set", lambda _clock, _seen: None)
    monkeypatch.setattr(Clock, "now", lambda _clock: queue.now)
    assert utc_now() == START
    assert CLOCK.now() == START
    return queue


def measure(queue: Queue) -> list[float]:
    """Estimate over what it then took, at every event until a tenth of the time is left."""
    began, said = queue.now, [(queue.now, queue.estimate())]
    queue.meanwhile = lambda: said.append((queue.now, queue.estimate()))
    queue.run(until=lambda: queue.count_unfinished() == 0)
    assert queue.count_unfinished() == 0
    least = (queue.now - began) / 10
    ratios = [
        seconds / (queue.now - at).total_seconds()
        for at, seconds in said
        if seconds is not None and queue.now - at >= least
    ]
    assert len(ratios) > 5
    return ratios


@pytest.mark.parametrize(("nodes", "entries"), [({"one": 2}, 8), ({"one": 2, "two": 4}, 6), ({"one": 1}, 3)])
def test_the_estimate_of_an_ordinary_queue_holds(queue: Queue, nodes: dict[str, int], entries: int) -> None:
    competition = queue.open(nodes)
    queue.submit(competition, 2)
    queue.run()
    queue.submit(competition, entries)
    ratios = measure(queue)
    assert 0.5 < min(ratios) <= max(ratios) < 2.0


def test_the_estimate_holds_while_one_of_two_nodes_is_sick(queue: Queue) -> None:
    competition = queue.open({"good": 2, "sick": 2})
    queue.submit(competition, 2)
    queue.run()
    queue.broken.add("sick")
    queue.submit(competition, 6)
    queue.run(until=lambda: queue.is_known_to_be_sick("sick"))
    ratios = measure(queue)
    assert 0.5 < min(ratios) <= max(ratios) < 2.0


def test_nobody_knows_how_long_without_a_node_or_while_all_rest(queue: Queue) -> None:
    competition = queue.open({"one": 2})
    queue.submit(competition, 2)
    queue.run()
    queue.submit(competition, 4)
    assert queue.estimate() is not None
    with transaction(queue.engine) as session:
        session.get_one(Node, "one").resting_until = queue.now + timedelta(seconds=60)
    assert queue.estimate() is None
    queue.now += timedelta(minutes=5)
    assert queue.estimate() is None


def test_what_waits_for_staff_is_in_no_estimate(queue: Queue) -> None:
    competition = queue.open({"one": 2})
    queue.submit(competition, 2)
    queue.run()
    queue.submit(competition, 3)
    expected = queue.estimate()
    queue.submit(competition, 1)
    with transaction(queue.engine) as session:
        newest = session.scalars(select(Evaluation).order_by(Evaluation.id.desc())).first()
        assert newest is not None
        newest.held = Hold.FAILURES
    assert queue.estimate() == expected


def test_nobody_knows_how_long_while_the_broker_is_away(queue: Queue) -> None:
    competition = queue.open({"one": 2})
    queue.submit(competition, 2)
    queue.run()
    queue.submit(competition, 4)
    with transaction(queue.engine) as session:
        session.add(Outbox(task="lacuna.run_shard", object_id="s", created_at=queue.now - timedelta(seconds=31)))
    assert queue.estimate() is None


def test_nobody_knows_how_long_while_no_janitor_brings_back_what_is_lost(queue: Queue) -> None:
    competition = queue.open({"one": 2})
    queue.submit(competition, 2)
    queue.run()
    queue.submit(competition, 4)
    assert queue.estimate() is not None
    with transaction(queue.engine) as session:
        factories.turn_janitor(session, tried_at=queue.now - timedelta(seconds=66))
    assert queue.estimate() is None


def test_nobody_knows_how_long_before_anything_of_the_kind_has_run(queue: Queue) -> None:
    queue.submit(queue.open({"one": 2}), 2)
    assert queue.estimate() is None


def test_nobody_knows_how_long_while_pools_are_trained(queue: Queue) -> None:
    competition = queue.open({"one": 2})
    queue.submit(competition, 2)
    queue.run()
    queue.submit(competition, 2)
    with transaction(queue.engine) as session:
        factories.make_pool(session, competition)
    assert queue.estimate() is None
