"""Many workers want one shard at the same moment: one has it, whatever the database."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from core.db.base import utc_now
from core.db.migrate import upgrade_database
from core.db.models.accounts import User
from core.db.models.contests import Competition
from core.db.models.submissions import Evaluation, Shard, Submission
from core.db.queries import evaluations, leases
from core.db.queries.shares import fetch_turns
from core.db.session import get_engine, reading, transaction
from core.domain.work import WorkState
from tests import factories

pytestmark = pytest.mark.integration
ROUNDS, WORKERS = 60, 2
LEASE = timedelta(seconds=30)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    is_file = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'lacuna.sqlite'}" if is_file else request.getfixturevalue("postgres_url")
    upgrade_database(url)
    engine = get_engine(url)
    yield engine
    engine.dispose()


def make_shard(engine: Engine) -> str:
    with transaction(engine) as session:
        competition, user = factories.make_competition(session), factories.make_user(session)
        submission = factories.make_submission(session, competition, user)
        evaluation = Evaluation(submission_id=submission.id, spec_id=competition.spec_id, replicas_total=4)
        session.add(evaluation)
        session.flush()
        shard = Shard(evaluation_id=evaluation.id, position=0, first=0, count=4)
        session.add(shard)
        session.flush()
        return shard.id


def claim(engine: Engine, shard_id: str, worker: str, barrier: Barrier) -> int:
    """As a worker does: in one transaction that holds the evaluation's row."""
    now = utc_now()
    barrier.wait()
    with transaction(engine) as session:
        shard = evaluations.fetch_shard(session, shard_id)
        assert shard is not None
        evaluations.lock_evaluation(session, shard.evaluation_id)
        return leases.claim(session, Shard, shard_id, worker=worker, now=now, until=now + LEASE)


def claim_without_the_row(engine: Engine, shard_id: str, worker: str, barrier: Barrier) -> int:
    """The claim alone must be enough: chunks and data sets have no row above them."""
    now = utc_now()
    barrier.wait()
    with transaction(engine) as session:
        return leases.claim(session, Shard, shard_id, worker=worker, now=now, until=now + LEASE)


def settle(engine: Engine, shard_id: str, fence: int, state: WorkState, barrier: Barrier) -> bool:
    barrier.wait()
    with transaction(engine) as session:
        return leases.settle(session, Shard, shard_id, fence, state=state)


@pytest.mark.parametrize("claim_one", [claim, claim_without_the_row])
def test_of_two_that_claim_a_shard_at_once_one_has_it(
    engine: Engine, claim_one: Callable[[Engine, str, str, Barrier], int]
) -> None:
    shard_id = make_shard(engine)
    with ThreadPoolExecutor(WORKERS) as pool:
        for number in range(1, ROUNDS + 1):
            barrier = Barrier(WORKERS)
            tries = [pool.submit(claim_one, engine, shard_id, f"node-{place}", barrier) for place in range(WORKERS)]
            fences = sorted(each.result() for each in tries)
            assert fences == [0] * (WORKERS - 1) + [number]
            with transaction(engine) as session:
                shard = session.get_one(Shard, shard_id)
                assert (shard.state, shard.fence, shard.attempts) == (WorkState.LEASED, number, number)
                if number % 2:  # free again in either way: given back, or lost
                    shard.state, shard.lease_until = WorkState.PENDING, None
                else:
                    shard.lease_until = utc_now() - LEASE


def test_of_two_that_end_a_shard_at_once_one_does(engine: Engine) -> None:
    shard_id = make_shard(engine)
    with ThreadPoolExecutor(WORKERS) as pool:
        for _ in range(ROUNDS):
            fence = claim(engine, shard_id, "node", Barrier(1))
            barrier = Barrier(WORKERS)
            ends = [pool.submit(settle, engine, shard_id, fence, WorkState.PENDING, barrier) for _ in range(WORKERS)]
            assert sorted(each.result() for each in ends) == [False, True]


def test_a_janitor_and_the_worker_that_comes_back_do_not_both_have_their_way(engine: Engine) -> None:
    shard_id = make_shard(engine)
    outcomes = set()
    with ThreadPoolExecutor(WORKERS) as pool:
        for _ in range(ROUNDS):
            fence = claim(engine, shard_id, "node", Barrier(1))
            with transaction(engine) as session:
                session.get_one(Shard, shard_id).lease_until = utc_now() - LEASE
            barrier = Barrier(WORKERS)
            swept = pool.submit(release, engine, shard_id, barrier)
            settled = pool.submit(settle, engine, shard_id, fence, WorkState.PENDING, barrier)
            outcomes.add((swept.result(), settled.result()))
    assert outcomes <= {(True, False), (False, True)}


def release(engine: Engine, shard_id: str, barrier: Barrier) -> bool:
    barrier.wait()
    with transaction(engine) as session:
        return leases.release_expired(session, Shard, shard_id, utc_now())


def test_turns_are_the_same_on_either_database(engine: Engine) -> None:
    shards = [make_shard(engine) for _ in range(3)]
    with transaction(engine) as session:
        owner = session.get_one(
            Submission, session.get_one(Evaluation, _find_evaluation(session, shards[0])).submission_id
        )
        other = factories.make_submission(
            session, session.get_one(Competition, owner.competition_id), session.get_one(User, owner.user_id)
        )
        evaluation = factories.make_evaluation(session, other)
        late = session.scalars(select(Shard.id).where(Shard.evaluation_id == evaluation.id)).one()
        leases.claim(session, Shard, shards[0], worker="w", now=utc_now(), until=utc_now() + LEASE)
    with reading(engine) as session:
        assert fetch_turns(session, "cpu", utc_now(), limit=9) == [*shards[1:], late]  # its owner holds a worker


def _find_evaluation(session: Session, shard_id: str) -> str:
    return session.get_one(Shard, shard_id).evaluation_id
