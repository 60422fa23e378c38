"""A note on a submission is for whom its author says, wherever it stands, and can be changed."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from core.db.models.contests import TeamMember
from core.db.models.submissions import Submission
from core.db.queries.teams import make_team_of_one
from core.db.session import transaction
from core.domain.notes import NoteReaders
from tests import factories
from tests.unit.api.conftest import Login

API = "/api/v1/competitions/digits"
SECRET = "try the other optimiser"


@dataclass
class Setting:
    client: TestClient
    engine: Engine
    row: Submission
    people: dict[str, Login]

    def edit(self, who: str, **change: str) -> int:
        path = f"/api/v1/submissions/{self.row.id}"
        return self.client.patch(path, json=change, headers=self.people[who].headers).status_code

    def look_around(self, who: str) -> str:
        """All that shows a note."""
        paths = [f"{API}/leaderboard", f"{API}/leaderboard.csv", f"{API}/selection", "/api/v1/submissions"]
        paths += [f"/api/v1/submissions/{self.row.id}", "/competitions/digits", f"/submissions/{self.row.id}"]
        paths += ["/competitions/digits/compare", "/submissions", "/competitions/digits/selection"]
        headers = self.people[who].headers if who else {}
        return " ".join(self.client.get(path, headers=headers).text for path in paths)


@pytest.fixture
def contest(client: TestClient, engine: Engine, login: Callable[..., Login]) -> Setting:
    people = {name: login(name) for name in ("ann", "mate", "eve")} | {"olga": login("olga", "organizer")}
    with transaction(engine) as session:
        competition = factories.make_competition(session, "digits", exposure="practice")
        team = make_team_of_one(session, competition.id, people["ann"].user)
        member = TeamMember(team_id=team.id, competition_id=competition.id, user_id=people["mate"].user.id)
        session.add(member)
        row = factories.make_scored(session, competition, people["ann"].user, 0.7, note=SECRET, team_id=team.id)
    return Setting(client, engine, row, people)


@pytest.mark.parametrize(
    ("readers", "who_reads"),
    [("me", {"ann"}), ("team", {"ann", "mate"}), ("everybody", {"ann", "mate", "eve", "olga", ""})],
    ids=["me", "team", "everybody"],
)
def test_only_whom_it_is_for_reads_a_note(contest: Setting, readers: str, who_reads: set[str]) -> None:
    assert contest.edit("ann", note_readers=readers) == 200
    found = {who for who in ("ann", "mate", "eve", "olga", "") if SECRET in contest.look_around(who)}
    assert found == who_reads


def test_a_note_is_changed_on_the_board_at_once(contest: Setting) -> None:
    before = contest.client.get(f"{API}/leaderboard")
    assert contest.edit("ann", note="the second thought") == 200
    assert "the second thought" in contest.look_around("eve")
    tag = {"If-None-Match": before.headers["etag"]}
    assert contest.client.get(f"{API}/leaderboard", headers=tag).status_code == 200
    assert contest.client.get(f"{API}/leaderboard").json()["version"] == before.json()["version"]


def test_nobody_else_changes_a_note(contest: Setting) -> None:
    assert [contest.edit(who, note="x") for who in ("mate", "eve", "olga")] == [403, 404, 403]
    assert contest.edit("ann", note="x" * 501) == 422
    assert contest.edit("ann", note_readers="friends") == 422


def test_the_page_says_where_a_note_goes_and_lets_its_author_change_it(contest: Setting) -> None:
    ann = contest.people["ann"].headers | {"Accept": "text/html"}
    assert "public board" in contest.client.get("/competitions/digits/submit", headers=ann).text
    form = {"note": "mine", "note_readers": "me"}
    page = contest.client.post(f"/submissions/{contest.row.id}/note", data=form, headers=ann).text
    assert "The note is saved." in page
    assert "only you read this" in page
    mate = contest.people["mate"].headers | {"Accept": "text/html"}
    assert "Change the note" not in contest.client.get(f"/submissions/{contest.row.id}", headers=mate).text


def test_a_note_is_uploaded_for_somebody(contest: Setting) -> None:
    code = b"def unlearning(net, retain_loader, forget_loader, val_loader):\n    return net\n"
    answer = contest.client.post(
        f"{API}/submissions",
        files={"file": ("a.py", code)},
        data={"note": "n", "note_readers": "team"},
        headers=contest.people["ann"].headers,
    )
    assert answer.json()["note_readers"] == NoteReaders.TEAM
