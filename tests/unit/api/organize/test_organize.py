from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, delete, update
from sqlalchemy.exc import DatabaseError

from core.db.models.operations import AuditEntry, AuditHead
from core.db.session import transaction
from tests import factories
from tests.unit.api.conftest import Login


@pytest.fixture
def organizer(login: Callable[..., Login]) -> dict[str, str]:
    return login("olga", "organizer").headers


@pytest.fixture
def slug(engine: Engine) -> str:
    with transaction(engine) as session:
        return factories.make_competition(session, "digits-o").slug


@pytest.fixture
def entry(engine: Engine, slug: str, login: Callable[..., Login]) -> tuple[str, dict[str, str]]:
    """The first on the board, and its author's headers."""
    author = login("ann")
    with transaction(engine) as session:
        from core.db.queries.competitions import fetch_competition

        competition = fetch_competition(session, slug)
        assert competition is not None
        first = factories.make_scored(session, competition, author.user, score=0.9)
        factories.make_scored(session, competition, factories.make_user(session, "bob"), score=0.3)
        return first.id, author.headers


def decide(client: TestClient, headers: dict[str, str], submission: str, what: str, reason: str = "copied") -> int:
    path = f"/api/v1/admin/submissions/{submission}/{what}"
    return client.post(path, json={"reason": reason}, headers=headers).status_code


def read_names(client: TestClient, slug: str) -> list[str]:
    board = client.get(f"/api/v1/competitions/{slug}/leaderboard").json()
    return [entry["name"] for entry in board["entries"] if entry["rank"]]


def test_a_disqualified_submission_leaves_the_board_and_comes_back(
    client: TestClient, organizer: dict[str, str], entry: tuple[str, dict[str, str]], slug: str
) -> None:
    submission, _ = entry
    assert read_names(client, slug) == ["ann", "bob"]
    assert decide(client, organizer, submission, "disqualify") == 200
    assert read_names(client, slug) == ["bob"]
    assert decide(client, organizer, submission, "disqualify") == 409
    assert decide(client, organizer, submission, "reinstate") == 200
    assert read_names(client, slug) == ["ann", "bob"]


def test_the_reason_is_for_the_author_and_nobody_else(
    client: TestClient, organizer: dict[str, str], entry: tuple[str, dict[str, str]]
) -> None:
    submission, author = entry
    decide(client, organizer, submission, "disqualify", "copied from bob")
    views = [client.get(f"/api/v1/submissions/{submission}", headers=headers).json() for headers in (author, {})]
    assert [(view["is_disqualified"], view["disqualified_reason"]) for view in views] == [
        (True, "copied from bob"),
        (True, ""),
    ]


@pytest.mark.parametrize("reason", ["", "  ", "no", "x" * 501])
def test_a_decision_needs_a_reason(
    client: TestClient, organizer: dict[str, str], entry: tuple[str, dict[str, str]], reason: str
) -> None:
    assert decide(client, organizer, entry[0], "disqualify", reason) == 422


def move(client: TestClient, headers: dict[str, str], slug: str, state: str) -> int:
    path = f"/api/v1/admin/competitions/{slug}/state"
    return client.post(path, json={"state": state, "reason": "time is up"}, headers=headers).status_code


def test_a_frozen_competition_takes_no_submission_until_it_is_open_again(
    client: TestClient, organizer: dict[str, str], slug: str
) -> None:
    def submit() -> tuple[int, str]:
        answer = client.post(
            f"/api/v1/competitions/{slug}/submissions", files={"file": ("a.py", factories.SOURCE)}, headers=organizer
        )
        return answer.status_code, answer.json().get("code", "")

    assert move(client, organizer, slug, "frozen") == 200
    assert submit() == (409, "PHASE_CLOSED")
    assert move(client, organizer, slug, "open") == 200
    assert submit()[0] == 202


@pytest.mark.parametrize("target", ["open", "preparing", "archived"])
def test_an_impossible_move_is_refused(client: TestClient, organizer: dict[str, str], slug: str, target: str) -> None:
    assert move(client, organizer, slug, target) == 409


def test_an_archived_competition_is_off_the_first_page_and_still_there(
    client: TestClient, organizer: dict[str, str], slug: str
) -> None:
    for state in ("closed", "archived"):
        assert move(client, organizer, slug, state) == 200
    assert slug not in client.get("/").text
    assert client.get(f"/competitions/{slug}").status_code == 200


def test_every_deed_is_in_the_log_with_who_and_why(
    client: TestClient, organizer: dict[str, str], entry: tuple[str, dict[str, str]], slug: str
) -> None:
    decide(client, organizer, entry[0], "disqualify")
    move(client, organizer, slug, "closed")
    items = client.get("/api/v1/admin/audit", headers=organizer).json()["items"]
    assert [(item["actor"], item["action"]) for item in items] == [
        ("olga", "competition.state"),
        ("olga", "submission.disqualify"),
    ]
    assert items[0]["detail"] == {"from": "open", "to": "closed", "reason": "time is up"}
    assert items[0]["previous_sha256"] == items[1]["sha256"]


def test_a_refused_deed_is_not_in_the_log(client: TestClient, organizer: dict[str, str], slug: str) -> None:
    move(client, organizer, slug, "archived")
    assert client.get("/api/v1/admin/audit", headers=organizer).json()["items"] == []


def verify(client: TestClient, headers: dict[str, str]) -> tuple[bool, int, int | None]:
    answer = client.get("/api/v1/admin/audit/verify", headers=headers).json()
    return answer["intact"], answer["entries"], answer["broken_at"]


@pytest.fixture
def three_deeds(client: TestClient, organizer: dict[str, str], slug: str) -> None:
    for state in ("frozen", "open", "closed"):
        assert move(client, organizer, slug, state) == 200


def drop_triggers(session: object) -> None:
    for verb in ("UPDATE", "DELETE"):
        session.connection().exec_driver_sql(f"DROP TRIGGER audit_entries_no_{verb}")  # type: ignore[attr-defined]


@pytest.mark.usefixtures("three_deeds")
def test_an_untouched_log_holds(client: TestClient, organizer: dict[str, str]) -> None:
    assert verify(client, organizer) == (True, 3, None)


@pytest.mark.usefixtures("three_deeds")
@pytest.mark.parametrize("statement", [update(AuditEntry).values(actor="nobody"), delete(AuditEntry)])
def test_the_database_refuses_to_change_the_log(engine: Engine, statement: object) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction(engine) as session:
        session.execute(statement)  # type: ignore[call-overload]


@pytest.mark.usefixtures("three_deeds")
@pytest.mark.parametrize(("entry_id", "broken_at"), [(1, 0), (2, 1), (3, 2)])
def test_a_changed_entry_is_found(
    client: TestClient, engine: Engine, organizer: dict[str, str], entry_id: int, broken_at: int
) -> None:
    with transaction(engine) as session:
        drop_triggers(session)
        session.execute(update(AuditEntry).where(AuditEntry.id == entry_id).values(actor="nobody"))
    assert verify(client, organizer) == (False, 3, broken_at)


@pytest.mark.usefixtures("three_deeds")
@pytest.mark.parametrize("entry_id", [1, 2, 3])
def test_a_missing_entry_is_found(client: TestClient, engine: Engine, organizer: dict[str, str], entry_id: int) -> None:
    with transaction(engine) as session:
        drop_triggers(session)
        session.execute(delete(AuditEntry).where(AuditEntry.id == entry_id))
    intact, entries, broken_at = verify(client, organizer)
    assert (intact, entries) == (False, 2)
    assert broken_at is not None


@pytest.mark.usefixtures("three_deeds")
def test_a_changed_head_is_found(client: TestClient, engine: Engine, organizer: dict[str, str]) -> None:
    with transaction(engine) as session:
        session.execute(update(AuditHead).values(sha256="0" * 64))
    assert verify(client, organizer)[0] is False
