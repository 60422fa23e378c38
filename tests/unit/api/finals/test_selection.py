from typing import Any

import pytest
from sqlalchemy import update

from core.db.models.contests import Competition
from core.db.models.submissions import Evaluation, Submission
from core.db.session import transaction
from tests.unit.api.finals.conftest import API, Contest

HTML = {"Accept": "text/html"}


def read(contest: Contest) -> dict[str, tuple[bool, bool]]:
    """Selected, finalist."""
    items: list[dict[str, Any]] = contest.client.get(f"{API}/selection", headers=contest.ann.headers).json()["items"]
    return {item["filename"].removesuffix(".py"): (item["is_selected"], item["is_finalist"]) for item in items}


def test_without_a_selection_the_best_stand(contest: Contest) -> None:
    assert read(contest) == {"good": (False, True), "fair": (False, True), "poor": (False, False)}


def test_a_selection_stands_until_the_next_one(contest: Contest) -> None:
    assert contest.select("poor") == 200
    assert read(contest) == {"good": (False, False), "fair": (False, False), "poor": (True, True)}
    assert contest.select("good", "poor", "poor") == 200
    assert read(contest) == {"good": (True, True), "fair": (False, False), "poor": (True, True)}
    assert contest.select() == 200
    assert read(contest)["good"] == (False, True)


def test_more_than_the_limit_is_refused_and_changes_nothing(contest: Contest) -> None:
    contest.select("poor")
    assert contest.select("good", "fair", "poor") == 409
    assert read(contest)["poor"] == (True, True)


def test_nobody_selects_for_another_team(contest: Contest) -> None:
    assert contest.select("good", who=contest.bob) == 404
    assert contest.select("good", who=contest.olga) == 404
    assert read(contest)["good"] == (False, True)


@pytest.mark.parametrize("verdict", ["runtime_error", "over_budget", "withdrawn"])
def test_what_has_no_score_cannot_be_selected(contest: Contest, verdict: str) -> None:
    with transaction(contest.engine) as session:
        rows = update(Evaluation).where(Evaluation.submission_id == contest.entries["poor"].id)
        session.execute(rows.values(verdict=verdict))
    assert contest.select("poor") == 409
    assert "poor" not in read(contest)


def test_what_is_disqualified_neither_is_selected_nor_stands(contest: Contest) -> None:
    path = f"/api/v1/admin/submissions/{contest.entries['good'].id}/disqualify"
    contest.client.post(path, json={"reason": "copied"}, headers=contest.olga.headers)
    assert contest.select("good") == 409
    assert read(contest) == {"fair": (False, True), "poor": (False, True)}


@pytest.mark.parametrize(("state", "status"), [("frozen", 200), ("closed", 409)])
def test_a_selection_may_change_until_the_end(contest: Contest, state: str, status: int) -> None:
    contest.move(state)
    assert contest.select("poor") == status


def test_merging_two_teams_drops_what_they_selected(contest: Contest) -> None:
    contest.select("good", "fair")
    contest.select("only", who=contest.bob)
    team = f"/api/v1/teams/{contest.teams['bob'].id}/invites"
    invites = contest.client.post(team, json={"user": "ann"}, headers=contest.bob.headers).json()["invites"]
    contest.client.post(f"/api/v1/invites/{invites[0]['id']}/accept", headers=contest.ann.headers)
    assert [selected for selected, _ in read(contest).values()] == [False] * 4


def test_the_page_selects_with_checkboxes(contest: Contest) -> None:
    page, headers = "/competitions/digits/selection", contest.ann.headers | HTML
    assert contest.client.get(page, headers=headers).text.count("among the best") == 2
    chosen = {"chosen": [contest.entries["poor"].id]}
    answer = contest.client.post(page, data=chosen, headers=headers)
    assert answer.text.count(" checked>") == 1
    too_many = {"chosen": [contest.entries[name].id for name in ("good", "fair", "poor")]}
    answer = contest.client.post(page, data=too_many, headers=headers)
    assert (answer.status_code, "may select 2" in answer.text) == (409, True)
    assert contest.client.post(page, data={"chosen": ["x"] * 101}, headers=headers).status_code == 422
    contest.close()
    assert "no longer changes" in contest.client.get(page, headers=headers).text


def test_whoever_is_in_no_team_has_nothing_to_select(contest: Contest) -> None:
    with transaction(contest.engine) as session:
        assert session.get_one(Competition, contest.competition.id).selection_limit == 2
        assert session.get_one(Submission, contest.entries["good"].id).selected_at is None
    body = contest.client.get(f"{API}/selection", headers=contest.olga.headers).json()
    assert body["items"] == []
