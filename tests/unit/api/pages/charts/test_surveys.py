import random
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from api.competitions.service import load_competition
from api.deps import ANONYMOUS
from api.leaderboard.views import BoardView, find_view
from api.pages.charts import surveys
from api.pages.charts.figures import draw_landscape
from core.db.base import utc_now
from core.db.models.contests import Competition, Team
from core.db.models.submissions import Submission
from core.db.queries import boards, teams
from core.db.session import reading, transaction
from core.domain.history import Cause
from tests import factories
from tests.scorecard_bodies import make_scorecard_body
from tests.unit.api.conftest import Login

PAGE = "/competitions/digits/leaderboard"


@pytest.fixture(autouse=True)
def _begin_anew() -> None:
    surveys.forget()


@pytest.fixture
def competition(engine: Engine) -> Competition:
    with transaction(engine) as session:
        return factories.make_competition(session, "digits")


def score(engine: Engine, competition: Competition, name: str, value: float) -> str:
    with transaction(engine) as session:
        team = teams.fetch_team_by_name(session, competition.id, name)
        if team is None:
            team = teams.make_team_of_one(session, competition.id, factories.make_user(session, name))
        user = factories.make_user(session)
        return factories.make_scored(session, competition, user, value, team_id=team.id).id


def compare_with_fresh(engine: Engine, version: int | None = None) -> None:
    with reading(engine) as session:
        view: BoardView = find_view(session, load_competition(session, "digits"), ANONYMOUS, version=version)
        kept, fresh = surveys.find_survey(session, view), surveys.load_survey(session, view)
    assert (kept.marks, kept.came, kept.description) == (fresh.marks, fresh.came, fresh.description)
    assert draw_landscape(kept, own="ann") == draw_landscape(fresh, own="ann")


def test_what_is_kept_is_what_working_it_out_again_gives(engine: Engine, competition: Competition) -> None:
    rng = random.Random(5)
    for step in range(12):
        entry = score(engine, competition, rng.choice(["ann", "bob", "carl"]), round(rng.random(), 2))
        with transaction(engine) as session:
            if step % 4 == 2:
                session.get_one(Submission, entry).disqualified_at = utc_now()
                boards.refresh_submission(session, entry, competition.spec_id, Cause.DISQUALIFIED)
            if step % 4 == 3:
                team = session.query(Team).first()
                assert team is not None
                team.name = f"team {step}"
                boards.refresh_teams(session, competition.id, competition.spec_id, Cause.RENAMED, [team.id])
        for version in (None, rng.randint(0, step), None):  # earlier boards in between
            compare_with_fresh(engine, version)


def test_a_reader_s_own_mark_is_no_one_else_s(
    client: TestClient, engine: Engine, competition: Competition, login: Callable[..., Login]
) -> None:
    mine, other = login("mia"), login("noa")
    with transaction(engine) as session:
        team = teams.make_team_of_one(session, competition.id, mine.user)
        factories.make_scored(session, competition, mine.user, 0.4, team_id=team.id)
    own = '<g class="mark own"><title>mia: score'
    shown = [client.get(PAGE, headers=who).text.count(own) for who in ({}, mine.headers, other.headers, mine.headers)]
    assert shown == [0, 1, 0, 1]
    assert "Your team" not in client.get(PAGE).text
    assert "Your team" not in client.get(PAGE, headers=other.headers).text


def test_staff_who_look_first_show_nobody_what_came_after_the_freeze(
    client: TestClient, engine: Engine, competition: Competition, login: Callable[..., Login]
) -> None:
    staff = login("olga", "organizer").headers
    score(engine, competition, "ann", 0.5)
    body = {"state": "frozen", "reason": "the last hour"}
    client.post("/api/v1/admin/competitions/digits/state", json=body, headers=staff)
    score(engine, competition, "hidden team", 0.7)
    for headers, is_live in ((staff, True), ({}, False), (staff, True), ({}, False)):
        text = client.get(PAGE, headers=headers).text
        assert ("hidden team" in text) is is_live
        assert ("timeline-title" in text) is is_live
    body = {"state": "open", "reason": "it was a mistake"}
    client.post("/api/v1/admin/competitions/digits/state", json=body, headers=staff)
    assert "hidden team" in client.get(PAGE).text


def test_two_competitions_never_show_each_other_s(
    client: TestClient, engine: Engine, competition: Competition, login: Callable[..., Login]
) -> None:
    with transaction(engine) as session:
        other = factories.make_competition(session, "letters")
    score(engine, competition, "ann", 0.5)
    assert "landscape-title" not in client.get("/competitions/letters/leaderboard").text
    score(engine, other, "zoe", 0.6)
    texts = [client.get(f"/competitions/{slug}/leaderboard").text for slug in ("digits", "letters", "digits")]
    assert [("ann: score" in text, "zoe: score" in text) for text in texts] == [
        (True, False),
        (False, True),
        (True, False),
    ]


def test_the_private_phase_s_scores_are_in_no_chart(
    client: TestClient, engine: Engine, competition: Competition, login: Callable[..., Login]
) -> None:
    entry = score(engine, competition, "ann", 0.5)
    with transaction(engine) as session:
        phase = factories.make_private_phase(session, competition, state="scoring")
        row = session.get_one(Submission, entry)
        values = {"verdict": "scored", "score": 0.873, "relative_runtime": 0.05, "spec_id": phase.spec_id}
        factories.make_evaluation(session, row, phase="private", card=make_scorecard_body(0.873), **values)
    for headers in (login("olga", "organizer").headers, {}):
        text = client.get(PAGE, headers=headers).text
        assert "ann: score 0.500" in text
        assert "0.873" not in text


@pytest.mark.parametrize(("best", "is_cut"), [(0.06, True), (0.6, False)])
def test_a_scale_that_would_press_all_entries_to_the_floor_ends_at_the_best_of_them(
    client: TestClient, engine: Engine, competition: Competition, best: float, is_cut: bool
) -> None:
    score(engine, competition, "ann", best)
    with transaction(engine) as session:
        staff = factories.make_user(session, role="organizer")
        factories.make_scored(session, competition, staff, 0.97, runtime=1.0, purpose="reference", filename="r.py")
    with reading(engine) as session:
        survey = surveys.load_survey(session, find_view(session, load_competition(session, "digits"), ANONYMOUS))
    places = {mark.name: mark.y for mark in survey.marks}
    assert (places["ann"] < (surveys.TOP + surveys.BOTTOM) / 2) is True
    assert (places["r"] == surveys.TOP) is is_cut
    assert ("above it" in survey.note) is is_cut
    assert survey.ceiling is None or not is_cut
    page = client.get(PAGE).text
    assert ("the ceiling, 0.980, lies above it" in page) is is_cut
