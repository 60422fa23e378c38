"""What a hidden problem told a team is counted, shown to staff, and has an end."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from core.db.models.contests import Competition
from core.db.models.submissions import Evaluation
from core.db.queries import leaks
from core.db.session import transaction
from core.domain.leaks import CLIMB_BITS, RUN_BITS
from core.domain.submission import Hold
from tests import factories
from tests.unit.api.conftest import Login
from tests.unit.api.submissions.test_hidden_runs import RUN, Contest, contest

__all__ = ["contest"]


def find_hold(contest: Contest) -> Hold | None:
    """Whether a submission that the team makes now would wait."""
    with transaction(contest.engine) as session:
        competition = session.get_one(Competition, contest.competition.id)
        row = factories.make_submission(session, competition, contest.ann.user)
        evaluation = factories.make_evaluation(session, row)
        return leaks.find_hold(session, competition, evaluation, contest.ann.user.id)


def allow(contest: Contest, bits: int) -> None:
    with transaction(contest.engine) as session:
        session.get_one(Competition, contest.competition.id).leak_bits = bits


def test_what_runs_and_scores_told_is_added_up_for_staff(contest: Contest) -> None:
    for score in (0.2, 0.5):
        contest.add_scored(score)
    with transaction(contest.engine) as session:
        competition = session.merge(contest.competition)
        team = factories.find_or_make_team(session, competition, contest.ann.user)
        row = factories.make_submission(session, competition, contest.ann.user, team_id=team.id)
        factories.make_evaluation(session, row, verdict="runtime_error", code="EXCEPTION", **RUN)
    (line,) = contest.get("/admin/leaks?competition=faces", contest.olga).json()["items"]
    assert (line["team"], line["problem"], line["runs"], line["climbs"]) == ("ann", "faces", 3, 2)
    assert line["bits"] == pytest.approx(3 * RUN_BITS + 2 * CLIMB_BITS)
    assert (line["limit"], line["is_spent"]) == (5_000, False)
    page = contest.client.get("/admin/leaks", headers=contest.olga.headers | {"Accept": "text/html"}).text
    assert f"{line['bits']:.0f}" in page


def test_over_its_bits_a_teams_next_submission_waits_for_staff(contest: Contest) -> None:
    contest.add_scored(0.5)
    allow(contest, int(CLIMB_BITS + 3 * RUN_BITS))
    assert find_hold(contest) is None
    allow(contest, int(CLIMB_BITS + RUN_BITS))
    assert find_hold(contest) is Hold.LEAKS
    assert next(line["is_spent"] for line in contest.get("/admin/leaks", contest.olga).json()["items"])


def test_an_open_problem_tells_everything_anyway(
    contest: Contest, client: TestClient, engine: Engine, login: Callable[..., Login]
) -> None:
    contest.add_scored(0.5)
    with transaction(engine) as session:
        competition = factories.make_competition(session, "open", leak_bits=1)
        team = factories.find_or_make_team(session, competition, contest.ann.user)
        row = factories.make_scored(session, competition, contest.ann.user, 0.5, team_id=team.id)
        evaluation = session.query(Evaluation).filter_by(submission_id=row.id).one()
        assert leaks.find_hold(session, competition, evaluation, contest.ann.user.id) is None
    assert {line["competition"] for line in contest.get("/admin/leaks", contest.olga).json()["items"]} == {"faces"}


def test_participants_do_not_see_it(contest: Contest) -> None:
    assert contest.get("/admin/leaks").status_code == 403
