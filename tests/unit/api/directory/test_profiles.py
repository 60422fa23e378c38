"""Who somebody is to others: only what boards show to who looks."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from core.db.models.contests import Competition
from core.db.session import transaction
from tests import factories
from tests.unit.api.conftest import Login

HTML = {"Accept": "text/html"}


def enter(engine: Engine, slug: str, who: Login, *, score: float | None = 0.5, state: str = "open") -> None:
    with transaction(engine) as session:
        competition = factories.make_competition(session, slug, state=state)
        team = factories.find_or_make_team(session, competition, who.user)
        if score is not None:
            factories.make_scored(session, competition, who.user, score, team_id=team.id)


def test_a_profile_lists_places_on_boards_and_nothing_else(
    client: TestClient, engine: Engine, login: Callable[..., Login]
) -> None:
    ann = login("ann")
    enter(engine, "digits", ann)
    enter(engine, "nothing-scored", ann, score=None)
    enter(engine, "secret-draft", ann, state="draft")
    found = client.get("/api/v1/users/ann").json()
    assert [(line["competition"], line["rank"], line["ranked"]) for line in found["history"]] == [("digits", 1, 1)]
    assert set(found) == {"name", "role", "created_at", "history"}
    page = client.get("/people/ann", headers=HTML).text
    assert "secret-draft" not in page
    assert "nothing-scored" not in page
    assert client.get("/api/v1/users/nobody").status_code == 404


def test_a_team_is_shown_with_its_members_once_it_stands_on_the_board(
    client: TestClient, engine: Engine, login: Callable[..., Login]
) -> None:
    ann = login("ann")
    enter(engine, "digits", ann)
    enter(engine, "other", ann, score=None)
    found = client.get("/api/v1/competitions/digits/teams/ann").json()
    assert (found["members"], found["place"]["rank"]) == (["ann"], 1)
    assert "/people/ann" in client.get("/competitions/digits/teams/ann", headers=HTML).text
    for path in ("other/teams/ann", "digits/teams/none", "none/teams/ann"):
        assert client.get(f"/api/v1/competitions/{path}").status_code == 404


@pytest.mark.parametrize(("state", "ranks"), [("open", [1]), ("frozen", [])])
def test_a_frozen_board_hides_what_came_after_from_profiles_too(
    client: TestClient, engine: Engine, login: Callable[..., Login], state: str, ranks: list[int]
) -> None:
    ann, olga = login("ann"), login("olga", "organizer").headers
    with transaction(engine) as session:
        competition = factories.make_competition(session, "digits")
        team = factories.find_or_make_team(session, competition, ann.user)
    if state == "frozen":
        body = {"state": "frozen", "reason": "last days"}
        client.post("/api/v1/admin/competitions/digits/state", json=body, headers=olga)
    with transaction(engine) as session:
        factories.make_scored(session, session.get_one(Competition, competition.id), ann.user, 0.5, team_id=team.id)
    shown = client.get("/api/v1/users/ann").json()["history"]
    assert [line["rank"] for line in shown] == ranks
    assert len(client.get("/api/v1/users/ann", headers=olga).json()["history"]) == 1
