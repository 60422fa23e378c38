"""Once it is published, the final board is the leaderboard everywhere; the public one stands behind a link."""

from typing import Any

from api.paging import encode_cursor
from tests.unit.api.finals.conftest import API, SECRET, Contest, run_to_publishing

HTML = {"Accept": "text/html"}
PAGE = "/competitions/digits"
FINAL, PUBLIC = [(1, "bob"), (2, "ann")], [(1, "ann"), (2, "bob")]


def read(contest: Contest, path: str = "/leaderboard", **params: str | int) -> dict[str, Any]:
    answer: dict[str, Any] = contest.client.get(f"{API}{path}", params=params).json()
    return answer


def read_ranks(contest: Contest, **params: str | int) -> list[tuple[int, str]]:
    return [(entry["rank"], entry["name"]) for entry in read(contest, **params)["entries"]]


def test_before_publishing_the_public_board_is_the_leaderboard(contest: Contest) -> None:
    run_to_publishing(contest)
    assert read(contest)["phase"] == "public"
    assert read_ranks(contest) == PUBLIC
    assert contest.client.get(f"{API}/leaderboard", params={"phase": "private"}).status_code == 404
    assert "led by" in contest.client.get("/", headers=HTML).text


def test_after_publishing_the_api_answers_with_the_final_board(published: Contest) -> None:
    assert read(published)["phase"] == "private"
    assert read_ranks(published) == FINAL
    assert read_ranks(published, phase="public") == PUBLIC
    assert "bob" in published.client.get(f"{API}/leaderboard.csv").text.splitlines()[1]
    assert "ann" in published.client.get(f"{API}/leaderboard.csv", params={"phase": "public"}).text.splitlines()[1]
    own = published.client.get(f"{API}/leaderboard/me", headers=published.ann.headers).json()
    assert (own["entry"]["rank"], own["entry"]["score"]) == (2, SECRET)
    assert [change["cause"] for change in read(published, "/leaderboard/changes")["items"]] == ["published"]


def test_a_moment_before_the_publication_has_the_board_that_stood_then(published: Contest) -> None:
    changes = read(published, "/leaderboard/changes", phase="public")["items"]
    assert read_ranks(published, as_of=changes[0]["at"]) == PUBLIC
    at = read(published, "/leaderboard/changes")["items"][0]["at"]
    assert read_ranks(published, as_of=at) == FINAL


def test_a_page_of_the_final_board_goes_on_there_and_reaches_no_earlier_version(published: Contest) -> None:
    first = read(published, limit=1)
    rest = read(published, limit=1, cursor=first["next_cursor"])
    assert [entry["name"] for entry in first["entries"] + rest["entries"]] == ["bob", "ann"]
    public = read(published, limit=1, phase="public")
    assert read_ranks(published, limit=1, cursor=public["next_cursor"]) == [PUBLIC[1]]


def test_no_cursor_leads_to_a_version_from_before_the_publication(published: Contest) -> None:
    for version in (0, 1):
        params = {"cursor": encode_cursor(f"private.{version}.0")}
        assert published.client.get(f"{API}/leaderboard", params=params).status_code == 404


def test_no_cursor_opens_an_unpublished_board(contest: Contest) -> None:
    run_to_publishing(contest)
    params = {"cursor": encode_cursor("private.2.0")}
    assert contest.client.get(f"{API}/leaderboard", params=params).status_code == 404


def test_the_first_page_names_the_winner(published: Contest) -> None:
    page = published.client.get("/", headers=HTML).text
    assert "won by" in page
    assert "<strong>bob</strong>" in page


def test_the_competition_page_shows_the_final_board_and_links_the_public_one(published: Contest) -> None:
    page = published.client.get(PAGE, headers=HTML).text
    assert "Final leaderboard" in page
    bob, ann = (page.index(f'id="s-{published.entries[name].id}"') for name in ("only", "poor"))
    assert bob < ann
    assert f'href="{PAGE}/leaderboard?phase=public#board"' in page
    public = published.client.get(PAGE, params={"phase": "public"}, headers=HTML).text
    assert "Public leaderboard" in public
    assert f'data-check="/api/v1{PAGE}/leaderboard?phase=public&amp;limit=1"' in public
    assert f'href="{PAGE}/leaderboard#board"' in public
    changes = published.client.get(f"{PAGE}/changes", params={"phase": "public"}, headers=HTML).text
    assert "?phase=public&amp;as_of=" in changes
