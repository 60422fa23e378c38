import tomllib
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from core.db.models.data_sets import DataSetVersion
from core.db.queries import competitions, phases
from core.db.session import reading, transaction
from core.problem_files import PROBLEM_FOLDER, parse_problem
from tests import factories
from tests.hidden_problems import make_hidden_values
from tests.unit.api.conftest import Broker, Login


@pytest.fixture
def admin(login: Callable[..., Login]) -> dict[str, str]:
    return login("root", "admin").headers


def make_file(competition: dict[str, Any] | None = None, **parts: Any) -> dict[str, Any]:
    values = tomllib.loads((PROBLEM_FOLDER / "digits.toml").read_text())
    for name, part in parts.items():
        values[name] = {**values[name], **part} if isinstance(part, dict) else part
    return values | ({"competition": competition} if competition else {})


def apply(client: TestClient, headers: dict[str, str], file: dict[str, Any], *, dry_run: bool = False) -> Any:
    params = {"dry_run": str(dry_run).lower()}
    return client.put(f"/api/v1/admin/competitions/{file['slug']}", json=file, params=params, headers=headers)


def list_fields(plan: dict[str, Any]) -> list[str]:
    return [change["field"] for change in plan["changes"]]


def add_score(engine: Engine, slug: str = "digits") -> None:
    with transaction(engine) as session:
        row = competitions.fetch_competition(session, slug)
        assert row is not None
        factories.make_scored(session, row, factories.make_user(session))


def test_a_file_becomes_a_competition_that_prepares(client: TestClient, admin: dict[str, str], broker: Broker) -> None:
    plan = apply(client, admin, make_file({"daily_limit": 3, "rules": "Be fair."})).json()
    assert (plan["effect"], plan["applied"], plan["state"]) == ("create", True, "preparing")
    assert [task for task, _ in broker.sent] == ["lacuna.prepare_problem"]
    view = client.get("/api/v1/competitions/digits").json()
    assert (view["daily_limit"], view["title"]) == (3, "Handwritten digits")
    assert client.get("/api/v1/competitions/digits/rules").json()["text"] == "Be fair."


def test_a_dry_run_changes_nothing(client: TestClient, admin: dict[str, str], broker: Broker) -> None:
    plan = apply(client, admin, make_file(), dry_run=True).json()
    assert (plan["effect"], plan["applied"], plan["state"]) == ("create", False, None)
    assert {"split.seed", "forget.kind", "data.package"} <= set(list_fields(plan))
    assert (client.get("/api/v1/competitions/digits").status_code, broker.sent) == (404, [])


def test_applying_twice_changes_nothing(client: TestClient, admin: dict[str, str]) -> None:
    file = make_file({"daily_limit": 3, "rules": "Be fair.", "closes_at": "2030-01-01T00:00:00Z"})
    apply(client, admin, file)
    again = apply(client, admin, file).json()
    assert (again["effect"], again["applied"], again["changes"]) == ("nothing", False, [])
    assert len(client.get("/api/v1/admin/audit", headers=admin).json()["items"]) == 1


def test_a_draft_trains_nothing(client: TestClient, admin: dict[str, str], broker: Broker) -> None:
    assert apply(client, admin, make_file({"draft": True})).json()["state"] == "draft"
    assert broker.sent == []


def test_the_title_may_change_under_scores(client: TestClient, admin: dict[str, str], engine: Engine) -> None:
    apply(client, admin, make_file())
    before = client.get("/api/v1/competitions/digits").json()
    add_score(engine)
    plan = apply(client, admin, make_file({"team_size": 2}, title="Other words")).json()
    assert (plan["effect"], list_fields(plan)) == ("update", ["title", "competition.team_size"])
    after = client.get("/api/v1/competitions/digits").json()
    assert (after["title"], after["spec_digest"]) == ("Other words", before["spec_digest"])
    assert apply(client, admin, make_file({"team_size": 2}, title="Other words")).json()["effect"] == "nothing"


def test_a_spec_without_scores_may_be_replaced(client: TestClient, admin: dict[str, str]) -> None:
    apply(client, admin, make_file())
    before = client.get("/api/v1/competitions/digits").json()["spec_digest"]
    plan = apply(client, admin, make_file(split={"seed": 9})).json()
    assert (plan["effect"], list_fields(plan)) == ("replace", ["split.seed"])
    assert client.get("/api/v1/competitions/digits").json()["spec_digest"] != before


def test_a_spec_with_scores_stays_and_the_refusal_names_a_new_version(
    client: TestClient, admin: dict[str, str], engine: Engine
) -> None:
    apply(client, admin, make_file())
    add_score(engine)
    changed = make_file(split={"seed": 9})
    plan = apply(client, admin, changed, dry_run=True).json()
    assert "digits-2" in plan["refused"]
    answer = apply(client, admin, changed)
    assert (answer.status_code, "split.seed" in answer.json()["detail"]) == (409, True)


@pytest.mark.parametrize("state", ["closed", "archived"])
def test_a_result_stands(client: TestClient, admin: dict[str, str], engine: Engine, state: str) -> None:
    apply(client, admin, make_file())
    with transaction(engine) as session:
        row = competitions.fetch_competition(session, "digits")
        assert row is not None
        row.state = state
    assert apply(client, admin, make_file(title="Other words")).status_code == 409


def test_a_file_for_another_slug_is_refused(client: TestClient, admin: dict[str, str]) -> None:
    answer = client.put("/api/v1/admin/competitions/other", json=make_file(), headers=admin)
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "file",
    [{}, {"slug": "x"}, make_file({"prize": 1}), make_file(data={"set": "faces@1"}), make_file(forget={"ids": [1]})],
)
def test_a_file_that_makes_no_sense_is_refused(client: TestClient, admin: dict[str, str], file: dict[str, Any]) -> None:
    assert client.put("/api/v1/admin/competitions/digits", json=file, headers=admin).status_code == 422


@pytest.fixture
def faces(engine: Engine) -> DataSetVersion:
    with transaction(engine) as session:
        return factories.make_data_set_version(session, "faces")


def on(reference: str) -> dict[str, Any]:
    return make_file() | {"data": {"set": reference}}


@pytest.mark.parametrize("name", ["1", "digest", "prefix"])
def test_a_data_set_is_kept_by_its_full_digest(
    client: TestClient, admin: dict[str, str], engine: Engine, faces: DataSetVersion, name: str
) -> None:
    digest = faces.digest or ""
    reference = f"faces@{ {'1': '1', 'digest': digest, 'prefix': digest[:60]}[name] }"
    assert apply(client, admin, on(reference)).json()["data_set"] == f"faces@{digest}"
    with reading(engine) as session:
        row = competitions.fetch_competition(session, "digits")
        assert row is not None
        assert row.spec.body["problem"]["data"]["options"] == {"set": f"faces@{digest}"}
    assert apply(client, admin, on("faces@1")).json()["effect"] == "nothing"


def test_a_data_set_that_is_not_there_is_named(client: TestClient, admin: dict[str, str]) -> None:
    assert apply(client, admin, on("faces@1")).status_code == 404


def test_a_data_set_must_be_ready(
    client: TestClient, admin: dict[str, str], engine: Engine, faces: DataSetVersion
) -> None:
    with transaction(engine) as session:
        row = session.get_one(DataSetVersion, faces.id)
        row.outcome, row.digest, row.state = None, None, "pending"
    answer = apply(client, admin, on("faces@1"))
    assert (answer.status_code, "wait until a worker has read it" in answer.text) == (409, True)


def test_many_ids_are_shown_by_their_number(client: TestClient, admin: dict[str, str]) -> None:
    file = make_file() | {"forget": {"kind": "ids", "ids": list(range(50))}}
    plan = apply(client, admin, file, dry_run=True).json()
    (shown,) = [change["after"] for change in plan["changes"] if change["field"] == "forget.ids"]
    assert shown.startswith("50 items, SHA-256 ")


@pytest.mark.parametrize("role", ["participant", "organizer"])
def test_only_admins_configure(client: TestClient, login: Callable[..., Login], role: str) -> None:
    assert apply(client, login("olga", role).headers, make_file()).status_code == 403


PRIVATE = {
    "forget": {"kind": "random", "fraction": 0.2, "seed": 2**64 + 99},
    "split_seed": 2**64 + 97,
    "pool_seed": 2**64 + 98,
}


def test_a_private_request_is_part_of_the_file(client: TestClient, admin: dict[str, str], engine: Engine) -> None:
    apply(client, admin, make_file())
    plan = apply(client, admin, make_file() | {"private": PRIVATE}).json()
    assert (plan["effect"], plan["applied"]) == ("update", True)
    assert {"private.forget.seed", "private.pool_seed"} <= set(list_fields(plan))
    with reading(engine) as session:
        row = competitions.fetch_competition(session, "digits")
        assert row is not None
        phase = phases.fetch_private_phase(session, row.id)
        assert phase is not None
        assert phase.spec.body["problem"]["forget"]["seed"] == f"0x{2**64 + 99:032x}"
    assert apply(client, admin, make_file() | {"private": PRIVATE}).json()["effect"] == "nothing"


def test_the_audit_log_does_not_tell_the_private_request(client: TestClient, admin: dict[str, str]) -> None:
    apply(client, admin, make_file() | {"private": PRIVATE})
    (entry,) = client.get("/api/v1/admin/audit", headers=admin).json()["items"]
    assert entry["detail"]["changes"]["private.forget.seed"] == ["hidden", "hidden"]


def test_a_private_phase_that_has_begun_stays(client: TestClient, admin: dict[str, str], engine: Engine) -> None:
    apply(client, admin, make_file() | {"private": PRIVATE})
    with transaction(engine) as session:
        row = competitions.fetch_competition(session, "digits")
        assert row is not None
        phase = phases.fetch_private_phase(session, row.id)
        assert phase is not None
        phase.state = "scoring"
    answer = apply(client, admin, make_file() | {"private": PRIVATE | {"pool_seed": 2**64 + 1}})
    assert (answer.status_code, "private phase" in answer.text) == (409, True)


def test_a_limit_is_taken_away_by_nought(client: TestClient, admin: dict[str, str]) -> None:
    apply(client, admin, make_file({"total_limit": 4, "selection_limit": 1}))
    assert client.get("/api/v1/competitions/digits").json()["selection_limit"] == 1
    plan = apply(client, admin, make_file({"total_limit": 0})).json()
    assert [(each["field"], each["before"], each["after"]) for each in plan["changes"]] == [
        ("competition.total_limit", 4, None)
    ]
    assert apply(client, admin, make_file({"total_limit": 0})).json()["effect"] == "nothing"


def test_a_deadline_in_another_zone_is_the_same_deadline(client: TestClient, admin: dict[str, str]) -> None:
    apply(client, admin, make_file({"closes_at": "2090-01-01T12:00:00Z"}))
    assert apply(client, admin, make_file({"closes_at": "2090-01-01T13:00:00+01:00"})).json()["effect"] == "nothing"


def test_the_deadline_stands_once_the_private_phase_is_read(
    client: TestClient, admin: dict[str, str], engine: Engine
) -> None:
    apply(client, admin, make_file({"publish_approvals": 2}))
    with transaction(engine) as session:
        row = competitions.fetch_competition(session, "digits")
        assert row is not None
        factories.make_private_phase(session, row, state="scoring")
    for own in ({"closes_at": "2090-01-01T00:00:00Z"}, {"selection_limit": 9}, {"publish_approvals": 1}):
        assert apply(client, admin, make_file(own)).status_code == 409
    assert apply(client, admin, make_file({"daily_limit": 9})).status_code == 200


def make_unsaid() -> dict[str, Any]:
    """A public competition with a private phase whose seeds are left to the platform."""
    values = make_file() | {"exposure": "public", "private": {"forget": {"kind": "random", "fraction": 0.2}}}
    for part in ("split", "forget", "pools"):
        values[part] = {name: value for name, value in values[part].items() if name != "seed"}
    return values


def fetch_seeds(engine: Engine, slug: str = "digits") -> list[int]:
    with reading(engine) as session:
        row = competitions.fetch_competition(session, slug)
        assert row is not None
        phase = phases.fetch_private_phase(session, row.id)
        specs = [row.spec, *([phase.spec] if phase else [])]
        return [seed for spec in specs for seed in parse_problem(spec.body["problem"], source="it").seeds.values()]


def test_seeds_that_a_hidden_competition_leaves_out_are_drawn_once(
    client: TestClient, admin: dict[str, str], engine: Engine
) -> None:
    plan = apply(client, admin, make_unsaid()).json()
    told = {change["field"]: change["after"] for change in plan["changes"] if change["field"].endswith("seed")}
    assert set(told.values()) == {"drawn by the platform"}
    seeds = fetch_seeds(engine)
    assert len(set(seeds)) == 5
    assert min(seeds) >= 2**64
    assert max(seeds) > 2**100
    assert apply(client, admin, make_unsaid()).json()["effect"] == "nothing"
    assert apply(client, admin, make_unsaid() | {"title": "Others"}).json()["effect"] == "update"
    assert fetch_seeds(engine) == seeds
    assert apply(client, admin, make_unsaid() | {"slug": "other"}).json()["applied"]
    assert not set(fetch_seeds(engine, "other")) & set(seeds)


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_small_seed_of_a_hidden_competition_is_refused_with_the_reason(
    client: TestClient, admin: dict[str, str], *, dry_run: bool
) -> None:
    answer = apply(client, admin, make_file() | {"exposure": "public"}, dry_run=dry_run)
    assert (answer.status_code, "can be found by trying" in answer.json()["detail"]) == (422, True)


@pytest.mark.parametrize("hidden_first", [True, False])
def test_no_practice_problem_shares_a_seed_with_a_hidden_one(
    client: TestClient, admin: dict[str, str], *, hidden_first: bool
) -> None:
    shared = 2**100 + 1
    hidden = make_hidden_values(make_file()) | {"slug": "secret"}
    hidden["pools"]["seed"] = shared
    shown = make_file(split={"seed": f"0x{shared:032x}"})
    first, second = (hidden, shown) if hidden_first else (shown, hidden)
    assert apply(client, admin, first).status_code == 200
    answer = apply(client, admin, second)
    assert (answer.status_code, f"a seed of the problem {first['slug']} too" in answer.json()["detail"]) == (422, True)


def test_what_was_shown_is_no_seed_of_a_competition_that_becomes_hidden(
    client: TestClient, admin: dict[str, str], engine: Engine
) -> None:
    apply(client, admin, make_file(split={"seed": 2**100}))
    apply(client, admin, make_unsaid())
    assert 2**100 not in fetch_seeds(engine)
