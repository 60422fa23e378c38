import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from api.leaderboard import service, walks
from core.db.models.contests import Competition
from core.db.models.submissions import Evaluation
from core.db.queries import evaluations, teams
from core.db.session import transaction
from core.domain.submission import Status, Verdict
from tests import factories
from tests.unit.api.conftest import Login

URL = "/api/v1/competitions/digits/leaderboard"
CSV = f"{URL}.csv"
ME = f"{URL}/me"
CHANGES = f"{URL}/changes"


@pytest.fixture
def competition(engine: Engine) -> Competition:
    with transaction(engine) as session:
        return factories.make_competition(session, "digits", exposure="private")


def score(engine: Engine, competition: Competition, name: str, value: float, **values: str) -> str:
    with transaction(engine) as session:
        team = teams.fetch_team_by_name(session, competition.id, name)
        if team is None:
            user = factories.make_user(session, name)
            team = teams.make_team_of_one(session, competition.id, user)
        owner = factories.make_user(session)
        return factories.make_scored(session, competition, owner, value, team_id=team.id, **values).id


@pytest.fixture
def organizer(login: Callable[..., Login]) -> dict[str, str]:
    return login("olga", "organizer").headers


def move(client: TestClient, headers: dict[str, str], state: str) -> None:
    body = {"state": state, "reason": "a test"}
    assert client.post("/api/v1/admin/competitions/digits/state", json=body, headers=headers).status_code == 200


def disqualify(client: TestClient, headers: dict[str, str], submission: str) -> None:
    path = f"/api/v1/admin/submissions/{submission}/disqualify"
    assert client.post(path, json={"reason": "a secret reason"}, headers=headers).status_code == 200


def read(client: TestClient, headers: dict[str, str] | None = None, **query: str | int) -> list[str]:
    answer = client.get(URL, params=query, headers=headers or {})
    assert answer.status_code == 200, answer.text
    return [entry["name"] for entry in answer.json()["entries"]]


def list_changes(client: TestClient, headers: dict[str, str] | None = None) -> list[dict[str, str]]:
    items: list[dict[str, str]] = client.get(CHANGES, headers=headers or {}).json()["items"]
    return items


def test_the_board_can_be_read_as_it_stood_after_every_change(
    client: TestClient, engine: Engine, competition: Competition, organizer: dict[str, str]
) -> None:
    best = score(engine, competition, "ann", 0.7)
    score(engine, competition, "bob", 0.5)
    disqualify(client, organizer, best)
    changes = list_changes(client)
    assert [(row["name"], row["cause"], row["rank_before"], row["rank_after"]) for row in changes] == [
        ("ann", "disqualified", 1, None),
        ("bob", "scored", None, 2),
        ("ann", "scored", None, 1),
    ]
    assert [read(client, as_of=row["at"]) for row in changes] == [["bob"], ["ann", "bob"], ["ann"]]
    before = datetime.fromisoformat(changes[-1]["at"]) - timedelta(microseconds=1)
    assert read(client, as_of=before.isoformat()) == []
    assert read(client, as_of="2099-01-01T00:00:00Z") == ["bob"]


@pytest.mark.parametrize("text", ["2026-01-01T00:00:00", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59-12:00"])
def test_a_time_without_a_zone_or_beyond_all_years_is_refused(
    client: TestClient, competition: Competition, text: str
) -> None:
    answer = client.get(URL, params={"as_of": text})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/as_of")


def test_changes_tell_no_reason_and_nothing_the_board_did_not_show(
    client: TestClient, engine: Engine, competition: Competition, organizer: dict[str, str]
) -> None:
    best = score(engine, competition, "ann", 0.7)
    score(engine, competition, "ann", 0.1)  # not her best: on no board, so in no change
    disqualify(client, organizer, best)
    answer = client.get(CHANGES)
    assert "secret" not in answer.text
    assert set(answer.json()["items"][0]) == {
        "version", "at", "cause", "name", "submission_id", "rank_before", "rank_after", "lines", "digest",
    }  # fmt: skip
    assert len(answer.json()["items"]) == 2


def test_changes_come_in_pages(client: TestClient, engine: Engine, competition: Competition) -> None:
    for name in ("ann", "bob", "carl"):
        score(engine, competition, name, 0.5)
    first = client.get(CHANGES, params={"limit": 2}).json()
    assert ([row["version"] for row in first["items"]], first["next_before"]) == ([3, 2], 2)
    rest = client.get(CHANGES, params={"limit": 2, "before": 2}).json()
    assert ([row["version"] for row in rest["items"]], rest["next_before"]) == ([1], None)


def test_while_frozen_participants_see_what_was_frozen_and_staff_the_live_board(
    client: TestClient, engine: Engine, competition: Competition, organizer: dict[str, str], login: Callable[..., Login]
) -> None:
    score(engine, competition, "ann", 0.5)
    move(client, organizer, "frozen")
    score(engine, competition, "bob", 0.7)
    own = login("carl").headers
    for headers in ({}, own):
        assert read(client, headers) == ["ann"]
        assert read(client, headers, as_of="2099-01-01T00:00:00Z") == ["ann"]
        assert [row["name"] for row in list_changes(client, headers)] == ["ann"]
        assert client.get(CSV, headers=headers).text.count("\n") == 2
    assert read(client, organizer) == ["bob", "ann"]
    assert len(list_changes(client, organizer)) == 2
    assert client.get(URL).json()["frozen"] is True
    page = client.get("/competitions/digits").text
    assert "bob" not in page
    assert "Score over time" not in page
    assert "bob" not in client.get("/").text
    move(client, organizer, "closed")
    assert read(client) == ["bob", "ann"]


def test_a_cursor_made_by_staff_shows_participants_no_more_than_the_frozen_board(
    client: TestClient, engine: Engine, competition: Competition, organizer: dict[str, str]
) -> None:
    score(engine, competition, "ann", 0.5)
    move(client, organizer, "frozen")
    for name in ("bob", "carl"):
        score(engine, competition, name, 0.3)
    cursor = client.get(URL, params={"limit": 1}, headers=organizer).json()["next_cursor"]
    assert read(client, organizer, cursor=cursor) == ["bob", "carl"]
    assert read(client, cursor=cursor) == []


def test_a_board_frozen_before_anything_was_scored_stays_empty(
    client: TestClient, engine: Engine, competition: Competition, organizer: dict[str, str]
) -> None:
    move(client, organizer, "frozen")
    score(engine, competition, "ann", 0.5)
    assert (read(client), read(client, organizer)) == ([], ["ann"])


def test_a_long_board_comes_in_pages_of_one_version(
    client: TestClient, engine: Engine, competition: Competition
) -> None:
    for place in range(5):
        score(engine, competition, f"team{place}", 0.9 - 0.1 * place)
    first = client.get(URL, params={"limit": 2}).json()
    score(engine, competition, "newcomer", 0.95)
    second = client.get(URL, params={"limit": 2, "cursor": first["next_cursor"]}).json()
    third = client.get(URL, params={"limit": 2, "cursor": second["next_cursor"]}).json()
    pages = [first, second, third]
    assert [[entry["name"] for entry in page["entries"]] for page in pages] == [
        ["team0", "team1"],
        ["team2", "team3"],
        ["team4"],
    ]
    assert [entry["rank"] for page in pages for entry in page["entries"]] == [1, 2, 3, 4, 5]
    assert [(page["version"], page["total"], page["ranked"]) for page in pages] == [(5, 5, 5)] * 3
    assert third["next_cursor"] is None


@pytest.mark.parametrize("cursor", ["!!", "MTIz", "MS4yLjM", "LTEuMg", "w6k"])
def test_a_cursor_that_is_not_ours_is_refused(client: TestClient, competition: Competition, cursor: str) -> None:
    answer = client.get(URL, params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_INPUT")


@pytest.mark.parametrize("path", [URL, CSV, CHANGES, ME])
def test_an_unchanged_board_is_answered_without_being_made(
    client: TestClient,
    engine: Engine,
    competition: Competition,
    login: Callable[..., Login],
    monkeypatch: pytest.MonkeyPatch,
    path: str,
) -> None:
    headers = login("carl").headers
    score(engine, competition, "ann", 0.5)
    tag = client.get(path, headers=headers).headers["etag"]
    for name in ("make_leaderboard", "write_board", "list_changes", "load_own"):
        monkeypatch.delattr(service, name)
    answer = client.get(path, headers=headers | {"If-None-Match": tag})
    assert (answer.status_code, answer.content) == (304, b"")


@pytest.mark.parametrize("path", [URL, CSV, CHANGES, ME])
def test_a_change_makes_every_etag_outdated(
    client: TestClient, engine: Engine, competition: Competition, login: Callable[..., Login], path: str
) -> None:
    headers = login("carl").headers
    score(engine, competition, "ann", 0.5)
    tag = client.get(path, headers=headers).headers["etag"]
    score(engine, competition, "bob", 0.1)
    answer = client.get(path, headers=headers | {"If-None-Match": tag})
    assert (answer.status_code, answer.headers["etag"] != tag) == (200, True)


def test_another_stretch_another_form_or_another_moment_has_another_etag(
    client: TestClient, engine: Engine, competition: Competition
) -> None:
    for name in ("ann", "bob"):
        score(engine, competition, name, 0.5)
    at = list_changes(client)[-1]["at"]
    asked = [{}, {"limit": "1"}, {"as_of": at}]
    tags = [client.get(URL, params=query).headers["etag"] for query in asked]
    tags += [client.get(path).headers["etag"] for path in (CSV, CHANGES)]
    assert len(set(tags)) == len(tags)


def test_the_whole_board_is_exported_as_csv_by_either_road(
    client: TestClient, engine: Engine, competition: Competition, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_LINES", 2)
    for place in range(5):
        score(engine, competition, f"team{place}", 0.9 - 0.1 * place, note="=cmd()", filename="+x.py")
    answer = client.get(URL, headers={"Accept": "text/csv"})
    assert answer.text == client.get(CSV).text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="digits-leaderboard-5.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["rank"], row["name"], float(row["score"])) for row in rows] == [
        (str(place + 1), f"team{place}", 0.9 - 0.1 * place) for place in range(5)
    ]
    assert {(row["note"], row["filename"]) for row in rows} == {("'=cmd()", "'+x.py")}


def test_a_browser_that_takes_anything_gets_json(client: TestClient, competition: Competition) -> None:
    for accept in ("*/*", "text/html,*/*;q=0.8", "application/json, text/csv;q=0.5"):
        assert client.get(URL, headers={"Accept": accept}).headers["content-type"] == "application/json"


def test_a_csv_of_an_earlier_moment_is_of_that_moment(
    client: TestClient, engine: Engine, competition: Competition
) -> None:
    for name in ("ann", "bob"):
        score(engine, competition, name, 0.5)
    at = list_changes(client)[-1]["at"]
    rows = list(csv.DictReader(io.StringIO(client.get(CSV, params={"as_of": at}).text)))
    assert [row["name"] for row in rows] == ["ann"]


def test_a_member_reads_where_the_team_stands(
    client: TestClient, engine: Engine, competition: Competition, login: Callable[..., Login]
) -> None:
    mine = login("mia")
    with transaction(engine) as session:
        teams.make_team_of_one(session, competition.id, mine.user)
        staff = factories.make_user(session, role="organizer")
        factories.make_scored(session, competition, staff, 0.97, purpose="reference", filename="retrain.py")
    for name, value in (("ann", 0.9), ("bob", 0.51), ("mia", 0.5)):
        score(engine, competition, name, value)
    own = client.get(ME, headers=mine.headers).json()
    assert (own["team"], own["position"], own["ranked"], own["over_budget"]) == ("mia", 3, 3, None)
    entry = own["entry"]
    assert (entry["rank"], entry["rank_label"], entry["score"], entry["score_low"]) == (3, "2–3", 0.5, 0.47)


def test_who_has_no_team_or_no_score_has_no_place(
    client: TestClient, engine: Engine, competition: Competition, login: Callable[..., Login]
) -> None:
    mine = login("mia")
    own = client.get(ME, headers=mine.headers).json()
    assert (own["team"], own["entry"]) == (None, None)
    with transaction(engine) as session:
        teams.make_team_of_one(session, competition.id, mine.user)
    own = client.get(ME, headers=mine.headers).json()
    assert (own["team"], own["entry"], own["ranked"]) == ("mia", None, 0)


def test_a_long_tie_group_is_walked_to_its_end(
    client: TestClient, engine: Engine, competition: Competition, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walks, "STRIDE", 2)
    for place in range(7):
        score(engine, competition, f"team{place}", 0.5 - 0.001 * place)
    first = client.get(URL, params={"limit": 1}).json()["entries"][0]
    assert (first["rank_label"], first["truly_better_than_next"] is None) == ("1–7", False)


def test_what_a_rejudge_ran_is_on_the_board_once_it_is_promoted_and_with_that_cause(
    client: TestClient, engine: Engine, competition: Competition, organizer: dict[str, str]
) -> None:
    entry = score(engine, competition, "ann", 0.5)
    body = {"competition": "digits", "submissions": [entry], "reason": "another sandbox"}
    rejudge = client.post("/api/v1/admin/rejudges", json=body, headers=organizer).json()["id"]
    with transaction(engine) as session:
        row = session.query(Evaluation).filter_by(rejudge_id=rejudge).one()
        row.status, row.score, row.score_low, row.score_high = "scoring", 0.8, 0.7, 0.9
        evaluations.move(session, row, Status.FINISHED, verdict=Verdict.SCORED)
    assert len(list_changes(client)) == 1
    path = f"/api/v1/admin/rejudges/{rejudge}/promote"
    assert client.post(path, json={"reason": "compared"}, headers=organizer).status_code == 200
    assert [row["cause"] for row in list_changes(client)] == ["rejudged", "scored"]
    assert [entry["score"] for entry in client.get(URL).json()["entries"]] == [0.8]


def test_a_draft_has_no_board_for_participants(
    client: TestClient, engine: Engine, competition: Competition, login: Callable[..., Login]
) -> None:
    with transaction(engine) as session:
        session.get_one(Competition, competition.id).state = "draft"
    headers = login("carl").headers
    for path in (URL, CSV, CHANGES, ME, "/competitions/digits/changes"):
        assert client.get(path, headers=headers).status_code == 404
