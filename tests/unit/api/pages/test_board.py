from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from api.pages import board
from core.db.models.contests import Competition
from core.db.queries import teams
from core.db.session import transaction
from tests import factories
from tests.unit.api.conftest import Login

COMPETITION = "/competitions/digits"
PAGE = f"{COMPETITION}/leaderboard"


@pytest.fixture
def competition(engine: Engine) -> Competition:
    with transaction(engine) as session:
        return factories.make_competition(session, "digits")


def score(engine: Engine, competition: Competition, name: str, value: float) -> str:
    with transaction(engine) as session:
        return factories.make_scored(session, competition, factories.make_user(session, name), value).id


def find_moments(client: TestClient) -> list[str]:
    """Newest first."""
    items = client.get(f"/api/v1{PAGE}/changes").json()["items"]
    return [row["at"] for row in items]


def test_the_page_shows_the_board_as_it_stood(client: TestClient, engine: Engine, competition: Competition) -> None:
    for name, value in (("ann", 0.5), ("bob", 0.7)):
        score(engine, competition, name, value)
    text = client.get(PAGE, params={"as_of": find_moments(client)[1]}).text
    assert "As it stood at" in text
    assert "ann" in text
    assert "bob" not in text
    assert "data-live" not in text  # an earlier board does not change


def test_a_time_of_the_form_is_utc(client: TestClient, engine: Engine, competition: Competition) -> None:
    score(engine, competition, "ann", 0.5)
    assert "Nothing was scored by then" in client.get(PAGE, params={"as_of": "2020-01-01T12:00"}).text
    assert 'value="2020-01-01T12:00:00"' in client.get(PAGE, params={"as_of": "2020-01-01T13:00+01:00"}).text


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01T00:00", "0001-01-01T00:00:00+23:59", "<b>"])
def test_what_is_no_time_is_refused_in_words(client: TestClient, competition: Competition, text: str) -> None:
    answer = client.get(PAGE, params={"as_of": text}, headers={"Accept": "text/html"})
    assert answer.status_code == 422
    assert "is not a time such as" in answer.text
    assert "<b>" not in answer.text


def test_changes_say_who_moved_and_why_and_lead_to_the_board_after_them(
    client: TestClient, engine: Engine, competition: Competition, login: Callable[..., Login]
) -> None:
    best = score(engine, competition, "ann", 0.7)
    score(engine, competition, "bob", 0.5)
    path = f"/api/v1/admin/submissions/{best}/disqualify"
    client.post(path, json={"reason": "a copy"}, headers=login(role="organizer").headers)
    for page in (PAGE, f"{COMPETITION}/changes"):
        text = client.get(page).text
        assert text.count('<a href="/competitions/digits/leaderboard?as_of=') == 3
        assert "disqualified" in text
        assert "1 → none" in text
        assert "a copy" not in text


def test_the_list_of_changes_has_pages(
    client: TestClient, engine: Engine, competition: Competition, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "PAGE_LINES", 2)
    for name in ("ann", "bob", "carl"):
        score(engine, competition, name, 0.5)
    assert 'href="/competitions/digits/changes?before=2"' in client.get(f"{COMPETITION}/changes").text
    assert "ann" in client.get(f"{COMPETITION}/changes", params={"before": 2}).text


def test_a_board_without_changes_says_so(client: TestClient, competition: Competition) -> None:
    assert "Nothing has changed yet" in client.get(f"{COMPETITION}/changes").text


def test_a_long_board_has_pages_and_ranks_go_on(
    client: TestClient, engine: Engine, competition: Competition, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "PAGE_LINES", 2)
    for place in range(5):
        score(engine, competition, f"team{place}", 0.9 - 0.1 * place)
    first, middle, last = (client.get(PAGE, params={"offset": offset}).text for offset in (0, 2, 4))
    assert "Lines 1 to 2 of 5" in first
    assert 'rel="prev"' not in first
    assert 'href="/competitions/digits/leaderboard?offset=4#board" rel="next"' in middle
    assert '<td class="rank">5</td>' in last
    assert 'rel="next"' not in last
    assert "ends before this page" in client.get(PAGE, params={"offset": 99}).text


def test_members_find_their_own_place(
    client: TestClient,
    engine: Engine,
    competition: Competition,
    login: Callable[..., Login],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(board, "PAGE_LINES", 2)
    mine = login("mia")
    with transaction(engine) as session:
        team = teams.make_team_of_one(session, competition.id, mine.user)
    assert "has no rank yet" in client.get(PAGE, headers=mine.headers).text
    for place in range(3):
        score(engine, competition, f"team{place}", 0.9 - 0.1 * place)
    with transaction(engine) as session:
        own = factories.make_scored(session, competition, mine.user, 0.2, team_id=team.id).id
    text = client.get(PAGE, headers=mine.headers).text
    assert "stands at <strong>4</strong> of 4" in text
    assert f'href="/competitions/digits/leaderboard?offset=2#s-{own}"' in text
    assert f'id="s-{own}"' in client.get(PAGE, params={"offset": 2}).text
    assert "Your team" not in client.get(PAGE).text


def test_a_frozen_board_says_what_its_reader_sees(
    client: TestClient, engine: Engine, competition: Competition, login: Callable[..., Login]
) -> None:
    staff = login("olga", "organizer").headers
    score(engine, competition, "ann", 0.5)
    body = {"state": "frozen", "reason": "the last hour"}
    client.post("/api/v1/admin/competitions/digits/state", json=body, headers=staff)
    score(engine, competition, "bob", 0.7)
    public, live = client.get(PAGE).text, client.get(PAGE, headers=staff).text
    assert "the board stays as it was" in public
    assert "bob" not in public
    assert "you see the board live" in live
    assert "bob" in live


def test_exports_are_linked_and_of_the_moment_that_is_shown(
    client: TestClient, engine: Engine, competition: Competition
) -> None:
    score(engine, competition, "ann", 0.5)
    assert 'href="/api/v1/competitions/digits/leaderboard.csv?' in client.get(PAGE).text
    at = find_moments(client)[0]
    text = client.get(PAGE, params={"as_of": at}).text
    link = text.split('href="/api/v1/competitions/digits/leaderboard.csv?')[1].split('"')[0]
    assert client.get(f"/api/v1{PAGE}.csv?{link}").text.count("\n") == 2


@pytest.mark.parametrize(("exposure", "said"), [("practice", True), ("public", False)])
def test_a_board_on_open_data_says_that_it_never_ranks_for_prizes(
    client: TestClient, engine: Engine, exposure: str, *, said: bool
) -> None:
    with transaction(engine) as session:
        factories.make_competition(session, "digits", exposure=exposure)
    text = client.get(PAGE).text
    assert client.get(f"/api/v1{PAGE}").json()["is_practice"] is said
    assert ("It never ranks for prizes" in text) is said
    assert "of data beside code; native code is refused" in client.get(f"{COMPETITION}/data").text
