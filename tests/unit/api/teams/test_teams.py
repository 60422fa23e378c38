from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, update

from core.db.models.contests import Competition
from core.db.queries.competitions import fetch_competition
from core.db.session import transaction
from tests import factories
from tests.unit.api.conftest import Login

SLUG = "digits-t"
BASE = f"/api/v1/competitions/{SLUG}"


class Player:
    """An account and what it does."""

    def __init__(self, client: TestClient, login: Login) -> None:
        self.client, self.user, self.headers = client, login.user, login.headers

    def call(self, method: str, path: str, json: dict[str, Any] | None = None) -> Any:
        return self.client.request(method, path, json=json, headers=self.headers)

    def create(self, name: str) -> Any:
        return self.call("POST", f"{BASE}/teams", {"name": name})

    def own(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.call("GET", f"{BASE}/team").json()
        return answer

    @property
    def team(self) -> dict[str, Any]:
        found: dict[str, Any] = self.own()["team"]
        return found

    def invite(self, other: "Player") -> Any:
        return self.call("POST", f"/api/v1/teams/{self.team['id']}/invites", {"user": other.user.name})

    def accept(self) -> Any:
        return self.call("POST", f"/api/v1/invites/{self.own()['invites'][0]['id']}/accept")

    def leave(self) -> Any:
        return self.call("POST", f"/api/v1/teams/{self.team['id']}/leave")

    def submit(self, purpose: str = "ranked") -> Any:
        path, files = f"{BASE}/submissions", {"file": ("a.py", factories.SOURCE)}
        return self.client.post(path, files=files, data={"purpose": purpose}, headers=self.headers)

    def limits(self) -> tuple[int, int]:
        answer = self.call("GET", f"{BASE}/limits").json()
        return answer["used"], answer["running"]


@pytest.fixture
def players(client: TestClient, engine: Engine, login: Callable[..., Login]) -> tuple[Player, Player, Player]:
    with transaction(engine) as session:
        factories.make_competition(session, SLUG, daily_limit=3, team_size=2)
    ann, bob, cy = (Player(client, login(name)) for name in ("ann", "bob", "cy"))
    return ann, bob, cy


Players = tuple[Player, Player, Player]


def test_submitting_makes_a_team_of_one_under_ones_own_name(players: Players) -> None:
    ann, _, _ = players
    assert ann.own()["team"] is None
    assert ann.submit().json()["team"] == "ann"
    assert [(member["name"], member["is_leader"]) for member in ann.team["members"]] == [("ann", True)]


def test_an_invited_friend_joins_and_sees_the_teams_submissions(players: Players) -> None:
    ann, bob, _ = players
    assert ann.create("the two").status_code == 201
    submission = ann.submit().json()["id"]
    assert bob.call("GET", "/api/v1/submissions").json()["items"] == []
    assert ann.invite(bob).status_code == 201
    assert bob.accept().json()["name"] == "the two"
    assert [item["id"] for item in bob.call("GET", "/api/v1/submissions").json()["items"]] == [submission]
    assert bob.call("GET", f"/api/v1/submissions/{submission}/source").status_code == 200
    assert bob.call("POST", f"/api/v1/submissions/{submission}/cancel").status_code == 202


def test_a_team_spends_one_quota(players: Players) -> None:
    ann, bob, _ = players
    ann.create("the two")
    ann.invite(bob)
    bob.accept()
    assert [player.submit().status_code for player in (ann, bob, ann, bob)] == [202, 202, 202, 429]
    assert ann.limits() == bob.limits() == (3, 3)


def test_leaving_does_not_give_the_spent_quota_back(players: Players) -> None:
    ann, bob, _ = players
    ann.create("the two")
    ann.invite(bob)
    bob.accept()
    bob.submit()
    assert bob.leave().status_code == 204
    assert (bob.limits()[0], ann.limits()[0]) == (1, 1)
    assert bob.own()["team"] is None


def test_joining_brings_what_one_spent(players: Players) -> None:
    ann, bob, _ = players
    bob.submit()
    bob.leave()
    ann.create("the two")
    ann.invite(bob)
    assert bob.accept().status_code == 200
    assert ann.limits()[0] == 1


def test_a_leader_who_accepts_brings_the_whole_team(players: Players, client: TestClient) -> None:
    ann, bob, _ = players
    ann.submit()
    submission = bob.submit().json()["id"]
    ann.invite(bob)
    assert bob.accept().json()["submissions"] == 2
    assert client.get(f"/api/v1/submissions/{submission}").json()["team"] == "ann"
    assert ann.limits()[0] == 2


def test_a_merge_that_one_team_could_not_have_submitted_waits(players: Players) -> None:
    ann, bob, _ = players
    for player in (ann, ann, bob, bob):
        player.submit()
    ann.invite(bob)
    answer = bob.accept()
    assert (answer.status_code, "together you have submitted 4 times" in answer.json()["detail"]) == (409, True)
    assert bob.team["name"] == "bob"


def test_a_team_does_not_grow_past_its_size(players: Players) -> None:
    ann, bob, cy = players
    ann.create("the two")
    assert ann.invite(bob).status_code == 201
    assert ann.invite(cy).status_code == 409  # an open invitation holds a place


@pytest.mark.parametrize("name", ["bob", "BOB", "x", "-a", "a\n", "x" * 40, "ann's <b>"])
def test_a_name_that_would_mislead_is_refused(players: Players, name: str) -> None:
    assert players[0].create(name).status_code in (409, 422)


def test_two_teams_cannot_have_one_name(players: Players) -> None:
    ann, bob, _ = players
    ann.create("Forgetters")
    assert bob.create("forgetters").status_code == 409


def test_a_leader_renames_the_team_and_a_member_does_not(players: Players) -> None:
    ann, bob, _ = players
    ann.create("the two")
    ann.invite(bob)
    bob.accept()
    path = f"/api/v1/teams/{ann.team['id']}"
    assert bob.call("PATCH", path, {"name": "bobs"}).status_code == 403
    assert ann.call("PATCH", path, {"name": "The Two"}).json()["name"] == "The Two"


def test_a_leader_who_leaves_is_followed_by_the_next(players: Players) -> None:
    ann, bob, _ = players
    ann.create("the two")
    ann.invite(bob)
    bob.accept()
    ann.leave()
    assert [(member["name"], member["is_leader"]) for member in bob.team["members"]] == [("bob", True)]


def test_the_last_of_a_team_that_submitted_stays(players: Players) -> None:
    ann, _, _ = players
    ann.submit()
    assert ann.leave().status_code == 409


@pytest.fixture
def practising(players: Players, engine: Engine) -> Players:
    with transaction(engine) as session:
        competition = fetch_competition(session, SLUG)
        assert competition is not None
        factories.make_practice_phase(session, competition)
    return players


def test_who_only_practised_may_leave_and_keeps_what_they_practised(practising: Players) -> None:
    ann, _, _ = practising
    practised = ann.submit("practice").json()["id"]
    assert ann.leave().status_code == 204
    assert ann.own()["team"] is None
    assert ann.call("GET", f"/api/v1/submissions/{practised}").status_code == 200


def test_practice_does_not_keep_two_teams_apart(practising: Players) -> None:
    ann, bob, _ = practising
    for purpose in ("ranked", "practice"):
        assert [player.submit(purpose).status_code for player in (ann, bob)] == [202, 202]
    ann.invite(bob)
    assert bob.accept().status_code == 200
    assert ann.team["submissions"] == 2


@pytest.mark.parametrize("who", [1, 2])
def test_an_invitation_is_declined_or_taken_back(players: Players, who: int) -> None:
    ann, bob, _ = players
    ann.create("the two")
    ann.invite(bob)
    invite = bob.own()["invites"][0]["id"]
    player = (ann, bob)[who - 1]
    assert player.call("DELETE", f"/api/v1/invites/{invite}").status_code == 204
    assert bob.own()["invites"] == []


def test_somebody_elses_invitation_does_not_exist(players: Players) -> None:
    ann, bob, cy = players
    ann.create("the two")
    ann.invite(bob)
    invite = bob.own()["invites"][0]["id"]
    assert cy.call("POST", f"/api/v1/invites/{invite}/accept").status_code == 404
    assert cy.call("DELETE", f"/api/v1/invites/{invite}").status_code == 404


def test_teams_form_while_a_competition_is_still_being_prepared(players: Players, engine: Engine) -> None:
    ann, bob, _ = players
    with transaction(engine) as session:
        session.execute(update(Competition).where(Competition.slug == SLUG).values(state="preparing"))
    ann.create("the two")
    ann.invite(bob)
    assert bob.accept().status_code == 200


def test_teams_do_not_change_after_the_deadline(players: Players, engine: Engine) -> None:
    ann, bob, _ = players
    ann.create("the two")
    ann.invite(bob)
    with transaction(engine) as session:
        session.execute(update(Competition).where(Competition.slug == SLUG).values(state="closed"))
    assert bob.accept().json()["code"] == "PHASE_CLOSED"


def test_the_board_has_one_line_a_team(players: Players, client: TestClient, engine: Engine) -> None:
    ann, bob, _ = players
    ann.create("the two")
    ann.invite(bob)
    bob.accept()
    team = ann.team["id"]
    with transaction(engine) as session:
        competition = fetch_competition(session, SLUG)
        assert competition is not None
        factories.make_scored(session, competition, ann.user, 0.4, team_id=team)
        factories.make_scored(session, competition, bob.user, 0.6, team_id=team)
    entries = client.get(f"{BASE}/leaderboard").json()["entries"]
    assert [(entry["name"], entry["score"]) for entry in entries] == [("the two", 0.6)]


def test_the_page_does_it_all(players: Players, client: TestClient) -> None:
    ann, bob, _ = players
    page = f"/competitions/{SLUG}/team"

    def post(player: Player, path: str, **data: str) -> Any:
        return client.post(page + path, data=data, headers=player.headers | {"Accept": "text/html"})

    assert "the two" in post(ann, "", name="the two").text
    assert "bob has not answered" in post(ann, "/invite", user="bob").text
    invite = bob.own()["invites"][0]["id"]
    assert "Join the two" in client.get(page, headers=bob.headers).text
    assert "Leave the team" in post(bob, f"/accept/{invite}").text
    assert "No account named" in post(ann, "/invite", user="nobody").text
    assert "You are in no team" in post(bob, "/leave").text
