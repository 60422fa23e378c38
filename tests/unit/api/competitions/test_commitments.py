"""Digests of what is hidden are keyed for whoever might guess, and can be checked after the end."""

import hmac
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from core.db.models.contests import Competition
from core.db.models.lifecycle import Phase
from core.db.models.problems import EvaluationSpec, Problem
from core.db.session import reading, transaction
from core.domain.competition import CompetitionState
from core.domain.phases import PhaseState
from tests import factories
from tests.unit.api.conftest import Login

CARD = "/api/v1/competitions/digits"


def fetch_key(engine: Engine) -> str:
    with reading(engine) as session:
        return session.query(Competition).one().commitment_key


def fetch_digests(engine: Engine) -> set[str]:
    with reading(engine) as session:
        rows = [*session.query(EvaluationSpec), *session.query(Problem)]
        return {row.digest for row in rows}


def check(key: str, digest: str, shown: str) -> bool:
    """As anybody can, without a line of ours."""
    return hmac.digest(bytes.fromhex(key), digest.encode(), "sha256").hex() == shown


def make(engine: Engine, exposure: str = "public", **values: Any) -> None:
    with transaction(engine) as session:
        factories.make_private_phase(
            session, factories.make_competition(session, "digits", exposure=exposure, **values)
        )


@pytest.mark.parametrize("exposure", ["public", "private"])
def test_the_card_and_the_board_of_a_hidden_problem_show_no_digest_of_it(
    client: TestClient, engine: Engine, exposure: str
) -> None:
    make(engine, exposure)
    card, board = client.get(CARD), client.get(f"{CARD}/leaderboard")
    assert not [digest for digest in fetch_digests(engine) if digest in card.text + board.text]
    assert fetch_key(engine) not in card.text
    assert card.json()["spec_digest"] == board.json()["spec_digest"]
    assert card.json()["revealed"] is None


def test_staff_and_readers_of_an_open_problem_see_them_as_they_are(
    client: TestClient, engine: Engine, login: Callable[..., Login]
) -> None:
    make(engine)
    seen = client.get(CARD, headers=login(role="organizer").headers).json()
    assert {seen["spec_digest"], seen["problem_digest"]} <= fetch_digests(engine)
    with transaction(engine) as session:
        factories.make_competition(session, "open")
    seen = client.get("/api/v1/competitions/open").json()
    assert {seen["spec_digest"], seen["problem_digest"]} <= fetch_digests(engine)
    assert seen["forget_request"]["digest"] == "c" * 64


def test_what_was_shown_is_checked_with_what_is_revealed_when_the_final_board_is_out(
    client: TestClient, engine: Engine, login: Callable[..., Login]
) -> None:
    make(engine)
    ann = login("ann")
    with transaction(engine) as session:
        row = factories.make_scored(session, session.query(Competition).one(), ann.user).id
    shown = client.get(CARD).json()
    provenance = client.get(f"/api/v1/submissions/{row}/scorecard", headers=ann.headers).json()["provenance"]
    with transaction(engine) as session:
        session.query(Phase).one().state = PhaseState.PUBLISHED
        session.query(Competition).one().state = CompetitionState.CLOSED
    revealed = client.get(CARD).json()["revealed"]
    public, private = revealed["phases"]
    assert (public["phase"], private["phase"]) == ("public", "private")
    assert check(revealed["key"], public["spec_digest"], shown["spec_digest"])
    assert check(revealed["key"], public["problem_digest"], shown["problem_digest"])
    assert check(revealed["key"], public["forget_digest"], shown["forget_request"]["digest"])
    assert check(revealed["key"], private["spec_digest"], client.get(f"{CARD}/final").json()["spec_digest"])
    # in a scorecard they are those that the worker wrote down
    assert check(revealed["key"], "c" * 64, provenance["manifest_digest"])
    assert check(revealed["key"], "1" * 64, provenance["pool_digests"]["original"])
    assert provenance["source_digest"] == "d" * 64


@pytest.mark.parametrize(
    ("state", "is_over"), [("open", False), ("frozen", False), ("closed", False), ("archived", True)]
)
def test_without_a_private_phase_the_end_is_when_it_cannot_open_again(
    client: TestClient, engine: Engine, state: str, *, is_over: bool
) -> None:
    with transaction(engine) as session:
        factories.make_competition(session, "digits", exposure="public", state=state)
    revealed = client.get(CARD).json()["revealed"]
    assert (revealed is not None) is is_over
    page = client.get("/competitions/digits/data").text
    assert ("Check the commitments" in page) is is_over
    if is_over:
        assert revealed["key"] in page
        assert revealed["phases"][0]["spec_digest"] in page


def test_an_open_problem_has_nothing_to_reveal(client: TestClient, engine: Engine) -> None:
    with transaction(engine) as session:
        factories.make_competition(session, "digits", state="archived")
    assert client.get(CARD).json()["revealed"] is None


def test_every_competition_has_a_key_of_its_own(engine: Engine) -> None:
    with transaction(engine) as session:
        keys = {factories.make_competition(session).commitment_key for _ in range(3)}
    assert {len(bytes.fromhex(key)) for key in keys} == {32}
    assert len(keys) == 3
