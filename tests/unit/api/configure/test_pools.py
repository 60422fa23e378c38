from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from core.db.base import utc_now
from core.db.models.contests import Competition
from core.db.models.lifecycle import Phase
from core.db.models.problems import EvaluationSpec, Pool
from core.db.queries import competitions, pools
from core.db.session import transaction
from core.domain.errors import Conflict
from core.domain.pools import compute_seal_digest
from core.settings import Settings
from core.storage import FolderStore
from tests import factories
from tests.unit.api.conftest import Login

PATH = "/api/v1/admin/competitions/digits"
WHY = {"reason": "the contest is over"}


@pytest.fixture
def admin(login: Callable[..., Login]) -> dict[str, str]:
    return login("root", "admin").headers


@pytest.fixture
def store(settings: Settings) -> FolderStore:
    return FolderStore(settings.store_folder)


def make_sealed(engine: Engine, store: FolderStore, *, state: str = "open", **values: Any) -> None:
    """A competition with a pool of originals, sealed with what is in the store."""
    chunk = {"name": "pools/one", "digest": store.put(b"outputs"), "members": [store.put(b"weights")] * 256}
    store.set_ref("pools/one", chunk["digest"])
    with transaction(engine) as session:
        row = factories.make_competition(session, "digits", state=state)
        for name, value in values.items():
            setattr(row, name, value)
        pool = factories.make_pool(session, row, "original", done=4)
        pool.state, pool.sealed_at = "active" if state == "open" else "sealed", utc_now()
        pool.seal = {"digest": compute_seal_digest([chunk]), "chunks": [chunk]}


def set_state(client: TestClient, headers: dict[str, str], state: str) -> int:
    return client.post(f"{PATH}/state", json={"state": state, **WHY}, headers=headers).status_code


def read_states(client: TestClient, headers: dict[str, str]) -> list[str]:
    return [pool["state"] for pool in client.get(f"{PATH}/pools", headers=headers).json()["items"]]


def verify(client: TestClient, headers: dict[str, str]) -> Any:
    return client.post(f"{PATH}/pools/verify", headers=headers).json()


def test_pools_are_shown_with_progress_and_what_is_left(
    client: TestClient, admin: dict[str, str], engine: Engine
) -> None:
    with transaction(engine) as session:
        factories.make_pool(session, factories.make_competition(session, "digits", state="preparing"), done=2)
    (pool,) = client.get(f"{PATH}/pools", headers=admin).json()["items"]
    assert (pool["role"], pool["state"], pool["finished"], pool["total"]) == ("public", "building", 128, 256)
    assert pool["seconds_left"] is not None
    assert pool["seal"] is None


def test_what_was_sealed_is_found_again(
    client: TestClient, admin: dict[str, str], engine: Engine, store: FolderStore
) -> None:
    make_sealed(engine, store)
    found = verify(client, admin)
    assert (found["intact"], [item["faults"] for item in found["items"]]) == (True, [[]])


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda store: store.set_ref("pools/one", store.put(b"others")), "is not the chunk that was sealed"),
        (lambda store: find(store, b"weights").unlink(), "is not in the store"),
        (lambda store: find(store, b"outputs").write_bytes(b"changed"), "is damaged"),
    ],
)
def test_what_was_changed_since_is_found(
    client: TestClient,
    admin: dict[str, str],
    engine: Engine,
    store: FolderStore,
    change: Callable[[FolderStore], None],
    fault: str,
) -> None:
    make_sealed(engine, store)
    change(store)
    found = verify(client, admin)
    assert (found["intact"], fault in str(found["items"][0]["faults"])) == (False, True)
    assert fault in client.post("/admin/competitions/digits/pools/verify", headers=admin).text


def find(store: FolderStore, content: bytes) -> Any:
    return next(path for path in store.folder.rglob("*") if path.is_file() and path.read_bytes() == content)


def test_a_seal_that_was_written_over_is_found(
    client: TestClient, admin: dict[str, str], engine: Engine, store: FolderStore
) -> None:
    make_sealed(engine, store)
    with transaction(engine) as session:
        row = competitions.fetch_competition(session, "digits")
        assert row is not None
        (pool,) = competitions.fetch_pools(session, row.spec.problem_id)
        pool.seal = {"digest": "0" * 64, "chunks": (pool.seal or {})["chunks"]}
    assert verify(client, admin)["items"][0]["faults"] == ["the seal itself was changed"]


def test_pools_in_use_are_not_retired(
    client: TestClient, admin: dict[str, str], engine: Engine, store: FolderStore
) -> None:
    make_sealed(engine, store)
    assert client.post(f"{PATH}/pools/retire", json=WHY, headers=admin).status_code == 409
    assert read_states(client, admin) == ["active"]


def test_nothing_is_scored_against_retired_pools(
    client: TestClient, admin: dict[str, str], engine: Engine, store: FolderStore
) -> None:
    make_sealed(engine, store)
    with transaction(engine) as session:
        row = competitions.fetch_competition(session, "digits")
        assert row is not None
        ended = factories.make_submission(session, row, factories.make_user(session, "ann"))
        failed = factories.make_evaluation(session, ended, verdict="platform_error")
    set_state(client, admin, "closed")
    assert client.post(f"{PATH}/pools/retire", json=WHY, headers=admin).status_code == 200
    assert read_states(client, admin) == ["retired"]
    assert set_state(client, admin, "open") == 409
    rejudge = {"competition": "digits", **WHY}
    answer = client.post("/api/v1/admin/rejudges", json=rejudge, headers=admin)
    assert (answer.status_code, "retired" in answer.text) == (409, True)
    answer = client.post(f"/api/v1/admin/evaluations/{failed.id}/requeue", json=WHY, headers=admin)
    assert (answer.status_code, "retired" in answer.text) == (409, True)
    with transaction(engine) as session, pytest.raises(Conflict, match="retired"):
        pools.activate(session, row.spec_id)
    entry = client.get("/api/v1/admin/audit", headers=admin).json()["items"][0]
    assert (entry["action"], entry["detail"]["reason"]) == ("pools.retire", WHY["reason"])


@pytest.mark.parametrize("name", ["digits", "other"])
def test_the_pools_of_a_private_phase_are_kept_until_it_is_published(
    client: TestClient, admin: dict[str, str], engine: Engine, name: str
) -> None:
    """Whether the phase is the competition's own, or that of another one which is closed as well."""
    with transaction(engine) as session:
        digits = factories.make_competition(session, "digits", state="closed")
        phase = factories.make_private_phase(session, digits)
        if name != digits.slug:
            phase.competition_id = factories.make_competition(session, name, state="closed").id
        spec = session.get_one(EvaluationSpec, phase.spec_id)
        session.add(Pool(problem_id=spec.problem_id, kind="original", size=1, state="active"))
    answer = client.post(f"{PATH}/pools/retire", json=WHY, headers=admin)
    assert (answer.status_code, "until it is published" in answer.text) == (409, True)
    with transaction(engine) as session:
        session.get_one(Phase, phase.id).state = "published"
    assert client.post(f"{PATH}/pools/retire", json=WHY, headers=admin).status_code == 200
    assert read_states(client, admin) == ["retired"]


def test_pools_are_not_retired_under_what_runs(
    client: TestClient, admin: dict[str, str], engine: Engine, store: FolderStore
) -> None:
    make_sealed(engine, store, state="closed")
    with transaction(engine) as session:
        row = competitions.fetch_competition(session, "digits")
        assert row is not None
        submission = factories.make_submission(session, row, factories.make_user(session, "ann"))
        factories.make_evaluation(session, submission, status="running")
    answer = client.post(f"{PATH}/pools/retire", json=WHY, headers=admin)
    assert (answer.status_code, "still run" in answer.text) == (409, True)


def test_a_competition_that_is_not_prepared_cannot_be_opened(
    client: TestClient, admin: dict[str, str], engine: Engine, store: FolderStore
) -> None:
    make_sealed(engine, store, state="preparing", opens_by_hand=True)
    assert set_state(client, admin, "open") == 409


def test_what_is_prepared_is_opened_by_hand_and_its_pools_become_active(
    client: TestClient, admin: dict[str, str], engine: Engine, store: FolderStore
) -> None:
    make_sealed(engine, store, state="preparing", opens_by_hand=True, prepared_at=utc_now())
    assert "activate it" in client.get("/admin", headers=admin).text
    assert "Activate: open it" in client.get("/admin/competitions/digits/pools", headers=admin).text
    client.post("/admin/competitions/digits/pools/open", data=WHY, headers=admin)
    assert client.get("/api/v1/competitions/digits").json()["state"] == "open"
    assert read_states(client, admin) == ["active"]


@pytest.mark.parametrize("state", ["frozen", "closed"])
def test_activating_opens_nothing_that_was_frozen_or_closed(
    client: TestClient, admin: dict[str, str], engine: Engine, store: FolderStore, state: str
) -> None:
    make_sealed(engine, store, state=state)
    answer = client.post("/admin/competitions/digits/pools/open", data=WHY, headers=admin)
    assert (answer.status_code, "only preparing ones can be activated" in answer.text) == (409, True)
    assert client.get("/api/v1/competitions/digits").json()["state"] == state


def test_a_pool_that_was_sealed_before_seals_were_kept_is_no_fault(
    client: TestClient, admin: dict[str, str], engine: Engine
) -> None:
    with transaction(engine) as session:
        pool = factories.make_pool(session, factories.make_competition(session, "digits"), done=4)
        pool.state, pool.sealed_at = "sealed", utc_now()
    found = verify(client, admin)
    assert (found["intact"], found["items"][0]["faults"], found["items"][0]["pool"]["seal"]) == (True, [], None)
    page = client.post("/admin/competitions/digits/pools/verify", headers=admin).text
    assert "sealed without a record" in page


def test_nobody_sees_the_pools_of_no_competition(client: TestClient, admin: dict[str, str]) -> None:
    for method, path in (("GET", "pools"), ("POST", "pools/verify"), ("POST", "pools/retire")):
        assert client.request(method, f"{PATH}/{path}", json=WHY, headers=admin).status_code == 404


def test_what_another_competition_practises_on_is_kept_until_that_one_ends(
    client: TestClient, admin: dict[str, str], engine: Engine, store: FolderStore
) -> None:
    make_sealed(engine, store, state="closed")
    with transaction(engine) as session:
        own = competitions.fetch_competition(session, "digits")
        assert own is not None
        other = factories.make_competition(session, "other", exposure="public")
        session.add(Phase(competition_id=other.id, kind="practice", spec_id=own.spec_id, state="ready"))
    (shown,) = client.get(f"{PATH.replace('digits', 'other')}/pools", headers=admin).json()["items"]
    assert shown["role"] == "practice"
    answer = client.post(f"{PATH}/pools/retire", json=WHY, headers=admin)
    assert (answer.status_code, "another competition practises on" in answer.text) == (409, True)
    with transaction(engine) as session:
        session.get_one(Competition, other.id).state = "closed"
    assert client.post(f"{PATH}/pools/retire", json=WHY, headers=admin).status_code == 200
    assert read_states(client, admin) == ["retired"]


def test_the_pools_of_ones_own_practice_are_no_former_ones(
    client: TestClient, admin: dict[str, str], engine: Engine
) -> None:
    with transaction(engine) as session:
        row = factories.make_competition(session, "digits", exposure="public")
        spec = session.get_one(EvaluationSpec, factories.make_practice_phase(session, row).spec_id)
        session.add(Pool(problem_id=spec.problem_id, kind="original", size=1, state="active"))
    (shown,) = client.get(f"{PATH}/pools", headers=admin).json()["items"]
    assert shown["role"] == "practice"
    assert client.post(f"{PATH}/pools/retire", json=WHY, headers=admin).status_code == 409
