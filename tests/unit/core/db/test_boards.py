import threading
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from core.db.base import new_id
from core.db.models.boards import Board, BoardChange, BoardLine
from core.db.models.contests import Competition, Team
from core.db.models.submissions import Evaluation, Submission
from core.db.queries import boards, evaluations, teams
from core.db.session import reading, transaction
from core.domain.history import Cause, hash_change
from core.domain.leaderboard import Place
from core.domain.submission import Status, Verdict
from tests import factories
from tests.database import make_database


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return make_database(tmp_path)


@pytest.fixture
def competition(engine: Engine) -> Competition:
    with transaction(engine) as session:
        return factories.make_competition(session, "digits")


def enter(engine: Engine, competition: Competition, name: str, score: float, **values: str) -> Submission:
    """A scored submission of the team of one under that name."""
    with transaction(engine) as session:
        team = teams.fetch_team_by_name(session, competition.id, name)
        if team is None:
            team = teams.make_team_of_one(session, competition.id, factories.make_user(session, name))
        user = factories.make_user(session)
        return factories.make_scored(session, competition, user, score, team_id=team.id, **values)


def read(engine: Engine, competition: Competition, version: int | None = None) -> list[tuple[str, float]]:
    with reading(engine) as session:
        board = boards.fetch_board(session, competition.id, competition.spec_id)
        assert board is not None
        shown = board.version if version is None else version
        lines = boards.fetch_lines(session, board.id, shown, limit=100)
        return [(line.body["name"], line.body["score"]) for line in lines]


def list_changes(engine: Engine, competition: Competition) -> list[BoardChange]:
    with reading(engine) as session:
        board = boards.fetch_board(session, competition.id, competition.spec_id)
        assert board is not None
        return boards.fetch_changes(session, board.id, upto=board.version, limit=100)[::-1]


def disqualify(engine: Engine, submission: Submission) -> None:
    with transaction(engine) as session:
        row = session.get_one(Submission, submission.id)
        row.disqualified_at = row.created_at
        spec_id = session.get_one(Competition, row.competition_id).spec_id
        boards.refresh_submission(session, row.id, spec_id, Cause.DISQUALIFIED)


def test_every_version_stays_what_it_was(engine: Engine, competition: Competition) -> None:
    for name, score in (("ann", 0.3), ("bob", 0.5), ("ann", 0.7)):
        enter(engine, competition, name, score)
    assert [read(engine, competition, version) for version in range(4)] == [
        [],
        [("ann", 0.3)],
        [("bob", 0.5), ("ann", 0.3)],
        [("ann", 0.7), ("bob", 0.5)],
    ]


def test_a_change_says_whose_line_moved_from_where_to_where(engine: Engine, competition: Competition) -> None:
    for name, score in (("ann", 0.3), ("bob", 0.5), ("ann", 0.7)):
        last = enter(engine, competition, name, score)
    disqualify(engine, last)
    assert [(row.name, row.cause, row.rank_before, row.rank_after) for row in list_changes(engine, competition)] == [
        ("ann", "scored", None, 1),
        ("bob", "scored", None, 1),
        ("ann", "scored", 2, 1),
        ("ann", "disqualified", 1, 2),
    ]


def test_a_worse_attempt_changes_nothing(engine: Engine, competition: Competition) -> None:
    enter(engine, competition, "ann", 0.5)
    enter(engine, competition, "ann", 0.4)
    assert len(list_changes(engine, competition)) == 1


def test_the_newest_attempt_at_a_submission_counts(engine: Engine, competition: Competition) -> None:
    submission = enter(engine, competition, "ann", 0.5)
    with transaction(engine) as session:
        row = session.get_one(Submission, submission.id)
        factories.make_evaluation(session, row, verdict="platform_error")
    assert read(engine, competition) == []
    assert list_changes(engine, competition)[-1].cause == "ended"


def test_ending_an_evaluation_puts_it_on_the_board(engine: Engine, competition: Competition) -> None:
    with transaction(engine) as session:
        user = factories.make_user(session, "ann")
        submission = factories.make_submission(session, competition, user)
        row = factories.make_evaluation(session, submission, status="scoring", score=0.4, score_low=0.3, score_high=0.5)
        factories.make_scorecard(session, row)
        locked = evaluations.lock_evaluation(session, row.id)
        assert locked is not None
        evaluations.move(session, locked, Status.FINISHED, verdict=Verdict.SCORED)
    assert read(engine, competition) == [("ann", 0.4)]


def test_a_calibration_is_on_no_board(engine: Engine, competition: Competition) -> None:
    with transaction(engine) as session:
        factories.make_scored(session, competition, factories.make_user(session), purpose="calibration")
        assert boards.fetch_board(session, competition.id, competition.spec_id) is None


def test_a_team_shows_its_best_and_below_what_was_over_the_budget(engine: Engine, competition: Competition) -> None:
    enter(engine, competition, "ann", 0.5)
    with transaction(engine) as session:
        team = teams.fetch_team_by_name(session, competition.id, "ann")
        assert team is not None
        user = factories.make_user(session)
        factories.make_scored(session, competition, user, 0.9, verdict="over_budget", team_id=team.id)
    with reading(engine) as session:
        board = boards.fetch_board(session, competition.id, competition.spec_id)
        assert board is not None
        assert boards.find_places(session, board.id, board.version, f"team:{team.id}") == (0, 1)
        assert boards.count_lines(session, board.id, board.version) == {
            Place.RANKED: 1,
            Place.REFERENCE: 0,
            Place.OVER_BUDGET: 1,
            Place.HELD: 0,
        }


def test_two_lines_of_one_owner_are_refused_by_the_database(engine: Engine, competition: Competition) -> None:
    enter(engine, competition, "ann", 0.5)
    with pytest.raises(IntegrityError), transaction(engine) as session:
        values = {column.key: getattr(session.query(BoardLine).one(), column.key) for column in BoardLine.__table__.c}
        session.add(BoardLine(**{**values, "id": new_id()}))


def test_writers_at_once_leave_one_line_a_team_and_every_version_once(engine: Engine, competition: Competition) -> None:
    names = ["ann", "bob", "carl"]
    for name in names:
        enter(engine, competition, name, 0.1)
    threads = [
        threading.Thread(target=enter, args=(engine, competition, names[k % 3], 0.2 + 0.05 * (k // 3)))
        for k in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    changes = list_changes(engine, competition)
    assert [row.version for row in changes] == list(range(1, len(changes) + 1))
    assert sorted(read(engine, competition)) == [(name, pytest.approx(0.35)) for name in names]
    assert all(one.at < other.at for one, other in pairwise(changes))


def test_the_digests_chain_what_came_and_went(engine: Engine, competition: Competition) -> None:
    first = enter(engine, competition, "ann", 0.3)
    enter(engine, competition, "ann", 0.6)
    previous = ""
    with reading(engine) as session:
        for change in list_changes(engine, competition):
            lines = session.query(BoardLine).filter_by(board_id=change.board_id).all()
            previous = hash_change(
                previous,
                version=change.version,
                at=change.at,
                cause=Cause(change.cause),
                gone=[line.evaluation_id for line in lines if line.until_version == change.version],
                come=[line.body for line in lines if line.since_version == change.version],
            )
            assert change.digest == previous
        assert session.query(Board).one().digest == previous
    assert first.id


def test_a_moment_has_the_board_of_the_last_change_before_it(engine: Engine, competition: Competition) -> None:
    for score in (0.3, 0.6):
        enter(engine, competition, "ann", score)
    first, second = list_changes(engine, competition)
    with reading(engine) as session:
        found = [
            boards.find_version(session, first.board_id, at)
            for at in (first.at - boards.TICK, first.at, second.at - boards.TICK, second.at)
        ]
    assert found == [0, 1, 1, 2]


def test_a_renamed_and_a_merged_team_move_with_a_cause(engine: Engine, competition: Competition) -> None:
    for name, score in (("ann", 0.3), ("bob", 0.5)):
        enter(engine, competition, name, score)
    with transaction(engine) as session:
        ann, bob = (teams.fetch_team_by_name(session, competition.id, name) for name in ("ann", "bob"))
        assert ann is not None
        assert bob is not None
        session.get_one(Team, bob.id).name = "bobcats"
        boards.refresh_teams(session, competition.id, competition.spec_id, Cause.RENAMED, [bob.id])
        ids = [ann.id, bob.id]
        teams.move_everything(session, bob, ann)
        boards.refresh_teams(session, competition.id, competition.spec_id, Cause.MERGED, ids)
    assert read(engine, competition) == [("ann", 0.5)]
    assert [(row.cause, row.name, row.rank_after) for row in list_changes(engine, competition)[2:]] == [
        ("renamed", "bobcats", 1),
        ("merged", "ann", 1),
    ]


def test_refreshing_everybody_finds_what_nobody_reported(engine: Engine, competition: Competition) -> None:
    for name, score in (("ann", 0.3), ("bob", 0.5)):
        enter(engine, competition, name, score)
    with transaction(engine) as session:
        for row in session.query(Evaluation):
            row.score = 1.0 - (row.score or 0.0)
            session.add(row)
        session.query(BoardLine).update({"body": {}})
        assert boards.refresh(session, competition.id, competition.spec_id, Cause.REJUDGED)
        assert not boards.refresh(session, competition.id, competition.spec_id, Cause.REJUDGED)
    assert read(engine, competition) == [("ann", 0.7), ("bob", 0.5)]
    assert list_changes(engine, competition)[-1].lines == 4


def test_the_order_comes_from_an_index_without_sorting(engine: Engine, competition: Competition) -> None:
    enter(engine, competition, "ann", 0.3)
    with reading(engine) as session:
        plan = session.execute(
            text(
                "EXPLAIN QUERY PLAN SELECT body FROM board_lines WHERE board_id = 'x' AND since_version <= 5 AND"
                " (until_version IS NULL OR until_version > 5) ORDER BY is_below, is_early, score_key, runtime_key,"
                " accepted_at, id LIMIT 10"
            )
        ).all()
    assert any("ix_board_lines_order" in row[3] for row in plan)
