"""What staff read and decide, on PostgreSQL: dates, JSON and sums are where the two databases differ."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from api.deps import Caller
from api.operations import service as operations
from api.rejudges import service as rejudges
from api.rejudges.schemas import RejudgeRequest
from api.review import service as review
from api.review.schemas import FlagDecisionRequest
from core.db.migrate import upgrade_database
from core.db.models.contests import Competition
from core.db.models.submissions import Evaluation
from core.db.queries import evaluations
from core.db.session import get_engine, transaction
from core.domain.access import Role
from core.domain.review import FlagState, FlagVerdict
from core.domain.submission import Status, Verdict
from tests import factories
from tests.scorecard_bodies import make_scorecard_body

pytestmark = pytest.mark.integration
STAFF = Caller("olga", "olga", Role.ORGANIZER)
FLAG = {"code": "no_op", "severity": "strong", "value": 0.01, "threshold": 0.1, "detail": "It moved nothing."}


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    upgrade_database(postgres_url)
    engine = get_engine(postgres_url)
    yield engine
    engine.dispose()


def fill(session: Session) -> Competition:
    """One scored and flagged, one that waits, one node."""
    competition = factories.make_competition(session, "digits")
    user = factories.make_user(session, "ann")
    submission = factories.make_submission(session, competition, user, team_id=None)
    row = factories.make_evaluation(session, submission, verdict="scored", score=0.5, score_low=0.4, score_high=0.6)
    factories.make_scorecard(session, row, make_scorecard_body() | {"flags": [FLAG]})
    factories.make_replicas(session, row, 4, cpu=0.5, wall=1.0)
    factories.make_evaluation(session, factories.make_submission(session, competition, user))
    factories.make_node(session, "one", workers=4)
    return competition


def test_queue_nodes_costs_and_flags_are_read_on_postgresql(engine: Engine) -> None:
    with transaction(engine) as session:
        fill(session)
    with transaction(engine) as session:
        queue = operations.load_queue(session)
        assert [(group.status, group.count) for group in queue.groups] == [(Status.QUEUED, 1)]
        assert (queue.replicas_left, queue.seconds_left) == (256, None)
        assert [node.name for node in operations.list_nodes(session).items] == ["one"]
        [line] = operations.load_costs(session, days=2, slug=None).items
        assert (line.replicas, line.cpu_seconds, line.wall_seconds) == (4, 2.0, 4.0)
        [entry] = review.list_flags(session, slug="digits", state=FlagState.OPEN, before=None).items
        decision = FlagDecisionRequest(decision=FlagVerdict.UPHELD, reason="it is the original")
        review.decide(session, entry.evaluation_id, "no_op", decision, STAFF)
        assert review.list_flags(session, slug=None, state=FlagState.OPEN, before=None).items == []
        assert len(review.list_flags(session, slug=None, state=FlagState.DECIDED, before=None).items) == 1


def test_a_rejudge_is_promoted_on_postgresql(engine: Engine) -> None:
    with transaction(engine) as session:
        fill(session)
    with transaction(engine) as session:
        request = RejudgeRequest(competition="digits", reason="a wrong rule", verdicts=[Verdict.SCORED])
        assert rejudges.make_plan(session, request, STAFF).cpu_seconds == 128.0
        rejudge_id = rejudges.start(session, request, STAFF).id
    with transaction(engine) as session:
        row = session.query(Evaluation).filter_by(rejudge_id=rejudge_id).one()
        row.score, row.score_low, row.score_high, row.status = 0.7, 0.65, 0.75, Status.SCORING.value
        evaluations.move(session, row, Status.FINISHED, verdict=Verdict.SCORED)
    with transaction(engine) as session:
        [move] = rejudges.compare(session, rejudge_id).ranking
        assert (move.old and move.old.score, move.new and move.new.score, move.overlaps) == (0.5, 0.7, False)
        rejudges.promote(session, rejudge_id, "compared", STAFF)
    with transaction(engine) as session:
        assert session.query(Evaluation).filter_by(rejudge_id=rejudge_id).one().counts
        assert rejudges.load(session, rejudge_id).is_complete
