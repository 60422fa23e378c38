"""Whatever happens to an evaluation, in whatever order: the rules of docs/lifecycle.md hold, and everything ends."""

import itertools
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from api.operations import service as operations
from api.rejudges import service as rejudges
from api.rejudges.schemas import RejudgeRequest
from core.db.models.rejudges import Rejudge
from core.db.models.submissions import Evaluation, EvaluationEvent, Replica, Scorecard, Shard, Submission
from core.db.queries import evaluations
from core.db.queries.evaluations import MOST_SCORE_LOSSES
from core.db.session import reading
from core.domain.leaderboard import Purpose
from core.domain.quota import LimitReached
from core.domain.rejudge import RejudgeState
from core.domain.submission import TRANSITIONS, Status, Verdict
from core.domain.work import SCORE_TRIES, WorkState
from core.lifecycle import request_cancel
from tests.unit.worker.jobs.life import (
    CONCURRENT,
    DAILY,
    LEASE,
    NODES,
    PEOPLE,
    REFUNDS,
    STAFF,
    Manner,
    World,
    make_world,
)
from worker.jobs.breaker import MOST_LOSSES, MOST_TRIES

EXAMPLES, STEPS = int(os.environ.get("LACUNA_LIFE_EXAMPLES", "30")), 40
MOST_TURNS = 12  # until everything that is not paused has ended
ATTEMPTS = 3
EXPIRY = LEASE + timedelta(seconds=1)


class Event(StrEnum):
    """What happens while a piece of work runs."""

    LEASES_LOST = "leases_lost"
    LEASES_PAST = "leases_past"  # and nobody has swept yet
    DELIVERED_TWICE = "delivered_twice"
    DONE_ELSEWHERE = "done_elsewhere"
    OTHERS_RUN = "others_run"
    CANCELLED = "cancelled"
    DISCARDED = "discarded"
    REQUEUED = "requeued"


nodes = st.sampled_from(NODES)
manners = st.sampled_from([*[Manner.WELL] * 4, *Manner][::-1])
late_manners = st.sampled_from([Manner.IS_DEAF, Manner.FAILS, Manner.IS_WRONG, Manner.WELL, Manner.IS_DEAF])
events = st.sampled_from([Event.DONE_ELSEWHERE, Event.DONE_ELSEWHERE, *Event])
picks = st.integers(0, 999)


class Life(RuleBasedStateMachine):
    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.numbers = itertools.count(1)
        self.accepted: Counter[str] = Counter()
        self.histories: dict[str, tuple[Status, ...]] = {}
        self.verdicts: dict[str, Verdict] = {}
        self.shards: dict[str, tuple[int, int, int]] = {}
        self.mishaps_before: Counter[str] = Counter()  # of a shard, when staff sent it out afresh
        world.begin()

    @initialize(people=st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=3))
    def begin(self, people: list[str]) -> None:
        for person in people:
            self.submit(person, is_readable=True)

    @rule(person=st.sampled_from(PEOPLE), is_readable=st.sampled_from([True] * 7 + [False]))
    def submit(self, person: str, is_readable: bool) -> None:
        used, running = self.count_used(person)
        try:
            self.world.submit(person, is_readable=is_readable, number=next(self.numbers))
        except LimitReached:
            assert used >= DAILY or running >= CONCURRENT
            return
        assert used < DAILY
        assert running < CONCURRENT
        self.accepted[person] += 1

    @rule(turns=st.lists(st.tuples(picks, nodes, manners), min_size=2, max_size=6))
    def deliver(self, turns: list[tuple[int, str, Manner]]) -> None:
        for pick, node, manner in turns:
            if (message := self.take(pick)) is not None and node not in self.world.away:
                self.world.deliver(message, node, manner)

    @rule(pick=picks, node=nodes)
    def deliver_twice(self, pick: int, node: str) -> None:
        """The second time whenever the broker likes."""
        if (message := self.take(pick)) is not None:
            self.world.broker.append(message)
            self.world.deliver(message, node, Manner.WELL)

    @rule(pick=picks, node=nodes, other=nodes, manner=late_manners, event=events)
    def deliver_while(self, pick: int, node: str, other: str, manner: Manner, event: Event) -> None:
        """Something happens while the work runs."""
        if (message := self.take(pick)) is None:
            return
        meanwhile: dict[Event, Callable[[], None]] = {
            Event.LEASES_LOST: lambda: self.lose_leases(other),
            Event.LEASES_PAST: lambda: self.world.let_pass(EXPIRY),
            Event.DELIVERED_TWICE: lambda: self.world.deliver(message, other, Manner.WELL),
            Event.DONE_ELSEWHERE: lambda: self.run_again(message, other),
            Event.OTHERS_RUN: lambda: self.deliver([(pick, other, Manner.WELL)] * 3),
            Event.CANCELLED: lambda: self.cancel(pick),
            Event.DISCARDED: lambda: self.decide_rejudge(promote=False),
            Event.REQUEUED: lambda: self.requeue(pick),
        }
        self.world.deliver(message, node, manner, meanwhile[event])

    @rule(seconds=st.sampled_from([0, 5, 31, 700]), node=nodes)
    def wait_and_sweep(self, seconds: int, node: str) -> None:
        self.world.let_pass(timedelta(seconds=seconds))
        self.world.sweep(node)

    @rule(share=st.integers(0, 3))
    def lose_messages(self, share: int) -> None:
        """A broker that goes away, or comes back, has forgotten everything."""
        self.world.is_broker_up ^= share == 0
        del self.world.broker[:: max(share, 1)]

    @rule(node=nodes, deed=st.sampled_from(["drain", "activate", "leave", "sicken", "sicken"]))
    def change_node(self, node: str, deed: str) -> None:
        if deed == "sicken":
            self.world.sick ^= {node}
        elif deed == "leave":
            self.world.away ^= {node}
            self.world.let_pass(timedelta(0))
        else:
            change = operations.drain if deed == "drain" else operations.activate
            self.world.ask(lambda session: change(session, node, "a test", STAFF))

    @rule(pick=picks)
    def cancel(self, pick: int) -> None:
        live = [row for row in self.world.fetch(Evaluation) if row.status is not Status.FINISHED]
        if live:
            chosen = live[pick % len(live)].id
            self.world.ask(lambda session: request_cancel(session, chosen, refunded=pick % 5 == 0))

    @rule(pick=picks)
    def requeue(self, pick: int) -> None:
        rows = self.world.fetch(Evaluation)
        if not rows:
            return
        chosen = rows[pick % len(rows)].id
        if self.world.ask(lambda session: operations.requeue_evaluation(session, chosen, "a test", STAFF)):
            for shard in self.world.fetch(Shard):
                if shard.evaluation_id == chosen and shard.state is WorkState.PENDING:
                    self.shards.pop(shard.id, None)
                    self.mishaps_before[shard.id] = self.count_mishaps(shard.id)

    @rule(pick=picks)
    def rejudge(self, pick: int) -> None:
        """Start one; or pause, resume, promote or discard it."""
        if self.world.fetch_undecided() is None:
            self.start_rejudge()
        elif pick % 3 == 0:
            self.pause_or_resume()
        else:
            self.decide_rejudge(promote=pick % 3 == 1)

    def start_rejudge(self) -> None:
        request = RejudgeRequest(competition=self.world.competition.slug, reason="a test of it")
        self.world.ask(lambda session: rejudges.start(session, request, STAFF))

    def pause_or_resume(self) -> None:
        if (found := self.world.fetch_undecided()) is not None:
            turn = rejudges.pause if found.state is RejudgeState.RUNNING else rejudges.resume
            assert self.world.ask(lambda session: turn(session, found.id, "a test", STAFF))

    def decide_rejudge(self, *, promote: bool) -> None:
        if (found := self.world.fetch_undecided()) is not None:
            decide = rejudges.promote if promote else rejudges.discard
            self.world.ask(lambda session: decide(session, found.id, "a test", STAFF))

    @invariant()
    def check(self) -> None:
        self.world.look_around()
        self.history_follows_the_table()
        self.no_replica_counts_twice_and_none_is_missing()
        self.fences_and_counts_only_grow()
        self.nothing_ended_has_work_left()
        self.platform_errors_are_the_platforms()
        self.scored_ones_have_a_scorecard_and_nothing_else_has_a_score()
        self.quotas_charge_what_was_accepted_and_not_given_back()
        self.world.look_away()

    def history_follows_the_table(self) -> None:
        events: defaultdict[str, list[EvaluationEvent]] = defaultdict(list)
        for event in self.world.fetch(EvaluationEvent):
            events[event.evaluation_id].append(event)
        for row in self.world.fetch(Evaluation):
            history = tuple(event.status for event in events[row.id])
            assert history[0] is Status.QUEUED
            assert all(after in TRANSITIONS[before] for before, after in itertools.pairwise(history))
            assert history[-1] is row.status
            assert events[row.id][-1].verdict is row.verdict
            assert history[: len(self.histories.get(row.id, ()))] == self.histories.get(row.id, ())
            assert (row.verdict is not None) == (row.status is Status.FINISHED)
            assert self.verdicts.get(row.id, row.verdict) is row.verdict
            self.histories[row.id] = history
            if row.verdict is not None:
                self.verdicts[row.id] = row.verdict

    def no_replica_counts_twice_and_none_is_missing(self) -> None:
        found: defaultdict[str, list[int]] = defaultdict(list)
        for replica in self.world.fetch(Replica):
            found[replica.shard_id].append(replica.position)
        rows = {row.id: row for row in self.world.fetch(Evaluation)}
        places: Counter[tuple[str, int]] = Counter()
        for shard in self.world.fetch(Shard):
            evaluation, own = rows[shard.evaluation_id], sorted(found[shard.id])
            whole = list(range(shard.first, shard.first + shard.count))
            assert all(place < evaluation.replicas_total for place in whole)
            is_counted = evaluation.status in (Status.RUNNING, Status.SCORING) or evaluation.verdict is Verdict.SCORED
            if is_counted and shard.state is WorkState.DONE:
                assert own == whole
            assert own in ([], whole)
            assert own == [] or shard.state is WorkState.DONE
            places.update((evaluation.id, place) for place in own)
        assert set(places.values()) <= {1}

    def fences_and_counts_only_grow(self) -> None:
        for shard in self.world.fetch(Shard):
            now = (shard.fence, shard.attempts, shard.failures)
            before = self.shards.get(shard.id, (0, 0, 0))
            assert all(new >= old for new, old in zip(now, before, strict=True))
            assert shard.attempts <= shard.fence
            assert shard.failures <= self.count_mishaps(shard.id) - self.mishaps_before[shard.id]
            assert set(shard.failed_on) <= set(self.find_mishaps(shard.id))
            self.shards[shard.id] = now

    def nothing_ended_has_work_left(self) -> None:
        rows = {row.id: row for row in self.world.fetch(Evaluation)}
        held: Counter[str] = Counter()
        for shard in self.world.fetch(Shard):
            if rows[shard.evaluation_id].status is Status.FINISHED:
                assert shard.state is not WorkState.PENDING
                held[shard.evaluation_id] += shard.state is WorkState.LEASED  # by a worker that was not told yet
        assert all(rows[each].verdict is not Verdict.SCORED for each in +held)

    def platform_errors_are_the_platforms(self) -> None:
        shards: defaultdict[str, list[Shard]] = defaultdict(list)
        for shard in self.world.fetch(Shard):
            shards[shard.evaluation_id].append(shard)
        for row in self.world.fetch(Evaluation):
            if row.verdict is Verdict.PLATFORM_ERROR:
                is_of_score = row.score_attempts >= SCORE_TRIES or row.score_losses >= MOST_SCORE_LOSSES
                assert is_of_score or any(self.is_justified(each) for each in shards[row.id])

    def scored_ones_have_a_scorecard_and_nothing_else_has_a_score(self) -> None:
        cards = {row.evaluation_id for row in self.world.fetch(Scorecard)}
        purposes = {row.id: row.purpose for row in self.world.fetch(Submission)}
        for row in self.world.fetch(Evaluation):
            is_scored = row.verdict is Verdict.SCORED and purposes[row.submission_id] is not Purpose.CALIBRATION
            assert (row.id in cards) == (row.score is not None)
            assert row.id in cards or not is_scored

    def quotas_charge_what_was_accepted_and_not_given_back(self) -> None:
        for person in PEOPLE:
            with reading(self.world.engine) as session:
                ids = self.world.competition.id, self.world.people[person].member_id
                assert evaluations.count_submissions_since(session, *ids) == self.count_used(person)[0]

    def teardown(self) -> None:
        """Once nodes and broker are well everything ends; what is paused does when it is resumed."""
        self.world.heal()
        self.settle()
        for found in [self.world.fetch_undecided()]:
            if found is not None and found.state is RejudgeState.PAUSED:
                self.pause_or_resume()
                self.settle()
        assert {row.status for row in self.world.fetch(Evaluation)} == {Status.FINISHED}
        assert {row.state for row in self.world.fetch(Shard)} <= {WorkState.DONE, WorkState.ABANDONED}
        self.check()
        self.world.scored += len(self.world.fetch(Scorecard))

    def settle(self) -> None:
        for turn in range(MOST_TURNS):
            self.world.let_pass(timedelta(minutes=11))
            self.world.sweep(NODES[turn % len(NODES)])
            self.world.deliver_all(turn)
            if not self.find_unfinished() and turn:
                return
        raise AssertionError(f"it does not move: {self.describe()}")

    def lose_leases(self, node: str) -> None:
        self.world.let_pass(EXPIRY)
        self.world.sweep(node)

    def run_again(self, message: tuple[str, str], node: str) -> None:
        self.lose_leases(node)
        for each in NODES:  # whichever may take it
            self.world.deliver(message, each, Manner.WELL)

    def take(self, pick: int) -> tuple[str, str] | None:
        """A message of the broker; a sweep may bring one where there is none."""
        if not self.world.broker:
            self.world.sweep()
        return self.world.broker.pop(pick % len(self.world.broker)) if self.world.broker else None

    def count_used(self, person: str) -> tuple[int, int]:
        """What the quota charges, and how many of it run; by the rows, not by the queries that the product asks."""
        owner = self.world.people[person].member_id
        own = {row.id for row in self.world.fetch(Submission) if row.user_id == owner}
        rows = [row for row in self.world.fetch(Evaluation) if row.submission_id in own and row.counts]
        back = {row.submission_id for row in rows if row.refunded}
        failed = {row.submission_id for row in rows if row.verdict is Verdict.PLATFORM_ERROR}
        assert failed <= back or len(failed) > REFUNDS
        assert len(own) == self.accepted[person]
        return len(own - back), sum(row.status is not Status.FINISHED for row in rows)

    def find_mishaps(self, shard_id: str) -> list[str]:
        return [node for (shard, _fence), node in self.world.mishaps.items() if shard == shard_id]

    def count_mishaps(self, shard_id: str) -> int:
        return len(self.find_mishaps(shard_id))

    def is_justified(self, shard: Shard) -> bool:
        """It failed on as many nodes, or again on one that did something well; or so often that nobody waits longer.

        Also if it took as many workers with it as nobody loses by chance.
        """
        places = set(self.find_mishaps(shard.id))
        excuses = len(places) + sum(node in places for node in self.world.well)
        is_deadly = MOST_LOSSES <= shard.losses <= self.count_mishaps(shard.id)
        return is_deadly or shard.attempts >= MOST_TRIES or ATTEMPTS <= shard.failures <= excuses

    def find_unfinished(self) -> list[Evaluation]:
        paused = {row.id for row in self.world.fetch(Rejudge) if row.state is RejudgeState.PAUSED}
        rows = [row for row in self.world.fetch(Evaluation) if row.status is not Status.FINISHED]
        return [row for row in rows if row.rejudge_id not in paused or row.status is not Status.QUEUED]

    def describe(self) -> list[str]:
        stuck = {row.id: row for row in self.find_unfinished()}
        shards = [each for each in self.world.fetch(Shard) if each.evaluation_id in stuck]
        return [f"{row.id} {row.status} on {row.node_class}" for row in stuck.values()] + [
            f"{each.evaluation_id} {each.position} {each.state} {each.fault}" for each in shards
        ]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with structlog.testing.capture_logs():
        yield make_world(tmp_path, monkeypatch)


def test_an_evaluation_lives_by_the_rules_and_ends_whatever_happens(world: World) -> None:
    run_state_machine_as_test(
        lambda: Life(world),
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=STEPS, suppress_health_check=list(HealthCheck), print_blob=True
        ),
    )
    assert world.scored > EXAMPLES  # or nothing was seen of what comes after the last shard
