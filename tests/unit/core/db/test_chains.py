"""A board that was altered behind the platform's back says so, and since when."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from core.db.models.contests import Competition
from core.db.models.submissions import Submission
from core.db.queries import boards, chains
from core.db.queries.teams import make_team_of_one
from core.db.session import reading, transaction
from core.domain.history import Cause
from tests import factories
from tests.database import make_database


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """Five changes: three teams score, the second is disqualified and reinstated."""
    engine = make_database(tmp_path)
    with transaction(engine) as session:
        competition = factories.make_competition(session, "digits")
        for name, score in (("ann", 0.3), ("bob", 0.5), ("eve", 0.4)):
            user = factories.make_user(session, name)
            team = make_team_of_one(session, competition.id, user)
            row = factories.make_scored(session, competition, user, score, team_id=team.id, filename=f"{name}.py")
            if name == "bob":
                moderate(session, row, Cause.DISQUALIFIED)
                moderate(session, row, Cause.REINSTATED)
    return engine


def moderate(session: Session, row: Submission, cause: Cause) -> None:
    row.disqualified_at = row.created_at if cause is Cause.DISQUALIFIED else None
    boards.refresh_everywhere(session, row.id, cause)


def find_break(engine: Engine) -> tuple[int, str] | None:
    with reading(engine) as session:
        competition_id = session.scalars(select(Competition.id)).one()
        [kept] = chains.fetch_boards(session, competition_id)
        found = chains.find_break(session, kept.board)
        return (found.version, found.reason) if found else None


def test_a_board_that_nobody_touched_holds(engine: Engine) -> None:
    assert find_break(engine) is None


@pytest.mark.parametrize(
    ("deed", "version", "reason"),
    [
        ("UPDATE board_lines SET body = replace(body, '0.3', '0.9') WHERE since_version = 1", 1, "was altered"),
        ("UPDATE board_lines SET score_key = -0.9 WHERE since_version = 1", 1, "place differs"),
        ("UPDATE board_lines SET place = 'reference' WHERE since_version = 5", 5, "place differs"),
        ("UPDATE board_lines SET until_version = 4 WHERE until_version = 3", 3, "was altered"),
        ("UPDATE board_lines SET until_version = 7 WHERE since_version = 5", 6, "a change that does not exist"),
        ("UPDATE board_lines SET since_version = 6 WHERE since_version = 5", 5, "was altered"),
        ("DELETE FROM board_lines WHERE since_version = 4", 4, "was altered"),
        ("UPDATE board_changes SET cause = 'renamed' WHERE version = 3", 3, "was altered"),
        ("UPDATE board_changes SET cause = 'nothing' WHERE version = 3", 3, "was altered"),
        ("UPDATE board_changes SET at = '2020-01-01 00:00:00' WHERE version = 2", 2, "was altered"),
        ("UPDATE board_changes SET digest = 'f' WHERE version = 2", 2, "was altered"),
        ("DELETE FROM board_changes WHERE version = 3", 3, "the change is missing"),
        ("DELETE FROM board_changes WHERE version = 5", 5, "a change that does not exist"),
        ("UPDATE boards SET version = 9", 5, "head"),
        ("UPDATE boards SET digest = 'f'", 5, "head"),
    ],
)
def test_tampering_shows_at_the_change_it_was_done_to(engine: Engine, deed: str, version: int, reason: str) -> None:
    with transaction(engine) as session:
        assert session.execute(text(deed)).rowcount > 0  # type: ignore[attr-defined]
    found = find_break(engine)
    assert found is not None
    assert (found[0], reason in found[1]) == (version, True)
