import re
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from api.leaderboard import rosters
from api.pages import board
from api.pages.charts.measures import MEASURES, MORE
from core.db.models.contests import Competition
from core.db.queries import teams
from core.db.session import transaction
from tests import factories
from tests.unit.api.conftest import Login

PAGE = "/competitions/digits/leaderboard"
ENTRIES = {"ann": (0.7, 0.08), "bob": (0.5, 0.02), "carl": (0.3, 0.04), "anna": (0.1, 0.06)}


@pytest.fixture
def competition(engine: Engine) -> Competition:
    rosters.forget()
    with transaction(engine) as session:
        row = factories.make_competition(session, "digits")
        for name, (score, runtime) in ENTRIES.items():
            user = factories.make_user(session, name)
            factories.make_scored(session, row, user, score, runtime=runtime, filename=f"{name}.py")
        greedy = factories.make_user(session, "greedy")
        factories.make_scored(session, row, greedy, 0.9, runtime=0.5, verdict="over_budget")
        return row


def read_names(text: str) -> list[str]:
    lines = text.partition('aria-label="Lines of the board"')[2].partition("</table>")[0]
    return re.findall(r'<th scope="row"><a href="[^"]+">([^<]+)</a>', lines)


@pytest.mark.usefixtures("competition")
def test_a_name_is_found_and_keeps_its_rank(client: TestClient) -> None:
    text = client.get(PAGE, params={"q": "ANN"}).text
    assert read_names(text) == ["ann", "anna"]
    assert '<td class="rank">4</td>' in text
    assert "No entry is called so" in client.get(PAGE, params={"q": "nobody"}).text


@pytest.mark.usefixtures("competition")
@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("", ["ann", "bob", "carl", "anna"]),
        ("score", ["ann", "bob", "carl", "anna"]),
        ("-score", ["anna", "carl", "bob", "ann"]),
        ("relative_runtime", ["bob", "carl", "anna", "ann"]),
        ("-relative_runtime", ["ann", "anna", "carl", "bob"]),
    ],
)
def test_the_list_is_sorted_by_the_server(client: TestClient, sort: str, names: list[str]) -> None:
    assert read_names(client.get(PAGE, params={"sort": sort}).text) == names


@pytest.mark.usefixtures("competition")
@pytest.mark.parametrize("address", ["?sort=password", "?x=secret", "?y=truly_better_than_next"])
def test_what_cannot_be_shown_is_refused_in_words(client: TestClient, address: str) -> None:
    answer = client.get(f"{PAGE}{address}", headers={"Accept": "text/html"})
    assert (answer.status_code, "to show; there are" in answer.text) == (422, True)


@pytest.mark.usefixtures("competition")
def test_a_quiet_board_has_five_columns_and_every_one_is_explained(client: TestClient) -> None:
    few, all_of_them = client.get(PAGE).text, client.get(PAGE, params={"columns": "all"}).text
    main = [text.partition('class="board')[2].partition("</thead>")[0].count("<th ") for text in (few, all_of_them)]
    assert main == [5, 5 + len(MORE) + 1]
    for key in MEASURES:
        assert f'popovertarget="why-{key}"' in all_of_them
        assert f'popover id="why-{key}"' in all_of_them


@pytest.mark.usefixtures("competition")
def test_what_is_over_the_budget_is_folded_below(client: TestClient) -> None:
    text = client.get(PAGE).text
    assert "greedy" not in read_names(text)
    fold = text.partition('<details class="over"')[2].partition("</details>")[0]
    assert "1 over the compute budget" in fold
    assert "greedy" in fold
    assert read_names(client.get(PAGE, params={"only": "over_budget"}).text) == ["greedy"]
    assert "greedy" in client.get(PAGE, params={"q": "greedy"}).text


def test_one_s_own_line_is_marked_and_no_one_else_s(
    client: TestClient, engine: Engine, competition: Competition, login: Callable[..., Login]
) -> None:
    mine, other = login("mia"), login("noa")
    with transaction(engine) as session:
        team = teams.make_team_of_one(session, competition.id, mine.user)
        factories.make_scored(session, competition, mine.user, 0.2, team_id=team.id)
    marks = [client.get(PAGE, headers=who).text.count('class="tag mine"') for who in (mine.headers, other.headers, {})]
    assert marks == [1, 0, 0]


def test_found_and_sorted_lines_have_pages_too(
    client: TestClient, competition: Competition, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "PAGE_LINES", 2)
    first, second = (client.get(PAGE, params={"sort": "-score", "offset": offset}).text for offset in (0, 2))
    assert read_names(first) + read_names(second) == ["anna", "carl", "bob", "ann"]
    assert "Lines 1 to 2 of 4" in first
    assert "offset=2" in first.partition('rel="next"')[0].rpartition("<a ")[2]


@pytest.mark.usefixtures("competition")
def test_a_chart_shows_the_measures_that_were_chosen(client: TestClient) -> None:
    text = client.get(PAGE, params={"y": "utility", "x": "submitted_at"}).text
    assert "Utility against date" in text
    assert 'data-x="submitted_at linear' in text
    assert "budget 10 %</text>" not in text


@pytest.mark.parametrize("query", ["as_of=2020-01-01T12:00", "phase=public", "offset=3"])
def test_links_to_the_board_where_it_once_stood_lead_to_it(
    client: TestClient, competition: Competition, query: str
) -> None:
    answer = client.get(f"/competitions/digits?{query}", follow_redirects=False)
    assert answer.status_code == 307
    assert answer.headers["location"].startswith("/competitions/digits/leaderboard?")
    assert client.get(f"/competitions/digits?{query}").status_code == 200
