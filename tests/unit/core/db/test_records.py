import random
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from core.db.base import utc_now
from core.db.models.boards import Board
from core.db.models.contests import Competition, Team
from core.db.models.submissions import Evaluation, Submission
from core.db.queries import boards, history, records, teams
from core.db.session import reading, transaction
from core.domain.history import Cause
from tests import factories
from tests.database import make_database

NAMES = ("ann", "bob", "carl", "dora")


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return make_database(tmp_path)


@pytest.fixture
def competition(engine: Engine) -> Competition:
    with transaction(engine) as session:
        competition = factories.make_competition(session, "digits")
        for name in NAMES:
            teams.make_team_of_one(session, competition.id, factories.make_user(session, name))
        return competition


def enter(engine: Engine, competition: Competition, rng: random.Random) -> None:
    with transaction(engine) as session:
        team = teams.fetch_team_by_name(session, competition.id, rng.choice(NAMES))
        if team is None:  # merged away
            return
        kind = rng.choice(["scored", "scored", "scored", "over_budget", "early", "reference"])
        early = {"scored_replicas": 64, "decided_early": True} if kind == "early" else {}
        owner = {"purpose": "reference"} if kind == "reference" else {"team_id": team.id}
        verdict = "over_budget" if kind == "over_budget" else "scored"
        at = utc_now() - timedelta(minutes=rng.randint(0, 500))  # evaluations do not end in the order of acceptance
        user, score = factories.make_user(session), round(rng.random(), 2)
        factories.make_scored(
            session, competition, user, score, verdict=verdict, created_at=at, evaluation=early, **owner
        )


def disqualify(engine: Engine, competition: Competition, rng: random.Random) -> None:
    with transaction(engine) as session:
        row = rng.choice(session.query(Submission).all())
        row.disqualified_at = None if row.disqualified_at else utc_now()
        boards.refresh_submission(session, row.id, competition.spec_id, Cause.DISQUALIFIED)


def rejudge(engine: Engine, competition: Competition, rng: random.Random) -> None:
    with transaction(engine) as session:
        row = rng.choice(session.query(Submission).all())
        factories.make_evaluation(session, row, verdict="scored", score=round(rng.random(), 2))


def promote(engine: Engine, competition: Competition, rng: random.Random) -> None:
    with transaction(engine) as session:
        for row in rng.sample(session.query(Evaluation).all(), 2):
            row.score = round(rng.random(), 2)
        boards.refresh(session, competition.id, competition.spec_id, Cause.REJUDGED)


def merge(engine: Engine, competition: Competition, rng: random.Random) -> None:
    with transaction(engine) as session:
        one, other = rng.sample(session.query(Team).all(), 2)
        ids = [one.id, other.id]
        teams.move_everything(session, one, other)
        boards.refresh_teams(session, competition.id, competition.spec_id, Cause.MERGED, ids)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_kept_is_what_reading_every_score_finds(engine: Engine, competition: Competition, seed: int) -> None:
    rng = random.Random(seed)
    enter(engine, competition, rng)
    steps = [*[enter] * 14, *[disqualify] * 6, *[rejudge] * 4, promote, promote, merge]
    rng.shuffle(steps)
    for step in [enter, enter, *steps]:
        step(engine, competition, rng)
        with reading(engine) as session:
            kept = records.fetch_records(session, competition.id, competition.spec_id)
            twin = history.fetch_rises(session, competition.id, competition.spec_id)
            assert session.query(Board.records).scalar() is not None
        assert [(each.submission_id, each.at, each.score) for each in kept] == [
            (each.submission_id, each.at, each.score) for each in twin
        ], step.__name__


def test_a_board_from_before_they_were_kept_reads_every_score_once(engine: Engine, competition: Competition) -> None:
    rng = random.Random(1)
    for _ in range(6):
        enter(engine, competition, rng)
    with transaction(engine) as session:
        kept = records.fetch_records(session, competition.id, competition.spec_id)
        session.query(Board).update({"records": None})
    with transaction(engine) as session:
        assert records.fetch_records(session, competition.id, competition.spec_id) == kept
        boards.refresh(session, competition.id, competition.spec_id, Cause.REJUDGED)
    with reading(engine) as session:
        assert session.query(Board).one().records


def test_names_are_those_of_now(engine: Engine, competition: Competition) -> None:
    with transaction(engine) as session:
        team = session.query(Team).filter_by(name="ann").one()
        factories.make_scored(session, competition, factories.make_user(session), 0.4, team_id=team.id)
        team.name = "annabel"
    with reading(engine) as session:
        found = records.fetch_records(session, competition.id, competition.spec_id)
    assert [each.name for each in found] == ["annabel"]
