from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from core.db.base import utc_now
from core.db.models.accounts import User
from core.db.models.contests import Competition
from core.db.models.problems import EvaluationSpec
from core.db.models.submissions import Evaluation
from core.db.queries import data_sets, evaluations, outbox, pools
from core.db.session import transaction
from core.domain.cuts import cut_replicas
from core.domain.errors import Conflict, ContestError, NotFound, PhaseClosed, PlatformFault
from core.domain.leaderboard import Purpose
from core.domain.phases import PhaseKind
from core.domain.submission import HELD_AFTER, Status, Verdict
from core.domain.work import WorkState
from core.jobs import RUN_SHARD, SCORE
from core.lifecycle import CANCELLED, add_shards, finish_cancelled, open_evaluation, request_cancel, requeue
from tests import factories
from tests.database import make_database

SOON, LONG_AGO = timedelta(hours=1), timedelta(hours=-1)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return make_database(tmp_path)


def open_one(
    session: Session, *, purpose: Purpose = Purpose.RANKED, exposure: str = "practice", phase: str = "public"
) -> Evaluation:
    competition = factories.make_competition(session, exposure=exposure)
    submission = factories.make_submission(session, competition, factories.make_user(session), purpose=purpose)
    opened = open_evaluation(session, submission, find_spec(session, competition), phase=PhaseKind(phase))
    return lock(session, opened.id)


def find_spec(session: Session, competition: Competition) -> EvaluationSpec:
    return session.get_one(EvaluationSpec, competition.spec_id)


def lock(session: Session, evaluation_id: str) -> Evaluation:
    found = evaluations.lock_evaluation(session, evaluation_id)
    assert found is not None
    return found


def take_messages(session: Session) -> list[tuple[str, str]]:
    rows = outbox.fetch_unsent(session, utc_now())
    for row in rows:
        outbox.delete_message(session, row.id)
    return [(row.task, row.object_id) for row in rows]


def fail(session: Session, competition: Competition, user_id: str, *, team_id: str | None = None) -> Evaluation:
    """A submission at which the platform fails."""
    row = factories.make_submission(session, competition, session.get_one(User, user_id), team_id=team_id)
    opened = lock(session, open_evaluation(session, row, find_spec(session, competition)).id)
    evaluations.move(session, opened, Status.FINISHED, verdict=Verdict.PLATFORM_ERROR, reason="no sandbox")
    session.flush()
    return opened


def test_a_day_gives_back_so_many_platform_errors_of_an_author_and_no_more(engine: Engine) -> None:
    with transaction(engine) as session:
        competition = factories.make_competition(session, daily_refunds=2)
        ann, bob = factories.make_user(session, "ann").id, factories.make_user(session, "bob").id
        assert [fail(session, competition, ann).refunded for _ in range(3)] == [True, True, False]
        assert fail(session, competition, bob).refunded
        assert evaluations.count_submissions_since(session, competition.id, ann) == 1
        session.execute(update(Evaluation).values(finished_at=utc_now() - timedelta(days=1)))
        assert fail(session, competition, ann).refunded


def test_platform_errors_in_a_row_are_noticed_and_one_that_runs_ends_the_row(engine: Engine) -> None:
    with transaction(engine) as session:
        competition = factories.make_competition(session)
        ann = factories.make_user(session, "ann")
        seen = []
        for _ in range(HELD_AFTER):
            seen.append(evaluations.has_failed_repeatedly(session, competition.id, ann.id))
            fail(session, competition, ann.id)
        assert seen == [False] * HELD_AFTER
        assert evaluations.has_failed_repeatedly(session, competition.id, ann.id)
        factories.make_evaluation(session, factories.make_submission(session, competition, ann), verdict="bad_output")
        assert not evaluations.has_failed_repeatedly(session, competition.id, ann.id)


def test_an_entry_begins_with_its_canary_alone(engine: Engine) -> None:
    with transaction(engine) as session:
        row = open_one(session)
        assert (row.status, row.replicas_total, row.counts) == (Status.QUEUED, 256, True)
        assert [(shard.position, shard.first, shard.count) for shard in row.shards] == [(0, 0, 8)]
        assert take_messages(session) == [(RUN_SHARD, row.shards[0].id)]


def test_a_calibration_begins_with_two_shards_beside_each_other(engine: Engine) -> None:
    with transaction(engine) as session:
        row = open_one(session, purpose=Purpose.CALIBRATION)
        assert row.replicas_total == 16
        assert [(shard.position, shard.first, shard.count) for shard in row.shards] == [(0, 0, 8), (1, 8, 8)]


def test_the_rest_is_cut_into_shards_of_which_the_last_is_shorter(engine: Engine) -> None:
    with transaction(engine) as session:
        row = open_one(session)
        cuts = cut_replicas(256, requests=1, canary=8, size=100)
        add_shards(session, row, cuts[1:], position=1)
        cut = [(shard.position, shard.first, shard.count) for shard in lock(session, row.id).shards]
        assert sorted(cut) == [(0, 0, 8), (1, 8, 100), (2, 108, 100), (3, 208, 48)]


def test_nothing_hidden_is_practised_on(engine: Engine) -> None:
    with pytest.raises(PlatformFault, match="must be open"), transaction(engine) as session:
        open_one(session, purpose=Purpose.PRACTICE, exposure="public", phase="practice")


@pytest.mark.parametrize(
    ("module", "name", "error"), [(data_sets, "is_revoked", PhaseClosed), (pools, "has_retired", Conflict)]
)
def test_nothing_begins_on_revoked_data_or_against_retired_pools(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, module: object, name: str, error: type[ContestError]
) -> None:
    monkeypatch.setattr(module, name, lambda *_: True)
    with pytest.raises(error), transaction(engine) as session:
        open_one(session)


def test_what_no_worker_began_is_withdrawn_at_once(engine: Engine) -> None:
    with transaction(engine) as session:
        row = request_cancel(session, open_one(session).id, refunded=True)
        assert (row.status, row.verdict, row.reason) == (Status.FINISHED, Verdict.WITHDRAWN, CANCELLED)
        assert row.refunded
        assert [shard.state for shard in row.shards] == [WorkState.ABANDONED]


def test_what_a_worker_holds_is_withdrawn_once_it_let_go(engine: Engine) -> None:
    with transaction(engine) as session:
        opened = open_one(session)
        opened.shards[0].state, opened.shards[0].lease_until = WorkState.LEASED, utc_now() + SOON
        row = request_cancel(session, opened.id, reason="a mistake")
        assert (row.status, row.verdict) == (Status.CANCELLING, None)
        assert request_cancel(session, opened.id, reason="asked again").reason == "a mistake"
        finish_cancelled(session, row)
        assert (row.status, row.verdict, row.reason) == (Status.FINISHED, Verdict.WITHDRAWN, "a mistake")


def test_what_ended_or_never_was_cannot_be_cancelled(engine: Engine) -> None:
    with transaction(engine) as session:
        row = request_cancel(session, open_one(session).id)
        with pytest.raises(Conflict, match="already ended"):
            request_cancel(session, row.id)
        with pytest.raises(NotFound):
            request_cancel(session, "nobody")


@pytest.mark.parametrize(("lease", "sent"), [(SOON, 0), (LONG_AGO, 1)])
def test_a_shard_is_sent_again_unless_somebody_holds_it(engine: Engine, lease: timedelta, sent: int) -> None:
    with transaction(engine) as session:
        row = open_one(session)
        shard = row.shards[0]
        shard.state, shard.lease_until, shard.attempts = WorkState.LEASED, utc_now() + lease, 2
        take_messages(session)
        assert requeue(session, row) == sent
        assert take_messages(session) == [(RUN_SHARD, shard.id)] * sent
        assert (shard.state, shard.attempts) == ((WorkState.PENDING, 0) if sent else (WorkState.LEASED, 2))


def test_what_waits_for_its_score_is_scored_anew(engine: Engine) -> None:
    with transaction(engine) as session:
        row = open_one(session)
        row.status, row.score_attempts = Status.SCORING, 3
        take_messages(session)
        assert requeue(session, row) == 1
        assert row.score_attempts == 0
        assert take_messages(session) == [(SCORE, row.id)]
