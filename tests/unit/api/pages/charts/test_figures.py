from collections.abc import Callable
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from api.competitions.service import load_competition
from api.deps import ANONYMOUS
from api.leaderboard.service import load_lines
from api.leaderboard.views import find_view
from api.pages.charts.figures import CROWD, OWN, draw_landscape, draw_timeline, place_labels
from api.pages.charts.surveys import Mark, Survey, survey_lines
from core.db.base import utc_now
from core.db.board import StoredLine
from core.db.queries.history import fetch_own_team, fetch_scores_of
from core.db.queries.records import fetch_records
from core.db.queries.teams import store_team
from core.db.session import reading, transaction
from tests import factories
from tests.unit.api.conftest import Login

SCORES = {"ann": 0.3, "bob": 0.5, "eve": 0.4}


@pytest.fixture
def lines(engine: Engine) -> list[StoredLine]:
    """ann, then bob, who is better, then eve, who is not; a reference, and one that spent too much."""
    with transaction(engine) as session:
        competition = factories.make_competition(session, "digits")
        for place, (name, score) in enumerate(SCORES.items()):
            at = utc_now() - timedelta(days=3 - place)
            factories.make_scored(session, competition, factories.make_user(session, name), score, created_at=at)
        staff = factories.make_user(session, "staff", role="organizer")
        factories.make_scored(session, competition, staff, 0.9, runtime=1.0, purpose="reference", filename="retrain.py")
        factories.make_scored(session, competition, staff, 0.6, runtime=0.3, verdict="over_budget")
        early = {"scored_replicas": 64, "decided_early": True}
        factories.make_scored(session, competition, factories.make_user(session), 0.99, evaluation=early)
    with reading(engine) as session:
        view = find_view(session, load_competition(session, "digits"), ANONYMOUS)
        return load_lines(session, view, limit=100)


def survey(lines: list[StoredLine]) -> Survey:
    return survey_lines(lines, budget=0.2, ceiling=0.8)


def test_the_landscape_puts_cheap_to_the_left_and_good_to_the_top(lines: list[StoredLine]) -> None:
    chart = draw_landscape(survey(lines), own="eve")
    assert chart is not None
    marks = {mark.name: mark for mark in chart.marks}
    assert marks["bob"].y < marks["ann"].y
    assert chart.budget is not None
    assert marks["ann"].x < chart.budget < marks["retrain"].x
    assert [mark.name for mark in chart.marks if mark.kind == OWN] == ["eve"]
    assert "The highest score" in chart.description


def make_crowd(lines: list[StoredLine], *scores: float) -> list[StoredLine]:
    one = next(line for line in lines if line.body["name"] == "ann")
    each = {"score_low": None, "score_high": None}
    return [
        one._replace(body={**one.body, **each, "name": f"team {place}", "score": score})
        for place, score in enumerate(scores)
    ]


def test_a_crowd_becomes_one_path_and_keeps_the_reader_apart(lines: list[StoredLine]) -> None:
    many = make_crowd(lines, *(place / 130 for place in range(130)))
    chart = draw_landscape(survey(many), own="team 7")
    assert chart is not None
    assert len(chart.marks) <= CROWD
    assert len(chart.marks) + chart.crowd.count("M") == 130
    assert OWN in {mark.kind for mark in chart.marks}


def test_dots_that_would_cover_each_other_are_one(lines: list[StoredLine]) -> None:
    many = survey(make_crowd(lines, *(place / 4000 for place in range(2000))))
    chart = draw_landscape(many, own="")
    assert chart is not None
    alone = {mark.name for mark in chart.marks}
    twin = {(round(mark.x), round(mark.y)) for mark in many.marks if mark.name not in alone}
    assert chart.crowd.count("M") == len(twin) < 300
    assert all(f"M{x} {y}h0" in chart.crowd for x, y in twin)


def test_names_never_cover_each_other() -> None:
    names = ("one", "two", "three", "four", "five")
    marks = [Mark(200, 100, 90, 110, "ranked", "", name) for name in names]
    assert [label.text for label in place_labels(marks)] == list(names[:4])  # right, left, above, below
    apart = [Mark(100 + 100 * place, 100, 90, 110, "ranked", "", "x") for place in range(3)]
    assert len(place_labels(apart)) == 3


def test_a_board_without_scores_has_no_charts() -> None:
    assert draw_landscape(survey([]), own="") is None
    assert draw_timeline(survey([]), [], [], now=utc_now()) is None


def test_the_running_best_rises_with_each_record_only(engine: Engine, lines: list[StoredLine]) -> None:
    with reading(engine) as session:
        competition = load_competition(session, "digits")
        records = fetch_records(session, competition.id, competition.spec_id)
    assert [(record.name, record.score) for record in records] == [("ann", 0.3), ("bob", 0.5)]
    chart = draw_timeline(survey(lines), records, [], now=utc_now())
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
    client: TestClient, lines: list[StoredLine], login: Callable[..., Login], engine: Engine
) -> None:
    reader = login("zoe")
    with transaction(engine) as session:
        factories.make_scored(session, load_competition(session, "digits"), reader.user, 0.1)
    for headers, count in (({}, 0), (reader.headers, 2)):
        text = client.get("/competitions/digits/leaderboard", headers=headers).text
        assert 'aria-labelledby="landscape-title landscape-text"' in text
        assert 'aria-labelledby="timeline-title timeline-text"' in text
        assert text.count('<g class="mark own"><title>') == count
    assert "zoe: score 0.100, runtime 5.0 %" in text
