"""Boards under writers that are truly at once: PostgreSQL does not line them up as SQLite does."""

import threading

import pytest

from core.db.migrate import upgrade_database
from core.db.models.boards import BoardChange
from core.db.models.contests import Competition
from core.db.queries import boards, teams
from core.db.session import get_engine, reading, transaction
from core.domain.history import Cause
from tests import factories

pytestmark = pytest.mark.integration


def test_writers_at_once_leave_one_line_a_team_and_every_version_once(postgres_url: str) -> None:
    upgrade_database(postgres_url)
    engine = get_engine(postgres_url)
    with transaction(engine) as session:
        competition = factories.make_competition(session, "digits")
        users = [factories.make_user(session, name) for name in ("ann", "bob", "carl")]
        owners = [(user, teams.make_team_of_one(session, competition.id, user).id) for user in users]

    def enter(place: int) -> None:
        user, team_id = owners[place % 3]
        with transaction(engine) as session:
            row = session.get_one(Competition, competition.id)
            factories.make_scored(session, row, user, 0.2 + 0.05 * (place // 3), team_id=team_id)

    threads = [threading.Thread(target=enter, args=(place,)) for place in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with reading(engine) as session:
        board = boards.fetch_board(session, competition.id, competition.spec_id)
        assert board is not None
        lines = boards.fetch_lines(session, board.id, board.version, limit=100)
        changes = session.query(BoardChange).order_by(BoardChange.version).all()
        assert sorted((line.body["name"], line.body["score"]) for line in lines) == [
            (user.name, pytest.approx(0.35)) for user in users
        ]
        assert [row.version for row in changes] == list(range(1, board.version + 1))
        assert (changes[-1].digest, changes[-1].at) == (board.digest, board.changed_at)
        places = [boards.find_places(session, board.id, board.version, f"team:{team_id}") for _, team_id in owners]
        assert sorted(place for place, _ in places if place is not None) == [0, 1, 2]
        first = boards.find_ranked_evaluation(session, competition.id, competition.spec_id, 1)
        assert first is not None
        assert boards.find_version(session, board.id, changes[2].at) == 3
    with transaction(engine) as session:
        row = session.get_one(Competition, competition.id)
        assert not boards.refresh(session, row.id, row.spec_id, Cause.REJUDGED)  # nothing was missed
    engine.dispose()
