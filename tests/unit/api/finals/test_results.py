"""After publishing, a finalist's private score and place stand with its submission; before, nowhere."""

from typing import Any

import pytest

from tests.unit.api.finals.conftest import SECRET, Contest, run_to_publishing

HTML = {"Accept": "text/html"}


def read(contest: Contest, name: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    path = f"/api/v1/submissions/{contest.entries[name].id}"
    body: dict[str, Any] = contest.client.get(path, headers=headers or contest.ann.headers).json()
    return body


def list_own(contest: Contest) -> dict[str, dict[str, Any]]:
    items = contest.client.get("/api/v1/submissions", headers=contest.ann.headers).json()["items"]
    return {item["filename"].removesuffix(".py"): item for item in items}


def test_a_finalist_reads_its_private_score_interval_and_place(published: Contest) -> None:
    final = read(published, "poor")["final"]
    assert final["score"] == {"estimate": SECRET, "low": SECRET, "high": SECRET}
    assert (final["rank"], final["ranked"], final["verdict"]) == (2, 2, "scored")
    assert final["published_at"] is not None
    assert list_own(published)["poor"]["final"] == final


def test_what_was_no_finalist_has_no_final_result(published: Contest) -> None:
    assert read(published, "good")["final"] is None
    assert [name for name, item in list_own(published).items() if item["final"]] == ["poor"]


@pytest.mark.parametrize("who", ["ann", "olga"])
def test_before_it_is_published_not_even_staff_find_it_on_a_submission(contest: Contest, who: str) -> None:
    run_to_publishing(contest)
    assert read(contest, "poor", getattr(contest, who).headers)["final"] is None
    assert {item["final"] for item in list_own(contest).values()} == {None}


def test_of_two_finalists_one_stands_for_the_team(contest: Contest) -> None:
    contest.select("poor", "fair")
    contest.close()
    contest.start()
    for name, score in (("poor", 0.1), ("fair", 0.3), ("only", 0.2)):
        contest.score_privately(name, score)
    assert contest.publish() == 200
    places = {name: read(contest, name, contest.olga.headers)["final"]["rank"] for name in ("poor", "fair", "only")}
    assert places == {"poor": None, "fair": 1, "only": 2}


def test_who_is_disqualified_afterwards_keeps_the_score_and_loses_the_place(published: Contest) -> None:
    published.moderate("only", "disqualify")
    final = read(published, "only", published.bob.headers)["final"]
    assert (final["score"]["estimate"], final["rank"]) == (0.654321, None)
    assert read(published, "poor")["final"]["rank"] == 1


def test_what_is_selected_is_told_to_its_team_and_to_staff(contest: Contest) -> None:
    contest.select("poor")
    told = {who: read(contest, "poor", getattr(contest, who).headers)["is_selected"] for who in ("ann", "bob", "olga")}
    assert told == {"ann": True, "bob": False, "olga": True}
    assert [name for name, item in list_own(contest).items() if item["is_selected"]] == ["poor"]


def test_my_submissions_lead_to_the_selection_and_show_what_is_selected(contest: Contest) -> None:
    contest.select("poor")
    headers = contest.ann.headers | HTML
    text = contest.client.get("/submissions", headers=headers).text
    assert text.count("/competitions/digits/selection") == 2
    assert text.count(">selected</a>") == 1
    page = contest.client.get(f"/submissions/{contest.entries['poor'].id}", headers=headers)
    assert "It stands for your team" in page.text


def test_the_pages_show_the_final_place(published: Contest) -> None:
    headers = published.ann.headers | HTML
    assert "place <strong>2, tied 1–2</strong> of 2" in published.client.get("/submissions", headers=headers).text
    page = f"/submissions/{published.entries['poor'].id}"
    text = published.client.get(page, headers=headers).text
    assert 'On the <a href="/competitions/digits/final">final board</a>' in text
    assert "0.123" in text
    published.moderate("poor", "disqualify")
    assert "It is disqualified." in published.client.get(page, headers=headers).text
