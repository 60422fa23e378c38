from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.cli.fakes import FakeServer

Run = Callable[..., Any]
MEMBER = {"name": "ann", "is_leader": True, "joined_at": "2026-11-21T10:00:00Z"}
INVITE = {"id": "i1", "team": "the two", "user": "bob", "created_at": "2026-11-21T10:00:00Z"}
TEAM = {
    "id": "t1",
    "competition": "digits",
    "name": "the two",
    "members": [MEMBER],
    "invites": [INVITE],
    "submissions": 2,
}
SHOWN = "the two: ann (leader); 2 ranked submissions"


@pytest.fixture
def leader(server: FakeServer) -> FakeServer:
    server.on("GET", "/competitions/digits/team", {"team": TEAM, "invites": []})
    return server


@pytest.fixture
def invited(server: FakeServer) -> FakeServer:
    server.on("GET", "/competitions/digits/team", {"team": None, "invites": [INVITE]})
    return server


@pytest.mark.usefixtures("leader")
def test_the_team_is_one_line_and_its_open_invitations(run: Run) -> None:
    output = run("team", "show").output
    assert SHOWN in output
    assert "bob has not answered" in output


@pytest.mark.parametrize(
    ("arguments", "method", "path"),
    [
        (("create", "the two"), "POST", "/competitions/digits/teams"),
        (("rename", "the two"), "PATCH", "/teams/t1"),
        (("invite", "bob"), "POST", "/teams/t1/invites"),
    ],
)
def test_a_leader_makes_names_and_invites(
    run: Run, leader: FakeServer, arguments: tuple[str, ...], method: str, path: str
) -> None:
    leader.on(method, path, TEAM)
    assert SHOWN in run("team", *arguments).output


def test_an_invitation_is_accepted_by_the_teams_name(run: Run, invited: FakeServer) -> None:
    invited.on("POST", "/invites/i1/accept", TEAM)
    assert "lacuna team accept 'the two'" in run("team", "show").output
    assert SHOWN in run("team", "accept", "the two").output


def test_an_invitation_is_declined(run: Run, invited: FakeServer) -> None:
    invited.on("DELETE", "/invites/i1", {})
    assert "is declined" in run("team", "decline", "the two").output


def test_a_member_leaves(run: Run, leader: FakeServer) -> None:
    leader.on("POST", "/teams/t1/leave", {})
    assert "you left the two" in run("team", "leave").output
