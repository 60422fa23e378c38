"""Problems, pool chunks and uploads that do not move say which, since when, why, on which node, and what helps."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select, update

from core.db.base import utc_now
from core.db.models.contests import Competition
from core.db.models.data_sets import DataSetVersion
from core.db.models.operations import Node, Outbox
from core.db.models.problems import PoolChunk, Problem
from core.db.models.submissions import Shard
from core.db.queries import audit, data_sets
from core.db.session import reading, transaction
from core.domain.work import WorkState
from tests import factories
from tests.unit.api.conftest import Login

LONG_AGO = timedelta(minutes=3)


@pytest.fixture
def admin(engine: Engine, login: Callable[..., Login]) -> dict[str, str]:
    """Somebody who reads of a pool with two chunks trained and two waiting, and of an upload that nobody has read."""
    with transaction(engine) as session:
        competition = factories.make_competition(session, "digits")
        factories.make_pool(session, competition, done=2)
        data_sets.add_version(session, "faces", DataSetVersion(format="npz", created_by="adam"))
        factories.make_node(session, "n1", workers=1)
        factories.turn_janitor(session)
    change(engine, update(PoolChunk).values(moved_at=utc_now() - LONG_AGO))
    change(engine, update(DataSetVersion).values(moved_at=utc_now() - LONG_AGO))
    return login("adam", "admin").headers


def change(engine: Engine, *queries: Any) -> None:
    with transaction(engine) as session:
        for query in queries:
            session.execute(query)


def change_pending(engine: Engine, **values: Any) -> None:
    pending = {"moved_at": utc_now() - LONG_AGO, **values}
    change(engine, update(PoolChunk).where(PoolChunk.state == WorkState.PENDING).values(pending))


def read(client: TestClient, headers: dict[str, str], kind: str = "pool_chunk") -> list[Any]:
    pieces = client.get("/api/v1/admin/queue", headers=headers).json()["pieces"]
    return [piece for piece in pieces if piece["kind"] == kind]


def test_every_chunk_that_waits_is_named_on_the_queue_and_with_its_pool(
    client: TestClient, engine: Engine, admin: dict[str, str]
) -> None:
    with reading(engine) as session:
        waiting = set(session.scalars(select(PoolChunk.position).where(PoolChunk.state == WorkState.PENDING)))
    pieces = read(client, admin)
    assert {piece["name"].split()[1] for piece in pieces} == {str(position) for position in waiting}
    first = pieces[0]
    assert (first["subject"], first["obstacle"], first["command"]) == (
        "digits",
        "message",
        "lacuna admin apply FILE (of digits)",
    )
    assert first["waited_seconds"] == pytest.approx(180, abs=20)
    [pool] = client.get("/api/v1/admin/competitions/digits/pools", headers=admin).json()["items"]
    assert [piece["name"] for piece in pool["waiting"]] == [piece["name"] for piece in pieces]
    html = {**admin, "Accept": "text/html"}
    for page in ("/admin/queue", "/admin/competitions/digits/pools"):
        assert first["why"] in client.get(page, headers=html).text.replace("&#39;", "'")


def test_what_was_touched_within_a_minute_or_is_held_says_nothing(
    client: TestClient, engine: Engine, admin: dict[str, str]
) -> None:
    change_pending(engine, moved_at=utc_now() - timedelta(seconds=50))
    assert read(client, admin) == []
    change_pending(engine, state=WorkState.LEASED, lease_until=utc_now() + timedelta(seconds=9))
    assert read(client, admin) == []


def test_a_lease_that_ran_out_long_ago_names_its_node_and_the_janitor(
    client: TestClient, engine: Engine, admin: dict[str, str]
) -> None:
    change_pending(engine, state=WorkState.LEASED, lease_until=utc_now() - LONG_AGO, worker="n7")
    piece = read(client, admin)[0]
    assert (piece["obstacle"], piece["node"], piece["command"]) == ("lost", "n7", "python -m worker.janitor")


def test_a_chunk_that_was_given_up_says_at_what_and_where(
    client: TestClient, engine: Engine, admin: dict[str, str]
) -> None:
    change_pending(engine, state=WorkState.ABANDONED, fault="no memory left", worker="n7")
    piece = read(client, admin)[0]
    assert (piece["obstacle"], piece["why"]) == ("given_up", "given up: no memory left (on n7)")


def test_a_chunk_that_failed_says_at_what_and_that_it_is_tried_again(
    client: TestClient, engine: Engine, admin: dict[str, str]
) -> None:
    change_pending(engine, fault="no memory left", worker="n7")
    piece = read(client, admin)[0]
    assert (piece["obstacle"], piece["why"]) == ("fault", "no memory left (on n7); it is tried again")


@pytest.mark.parametrize("kind", ["pool_chunk", "data_set"])
@pytest.mark.parametrize(
    ("values", "obstacle"),
    [
        ({"last_seen_at": utc_now() - timedelta(hours=1)}, "no_node"),
        ({"draining_since": utc_now()}, "draining"),
        ({"fault": "no engine"}, "no_sandbox"),
    ],
)
def test_nodes_that_take_nothing_are_the_reason(
    client: TestClient, engine: Engine, admin: dict[str, str], kind: str, values: dict[str, Any], obstacle: str
) -> None:
    change(engine, update(Node).values(values))
    assert {piece["obstacle"] for piece in read(client, admin, kind)} == {obstacle}


def test_a_node_that_rests_trains_nothing_and_reads_uploads(
    client: TestClient, engine: Engine, admin: dict[str, str]
) -> None:
    change(engine, update(Node).values(resting_until=utc_now() + LONG_AGO, strikes=3, rest_reason="no engine"))
    assert {piece["obstacle"] for piece in read(client, admin)} == {"resting"}
    assert {piece["obstacle"] for piece in read(client, admin, "data_set")} == {"message"}


def test_a_broker_that_is_away_and_workers_at_other_work_are_reasons(
    client: TestClient, engine: Engine, admin: dict[str, str]
) -> None:
    with transaction(engine) as session:
        competition = session.scalars(select(factories.Competition)).one()
        submission = factories.make_submission(session, competition, factories.make_user(session))
        factories.make_evaluation(session, submission, status="running")
        session.execute(update(Shard).values(state=WorkState.LEASED, lease_until=utc_now() + LONG_AGO))
    assert {piece["why"] for piece in read(client, admin)} == {"all 1 workers are at other work"}
    with transaction(engine) as session:
        session.add(Outbox(task="lacuna.run_shard", object_id="s", created_at=utc_now() - LONG_AGO))
    assert {piece["obstacle"] for piece in read(client, admin)} == {"broker"}


@pytest.fixture
def unprepared(engine: Engine, login: Callable[..., Login]) -> dict[str, str]:
    """Somebody who reads of a competition that was to be prepared long ago, of which no worker has heard."""
    with transaction(engine) as session:
        factories.make_competition(session, "late", state="preparing")
        factories.make_node(session, "n1", workers=1)
        factories.turn_janitor(session)
    change(engine, update(Problem).values(created_at=utc_now() - LONG_AGO))
    return login("adam", "admin").headers


def test_a_problem_that_nobody_prepares_is_named_with_what_keeps_it(
    client: TestClient, engine: Engine, unprepared: dict[str, str]
) -> None:
    [piece] = read(client, unprepared, "problem")
    assert (piece["subject"], piece["name"], piece["obstacle"]) == ("late", "the preparation of late", "message")
    assert piece["waited_seconds"] == pytest.approx(180, abs=20)
    assert piece["name"] in client.get("/admin/queue", headers={**unprepared, "Accept": "text/html"}).text
    change(engine, update(Node).values(last_seen_at=utc_now() - timedelta(hours=1)))
    assert [piece["obstacle"] for piece in read(client, unprepared, "problem")] == ["no_node"]
    change(engine, update(Competition).values(fault="the data set shapes@1 is gone"))
    [piece] = read(client, unprepared, "problem")
    assert (piece["why"], piece["command"]) == (
        "given up: the data set shapes@1 is gone",
        "lacuna admin apply FILE (of late)",
    )


def test_a_problem_that_is_being_prepared_or_was_just_let_begin_says_nothing(
    client: TestClient, engine: Engine, unprepared: dict[str, str]
) -> None:
    change(engine, update(Problem).values(preparing_until=utc_now() + timedelta(seconds=9)))
    assert read(client, unprepared, "problem") == []
    change(engine, update(Problem).values(preparing_until=None))
    with transaction(engine) as session:
        audit.record(session, actor="adam", action="competition.state", subject="competition/late", detail={})
    assert read(client, unprepared, "problem") == []


def test_an_upload_that_waits_says_so_on_its_page(client: TestClient, engine: Engine, admin: dict[str, str]) -> None:
    change(engine, update(Node).values(last_seen_at=utc_now() - timedelta(hours=1)))
    version = client.get("/api/v1/admin/data-sets/faces/versions/1", headers=admin).json()
    assert (version["waiting"]["subject"], version["waiting"]["obstacle"]) == ("faces@1", "no_node")
    page = client.get("/admin/data-sets/faces/1", headers={**admin, "Accept": "text/html"}).text
    assert "no worker has reported lately" in page
    change(engine, update(DataSetVersion).values(revoked_at=utc_now()))
    assert client.get("/api/v1/admin/data-sets/faces/versions/1", headers=admin).json()["waiting"] is None
