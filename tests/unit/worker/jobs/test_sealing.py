import pytest

from core.db.models.contests import Competition
from core.db.models.problems import Pool
from core.db.models.submissions import Evaluation
from core.db.queries import competitions
from core.db.session import reading, transaction
from core.domain.headroom import Headroom
from core.domain.learning import Learning
from core.domain.pools import PoolState, compute_seal_digest
from core.jobs import PREPARE, enqueue
from core.registration import register_competition
from tests.unit.worker.conftest import Platform, make_spec


@pytest.fixture
def competition(platform: Platform) -> Competition:
    return platform.open_competition(make_spec())


def read_pools(platform: Platform, competition: Competition) -> list[Pool]:
    with reading(platform.engine) as session:
        return competitions.fetch_pools(session, competition.spec.problem_id)


def read(platform: Platform) -> Competition:
    with reading(platform.engine) as session:
        row = competitions.fetch_competition(session, make_spec().slug)
    assert row is not None
    return row


def test_a_pool_is_sealed_with_the_digest_of_every_member(platform: Platform, competition: Competition) -> None:
    for pool in read_pools(platform, competition):
        assert pool.seal is not None
        chunks = pool.seal["chunks"]
        assert sum(len(chunk["members"]) for chunk in chunks) == pool.size
        assert pool.seal["digest"] == compute_seal_digest(chunks)
        assert all(platform.context.store.get_ref(chunk["name"]) == chunk["digest"] for chunk in chunks)


def test_how_far_the_plain_loop_is_from_the_best_is_measured_once_pools_are_whole(
    platform: Platform, competition: Competition
) -> None:
    with reading(platform.engine) as session:
        stored = competitions.fetch_problem_by_id(session, competition.spec.problem_id).headroom
    found = Headroom.read(stored)
    assert 0 < found.fastest_ms <= found.plain_ms


def test_how_well_its_models_do_is_kept_once_pools_are_whole(platform: Platform, competition: Competition) -> None:
    with reading(platform.engine) as session:
        stored = competitions.fetch_problem_by_id(session, competition.spec.problem_id).learning
    assert Learning.read(stored).models > 1


def test_what_a_submission_gets_is_described_when_its_pools_are_planned(
    platform: Platform, competition: Competition
) -> None:
    with reading(platform.engine) as session:
        found = competitions.fetch_problem_by_id(session, competition.spec.problem_id).description
    assert {"batches", "x", "y", "classes", "layers"} <= found.keys()


def test_what_was_not_measured_is_measured_when_the_problem_is_prepared_again(
    platform: Platform, competition: Competition
) -> None:
    problem_id = competition.spec.problem_id
    with transaction(platform.engine) as session:
        competitions.lock_problem(session, problem_id).headroom = None
        enqueue(session, PREPARE, problem_id)
    platform.run_until_quiet()
    with reading(platform.engine) as session:
        assert competitions.fetch_problem_by_id(session, problem_id).headroom is not None


def test_pools_are_active_once_submissions_are_scored_against_them(
    platform: Platform, competition: Competition
) -> None:
    assert competition.state == "open"
    assert {pool.state for pool in read_pools(platform, competition)} == {"active"}


def test_a_competition_that_opens_by_hand_is_prepared_and_waits(platform: Platform) -> None:
    with transaction(platform.engine) as session:
        register_competition(session, make_spec()).opens_by_hand = True
    platform.run_until_quiet()
    row = read(platform)
    assert (row.state, row.prepared_at is not None, row.fault) == ("preparing", True, "")
    assert {pool.state for pool in read_pools(platform, row)} == {"sealed"}


def test_what_waited_for_a_hand_opens_by_itself_when_it_is_told_to(platform: Platform) -> None:
    with transaction(platform.engine) as session:
        register_competition(session, make_spec()).opens_by_hand = True
    platform.run_until_quiet()
    with transaction(platform.engine) as session:
        register_competition(session, make_spec()).opens_by_hand = False
    platform.run_until_quiet()
    assert read(platform).state == "open"


def test_no_score_is_computed_against_a_pool_that_was_changed(platform: Platform, competition: Competition) -> None:
    store = platform.context.store
    seal = read_pools(platform, competition)[0].seal
    assert seal is not None
    store.set_ref(seal["chunks"][0]["name"], store.put(b"another chunk"))
    evaluation = platform.submit(competition)
    platform.run_without_pauses(evaluation)
    with reading(platform.engine) as session:
        row = session.get_one(Evaluation, evaluation)
    assert (row.verdict, row.score) == ("platform_error", None)


def test_retired_pools_are_sealed_again_when_their_problem_is_prepared(
    platform: Platform, competition: Competition
) -> None:
    with transaction(platform.engine) as session:
        for pool in competitions.fetch_pools(session, competition.spec.problem_id):
            pool.state = PoolState.RETIRED.value
        enqueue(session, PREPARE, competition.spec.problem_id)
    platform.step()
    assert {pool.state for pool in read_pools(platform, competition)} == {"sealed"}
