"""Flags are listed until somebody decides; a decision changes nothing but itself, and a rank that was held back."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, update

from core.db.models.contests import Competition
from core.db.models.submissions import Evaluation, Scorecard
from core.db.queries import boards, review
from core.db.session import transaction
from core.domain.history import Cause
from tests import factories
from tests.scorecard_bodies import make_scorecard_body
from tests.unit.api.conftest import Login

FLAG = {
    "code": "no_op",
    "severity": "strong",
    "value": 0.01,
    "threshold": 0.1,
    "fires": "below",
    "detail": "It moved nothing.",
}
OTHER = FLAG | {"code": "collapsed"}
TABLE, COPY = FLAG | {"code": "brought_table"}, FLAG | {"code": "copied_member"}


@pytest.fixture
def organizer(login: Callable[..., Login]) -> dict[str, str]:
    return login("olga", "organizer").headers


@pytest.fixture
def competition(engine: Engine) -> Competition:
    with transaction(engine) as session:
        return factories.make_competition(session, "digits-f")


def make_flagged(engine: Engine, competition: Competition, name: str, *flags: dict[str, Any]) -> str:
    """Return the evaluation's id."""
    with transaction(engine) as session:
        submission = factories.make_scored(session, competition, factories.make_user(session, name))
        row = session.query(Evaluation).filter_by(submission_id=submission.id).one()
        body = make_scorecard_body() | {"flags": list(flags), "flag_checks": list(flags)}
        session.execute(update(Scorecard).where(Scorecard.evaluation_id == row.id).values(body=body))
        return row.id


def list_flagged(client: TestClient, headers: dict[str, str], state: str = "open", **query: Any) -> list[str]:
    answer = client.get("/api/v1/admin/flags", headers=headers, params={"state": state, **query})
    return [item["by"] for item in answer.json()["items"]]


def decide(client: TestClient, headers: dict[str, str], evaluation_id: str, decision: str, code: str = "no_op") -> Any:
    path = f"/api/v1/admin/evaluations/{evaluation_id}/flags/{code}/decision"
    return client.post(path, headers=headers, json={"decision": decision, "reason": "we read the code"})


def test_only_entries_with_flags_are_to_be_looked_at(
    client: TestClient, engine: Engine, organizer: dict[str, str], competition: Competition
) -> None:
    make_flagged(engine, competition, "ann", FLAG)
    make_flagged(engine, competition, "bob")
    with transaction(engine) as session:  # from before there were flags
        factories.make_scored(session, competition, factories.make_user(session, "eve"))
    assert list_flagged(client, organizer) == ["ann"]


def test_an_entry_stays_open_until_its_last_flag_is_decided(
    client: TestClient, engine: Engine, organizer: dict[str, str], competition: Competition
) -> None:
    row = make_flagged(engine, competition, "ann", FLAG, OTHER)
    assert decide(client, organizer, row, "dismissed").json()["decision"]["decided_by"] == "olga"
    assert (list_flagged(client, organizer), list_flagged(client, organizer, "decided")) == (["ann"], [])
    decide(client, organizer, row, "upheld", "collapsed")
    assert (list_flagged(client, organizer), list_flagged(client, organizer, "decided")) == ([], ["ann"])
    assert list_flagged(client, organizer, "all") == ["ann"]


def test_deciding_again_replaces_the_decision_and_the_log_keeps_both(
    client: TestClient, engine: Engine, organizer: dict[str, str], competition: Competition
) -> None:
    row = make_flagged(engine, competition, "ann", FLAG)
    decide(client, organizer, row, "dismissed")
    assert decide(client, organizer, row, "upheld").json()["decision"]["decision"] == "upheld"
    entries = client.get("/api/v1/admin/audit", headers=organizer).json()["items"]
    assert [entry["detail"]["decision"] for entry in entries] == ["upheld", "dismissed"]


def test_a_decision_moves_nobody_on_the_board(
    client: TestClient, engine: Engine, organizer: dict[str, str], competition: Competition
) -> None:
    row = make_flagged(engine, competition, "ann", FLAG)
    before = client.get("/api/v1/competitions/digits-f/leaderboard").json()
    decide(client, organizer, row, "upheld")
    assert client.get("/api/v1/competitions/digits-f/leaderboard").json() == before


def read_board(client: TestClient) -> list[tuple[str, str, int | None]]:
    board = client.get("/api/v1/competitions/digits-f/leaderboard").json()
    return [(entry["name"], entry["place"], entry["rank"]) for entry in board["entries"]]


def hold(engine: Engine, evaluation_id: str) -> None:
    """As the worker does when it stores the scorecard."""
    with transaction(engine) as session:
        row = session.get_one(Evaluation, evaluation_id)
        review.settle_hold(session, row)
        boards.refresh_submission(session, row.submission_id, row.spec_id, Cause.SCORED)


def test_a_held_entry_has_its_rank_when_the_last_flag_that_holds_it_is_dismissed(
    client: TestClient, engine: Engine, organizer: dict[str, str], competition: Competition
) -> None:
    row = make_flagged(engine, competition, "ann", TABLE, COPY, OTHER)
    hold(engine, row)
    with transaction(engine) as session:
        factories.make_scored(session, competition, factories.make_user(session, "bob"), 0.1)
        submission_id = session.get_one(Evaluation, row).submission_id
    assert read_board(client) == [("bob", "ranked", 1), ("ann", "held", None)]
    assert client.get(f"/api/v1/submissions/{submission_id}").json()["is_held"]
    assert "Held: it is scored" in client.get(f"/submissions/{submission_id}").text
    step = client.get("/api/v1/admin/competitions/digits-f/next", headers=organizer).json()
    assert "1 entry is held without a rank until its flags are decided on" in step["missing"]
    decide(client, organizer, row, "dismissed", "brought_table")
    assert read_board(client)[-1] == ("ann", "held", None)
    decide(client, organizer, row, "dismissed", "copied_member")
    assert read_board(client) == [("ann", "ranked", 1), ("bob", "ranked", 2)]
    decide(client, organizer, row, "upheld", "copied_member")
    assert read_board(client) == [("bob", "ranked", 1), ("ann", "held", None)]
    changes = client.get("/api/v1/competitions/digits-f/leaderboard/changes").json()["items"]
    assert [change["cause"] for change in changes][:2] == ["flag_decided", "flag_decided"]


def test_a_reference_and_what_does_not_count_are_never_held(engine: Engine, competition: Competition) -> None:
    with transaction(engine) as session:
        entry = factories.make_scored(session, competition, factories.make_user(session, "ref"), purpose="reference")
        row = session.query(Evaluation).filter_by(submission_id=entry.id).one()
        body = make_scorecard_body() | {"flags": [TABLE], "flag_checks": [TABLE]}
        session.execute(update(Scorecard).where(Scorecard.evaluation_id == row.id).values(body=body))
        review.settle_hold(session, row)
        session.refresh(entry)
        assert not entry.is_held
    other = make_flagged(engine, competition, "ann", TABLE)
    with transaction(engine) as session:
        row = session.get_one(Evaluation, other)
        row.counts = False
        review.settle_hold(session, row)
        assert review.count_held(session, competition.id) == 0


@pytest.mark.parametrize("code", ["copied_member", "none"])
def test_a_flag_that_did_not_fire_is_not_found(
    client: TestClient, engine: Engine, organizer: dict[str, str], competition: Competition, code: str
) -> None:
    assert decide(client, organizer, make_flagged(engine, competition, "ann", FLAG), "upheld", code).status_code == 404


def test_flags_come_in_pages_and_by_competition(
    client: TestClient, engine: Engine, organizer: dict[str, str], competition: Competition
) -> None:
    for name in ("ann", "bob", "eve"):
        make_flagged(engine, competition, name, FLAG)
    with transaction(engine) as session:
        factories.make_competition(session, "other")
    page = client.get("/api/v1/admin/flags?limit=2", headers=organizer).json()
    assert [item["by"] for item in page["items"]] == ["eve", "bob"]
    assert list_flagged(client, organizer, before=page["next_before"]) == ["ann"]
    assert list_flagged(client, organizer, competition="other") == []


def test_flags_are_decided_on_the_page(
    client: TestClient, engine: Engine, organizer: dict[str, str], competition: Competition
) -> None:
    row = make_flagged(engine, competition, "ann", FLAG)
    client.headers.update(organizer | {"Accept": "text/html"})
    assert "It moved nothing." in client.get("/admin/flags").text
    path = f"/admin/flags/{row}/no_op"
    assert client.post(path, data={"decision": "upheld", "reason": ""}).status_code == 422
    client.post(path, data={"decision": "upheld", "reason": "it returns the original"})
    assert "It moved nothing." not in client.get("/admin/flags").text
    assert "it returns the original" in client.get("/admin/flags?state=decided").text
