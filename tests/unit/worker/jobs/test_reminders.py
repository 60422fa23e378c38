from datetime import timedelta

import pytest

from core.db.base import utc_now
from core.db.models.contests import Competition
from core.db.models.submissions import Evaluation
from core.db.queries import competitions, evaluations
from core.db.session import reading, transaction
from core.domain.competition import CompetitionState
from core.domain.errors import PlatformFault
from core.domain.submission import Status, Verdict
from core.jobs import BUILD_CHUNK, PREPARE, RUN_SHARD, SCORE
from core.registration import register_competition
from tests import factories
from tests.unit.worker.conftest import DELIVER, HONEST, Platform, make_spec
from worker.jobs import preparation, reminders
from worker.jobs.context import WorkerContext
from worker.jobs.reminders import remind
from worker.problems import LoadedProblem

Messages = set[tuple[str, str]]


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Messages:
    """What a broker holds; nothing unless a test puts something in."""
    held: Messages = set()
    monkeypatch.setattr(reminders, "read_messages", lambda _url, _queues: set(held))
    return held


def lose_every_first_message(platform: Platform) -> list[str]:
    """Whatever is sent is lost, only what is reminded of arrives; the tasks that arrived, in their order."""
    arrived = []
    for _ in range(100):
        platform.drop_messages()
        platform.context.reminded.clear()  # as if a minute passed
        if remind(platform.context) == 0:
            return arrived
        for task, object_id in platform.drop_messages():
            arrived.append(task)
            DELIVER[task](platform.context, object_id)
    raise AssertionError("it never came to an end")


def fetch(platform: Platform, evaluation_id: str) -> Evaluation:
    with reading(platform.engine) as session:
        found = evaluations.fetch_evaluation(session, evaluation_id)
    assert found is not None
    return found


def fetch_competition(platform: Platform, slug: str) -> Competition:
    with reading(platform.engine) as session:
        found = competitions.fetch_competition(session, slug)
    assert found is not None
    return found


def test_nothing_is_lost_with_the_messages(platform: Platform, broker: Messages) -> None:
    spec = make_spec()
    with transaction(platform.engine) as session:
        register_competition(session, spec)
    arrived = lose_every_first_message(platform)
    competition = fetch_competition(platform, spec.slug)
    assert competition.state == CompetitionState.OPEN
    assert {PREPARE, BUILD_CHUNK, RUN_SHARD} <= set(arrived)
    evaluation_id = platform.submit(competition)
    arrived = lose_every_first_message(platform)
    assert arrived == [RUN_SHARD, RUN_SHARD, RUN_SHARD, SCORE]
    assert fetch(platform, evaluation_id).verdict == Verdict.SCORED


def test_what_the_broker_or_the_outbox_holds_is_not_sent_again(platform: Platform, broker: Messages) -> None:
    platform.submit(platform.open_competition(make_spec()))
    assert remind(platform.context) == 0  # it is in the outbox
    sent = platform.drop_messages()
    broker |= set(sent)
    assert remind(platform.context) == 0
    broker.clear()
    assert remind(platform.context) == 1
    assert remind(platform.context) == 0  # its reminder is in the outbox
    assert platform.drop_messages() == sent


def test_reminders_never_pile_up(platform: Platform, broker: Messages) -> None:
    competition = platform.open_competition(make_spec())
    for number in range(5):
        platform.submit(competition, f"def unlearning(a, b, c, d):\n    return {number}\n".encode())
    for _ in range(10):
        broker |= set(platform.drop_messages())
        remind(platform.context)
    assert len(broker) == 5


def test_copies_of_a_message_that_nobody_may_act_upon_become_one(platform: Platform, broker: Messages) -> None:
    competition = platform.open_competition(make_spec())
    platform.submit(competition, HONEST)
    with transaction(platform.engine) as session:
        factories.make_node(session, platform.context.settings.node_name, draining_since=utc_now())
    ((task, shard_id),) = platform.drop_messages()
    for _ in range(3):  # each is handed back
        DELIVER[task](platform.context, shard_id)
    assert platform.drop_messages() == [(task, shard_id)]


def test_without_a_broker_nothing_is_reminded_of(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    platform.submit(platform.open_competition(make_spec()))
    platform.drop_messages()

    def refuse(_url: str, _queues: object) -> Messages:
        raise PlatformFault("the broker does not answer")

    monkeypatch.setattr(reminders, "read_messages", refuse)
    assert remind(platform.context) == 0


def test_a_score_that_a_worker_computes_is_left_to_it(platform: Platform, broker: Messages) -> None:
    evaluation_id = platform.submit(platform.open_competition(make_spec()))
    while fetch(platform, evaluation_id).status != Status.SCORING:
        platform.step()
    platform.drop_messages()
    now = utc_now()
    with transaction(platform.engine) as session:
        fence = evaluations.claim_scoring(session, evaluation_id, now=now, until=now + timedelta(seconds=30))
        assert fence
        assert not evaluations.claim_scoring(session, evaluation_id, now=now, until=now + timedelta(seconds=30))
    assert remind(platform.context) == 0
    with transaction(platform.engine) as session:
        assert evaluations.renew_scoring(session, evaluation_id, fence, now - timedelta(seconds=1))
    assert remind(platform.context) == 1
    platform.run_until_quiet()
    assert fetch(platform, evaluation_id).verdict == Verdict.SCORED


def test_what_was_cancelled_is_not_reminded_of(platform: Platform, broker: Messages) -> None:
    evaluation_id = platform.submit(platform.open_competition(make_spec()))
    platform.drop_messages()
    with transaction(platform.engine) as session:
        row = evaluations.lock_evaluation(session, evaluation_id)
        assert row is not None
        evaluations.move(session, row, Status.CANCELLING)
    assert remind(platform.context) == 0


def test_a_problem_is_reminded_of_once_a_minute(platform: Platform, broker: Messages) -> None:
    with transaction(platform.engine) as session:
        register_competition(session, make_spec())
    platform.drop_messages()
    assert remind(platform.context) == 1
    platform.drop_messages()
    assert remind(platform.context) == 0
    for problem_id in platform.context.reminded:
        platform.context.reminded[problem_id] = utc_now()
    assert remind(platform.context) == 1


def test_training_that_keeps_failing_is_given_up_and_not_reminded_of(
    platform: Platform, broker: Messages, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise PlatformFault("no memory left")

    monkeypatch.setattr("worker.jobs.preparation._make_chunk", fail)
    spec = make_spec()
    with transaction(platform.engine) as session:
        register_competition(session, spec)
    platform.run_until_quiet()
    assert remind(platform.context) == 0
    assert "no memory left" in fetch_competition(platform, spec.slug).fault


def test_a_problem_that_a_worker_loads_is_neither_reminded_of_nor_loaded_twice(
    platform: Platform, broker: Messages, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction(platform.engine) as session:
        register_competition(session, make_spec())
    ((_, problem_id),) = platform.drop_messages()
    loads, load_stored = [], preparation.load_stored

    def load(context: WorkerContext, problem_id: str) -> LoadedProblem | None:
        loads.append(remind(context))
        preparation.prepare_problem(context, problem_id)
        return load_stored(context, problem_id)

    monkeypatch.setattr(preparation, "load_stored", load)
    preparation.prepare_problem(platform.context, problem_id)
    assert loads == [0]
    assert {task for task, _ in platform.drop_messages()} == {BUILD_CHUNK}


def test_a_problem_whose_worker_died_while_it_loaded_is_loaded_again(platform: Platform, broker: Messages) -> None:
    with transaction(platform.engine) as session:
        register_competition(session, make_spec())
    ((_, problem_id),) = platform.drop_messages()
    now = utc_now()
    with transaction(platform.engine) as session:
        assert competitions.claim_preparation(session, problem_id, now=now, until=now + timedelta(seconds=30))
    assert remind(platform.context) == 0
    with transaction(platform.engine) as session:
        assert competitions.renew_preparation(session, problem_id, now - timedelta(seconds=1))
    assert remind(platform.context) == 1
    platform.run_until_quiet()
    assert fetch_competition(platform, make_spec().slug).state == CompetitionState.OPEN
