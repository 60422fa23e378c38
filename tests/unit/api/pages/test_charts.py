from collections.abc import Callable
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from api.competitions.service import load_competition
from api.deps import ANONYMOUS
from api.leaderboard.schemas import Leaderboard
from api.leaderboard.service import make_leaderboard
from api.leaderboard.views import find_view
from api.pages.charts import CROWD, OWN, Mark, draw_landscape, draw_timeline, place_labels
from core.db.base import utc_now
from core.db.queries.history import fetch_own_team, fetch_records, fetch_scores_of
from core.db.queries.teams import store_team
from core.db.session import reading, transaction
from tests import factories
from tests.unit.api.conftest import Login

SCORES = {"ann": 0.3, "bob": 0.5, "eve": 0.4}


@pytest.fixture
def board(engine: Engine) -> Leaderboard:
    """ann, then bob, who is better, then eve, who is not; a reference, and one that spent too much."""
    with transaction(engine) as session:
        competition = factories.make_competition(session, "digits")
        for place, (name, score) in enumerate(SCORES.items()):
            row = factories.make_scored(session, competition, factories.make_user(session, name), score)
            row.created_at = utc_now() - timedelta(days=3 - place)
        staff = factories.make_user(session, "staff", role="organizer")
        factories.make_scored(session, competition, staff, 0.9, runtime=1.0, purpose="reference", filename="retrain.py")
        factories.make_scored(session, competition, staff, 0.6, runtime=0.3, verdict="over_budget")
        early = {"scored_replicas": 64, "decision": "behind"}
        factories.make_scored(session, competition, factories.make_user(session), 0.99, evaluation=early)
    with reading(engine) as session:
        view = find_view(session, load_competition(session, "digits"), ANONYMOUS)
        return make_leaderboard(session, view)


def test_the_landscape_puts_cheap_to_the_left_and_good_to_the_top(board: Leaderboard) -> None:
    chart = draw_landscape(board, own="eve")
    assert chart is not None
    marks = {mark.name: mark for mark in chart.marks}
    assert marks["bob"].y < marks["ann"].y
    assert marks["ann"].x < chart.budget < marks["retrain"].x
    assert [mark.name for mark in chart.marks if mark.kind == OWN] == ["eve"]
    assert "The highest score" in chart.description


def test_a_crowd_becomes_one_path_and_keeps_the_reader_apart(board: Leaderboard) -> None:
    one = next(entry for entry in board.entries if entry.name == "ann")
    many = [one.model_copy(update={"name": f"team {place}", "score": place / 2000}) for place in range(1000)]
    chart = draw_landscape(board.model_copy(update={"entries": many}), own="team 7")
    assert chart is not None
    assert len(chart.marks) <= CROWD
    assert len(chart.marks) + chart.crowd.count("M") == 1000
    assert OWN in {mark.kind for mark in chart.marks}


def test_names_never_cover_each_other() -> None:
    marks = [Mark(200, 100, 90, 110, "ranked", "", name) for name in ("one", "two", "three")]
    assert [label.text for label in place_labels(marks)] == ["one", "two"]  # left and right
    apart = [Mark(100 + 100 * place, 100, 90, 110, "ranked", "", "x") for place in range(3)]
    assert len(place_labels(apart)) == 3


def test_a_board_without_scores_has_no_charts(board: Leaderboard) -> None:
    empty = board.model_copy(update={"entries": []})
    assert draw_landscape(empty, own="") is None
    assert draw_timeline(empty, [], [], now=utc_now()) is None


def test_the_running_best_rises_with_each_record_only(engine: Engine, board: Leaderboard) -> None:
    with reading(engine) as session:
        competition = load_competition(session, "digits")
        records = fetch_records(session, competition.id, competition.spec_id)
    assert [(record.name, record.score) for record in records] == [("ann", 0.3), ("bob", 0.5)]
    chart = draw_timeline(board, records, [], now=utc_now())
    assert chart is not None
    assert chart.best.count("V") == 2
    assert chart.crowd.count("M") == 3  # of fewer replicas: not comparable, not shown


def test_one_s_own_scores_are_the_team_s(engine: Engine, login: Callable[..., Login]) -> None:
    user = login("ann").user
    with transaction(engine) as session:
        competition = factories.make_competition(session, "digits")
        team = store_team(session, competition.id, "the team", user.id)
        friend = factories.make_user(session, "friend")
        factories.make_scored(session, competition, friend, 0.2, team_id=team.id)
        factories.make_scored(session, competition, friend, 0.9)  # before they joined
    with reading(engine) as session:
        own = fetch_own_team(session, competition.id, user.id)
        assert own is not None
        found = fetch_scores_of(session, competition.id, competition.spec_id, user_id=user.id, team_id=own.id, limit=5)
    assert [(each.score, each.name) for each in found] == [(0.2, "the team")]


def test_the_board_shows_both_charts_and_marks_the_reader(
    client: TestClient, board: Leaderboard, login: Callable[..., Login], engine: Engine
) -> None:
    reader = login("zoe")
    with transaction(engine) as session:
        factories.make_scored(session, load_competition(session, "digits"), reader.user, 0.1)
    for headers, count in (({}, 0), (reader.headers, 2)):
        text = client.get("/competitions/digits", headers=headers).text
        assert 'aria-labelledby="landscape-title landscape-text"' in text
        assert 'aria-labelledby="timeline-title timeline-text"' in text
        assert text.count('<g class="mark own"><title>') == count
    assert "zoe: score 0.100, relative runtime 5.0 %" in text
