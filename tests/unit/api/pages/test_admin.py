import html
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from core.db.base import utc_now
from core.db.models.submissions import Calibration
from core.db.session import transaction
from core.problem_files import PROBLEM_FOLDER
from tests import factories
from tests.unit.api.conftest import Broker, Login

DIGITS = (PROBLEM_FOLDER / "digits.toml").read_text()


@pytest.fixture
def admin(login: Callable[..., Login]) -> dict[str, str]:
    return login("root", "admin").headers


def read_values(page: str) -> str:
    found = re.search(r'name="values" value="([^"]*)"', page)
    assert found is not None
    return html.unescape(found[1])


def test_a_file_is_planned_then_applied(client: TestClient, admin: dict[str, str], broker: Broker) -> None:
    planned = client.post("/admin/plan", data={"text": DIGITS}, headers=admin)
    assert "<code>split.seed</code>" in planned.text
    assert broker.sent == []
    answer = client.post(
        "/admin/apply", data={"values": read_values(planned.text)}, headers=admin, follow_redirects=False
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin")
    page = client.get("/admin", headers=admin).text
    assert "Handwritten digits" in page


def test_a_draft_is_let_prepare(client: TestClient, admin: dict[str, str], broker: Broker) -> None:
    text = DIGITS + "\n[competition]\ndraft = true\n"
    planned = client.post("/admin/plan", files={"file": ("c.toml", text.encode())}, headers=admin)
    client.post("/admin/apply", data={"values": read_values(planned.text)}, headers=admin)
    assert broker.sent == []
    assert "Prepare: train its pools" in client.get("/admin", headers=admin).text
    client.post("/admin/competitions/digits/prepare", headers=admin)
    assert [task for task, _ in broker.sent] == ["lacuna.prepare_problem"]
    assert client.post("/admin/competitions/digits/prepare", headers=admin).status_code == 409


def test_ids_come_from_a_second_file(client: TestClient, admin: dict[str, str]) -> None:
    text = DIGITS.replace('kind = "random"\nfraction = 0.125\nseed = 2', 'kind = "ids"')
    files = {"file": ("c.toml", text.encode()), "ids": ("ids.csv", b"id\n5\n7\n")}
    planned = client.post("/admin/plan", files=files, headers=admin)
    assert '"ids": [5, 7]' in read_values(planned.text)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"text": "slug = "}, "not valid TOML"),
        ({"text": 'slug = "x"'}, "title"),
        ({"text": DIGITS.replace("seed = 2", "seed = -1", 1)}, "split.seed"),
    ],
)
def test_a_file_that_makes_no_sense_comes_back(
    client: TestClient, admin: dict[str, str], fields: dict[str, str], reason: str
) -> None:
    answer = client.post("/admin/plan", data=fields, headers=admin)
    assert (answer.status_code, reason in answer.text) == (422, True)


@pytest.mark.parametrize("values", ["[]", "{", "[" * 50_000])
def test_a_damaged_form_is_refused(client: TestClient, admin: dict[str, str], values: str) -> None:
    assert client.post("/admin/apply", data={"values": values}, headers=admin).status_code == 422


def test_pools_are_shown_with_progress_and_time_left(client: TestClient, admin: dict[str, str], engine: Engine) -> None:
    with transaction(engine) as session:
        row = factories.make_competition(session, "faces", state="preparing", exposure="private")
        factories.make_pool(session, row, done=2).created_at = utc_now() - timedelta(seconds=100)
    assert '<progress value="128" max="256"' in client.get("/admin", headers=admin).text
    (found,) = client.get("/api/v1/admin/competitions", headers=admin).json()["items"]
    # 128 of the 513 models in 100 s
    assert found["preparation"]["seconds_left"] == pytest.approx(100 * 385 / 128, rel=0.05)
    assert (found["exposure"], found["calibrations"], found["data_set"]) == ("private", [], None)


def test_what_retraining_costs_says_its_doubt(client: TestClient, admin: dict[str, str], engine: Engine) -> None:
    with transaction(engine) as session:
        row = factories.make_competition(session, "digits")
        owner = factories.make_user(session, "platform")
        run = factories.make_evaluation(session, factories.make_submission(session, row, owner))
        for node_class, doubt in (("cpu", "yardsticks differ"), ("fast", "")):
            seconds = {"wall": [0.4], "cpu": [0.2], "doubt": doubt}
            values = {"spec_id": row.spec_id, "node_class": node_class, "evaluation_id": run.id}
            session.add(Calibration(filename="retrain.py", seconds=seconds, **values))
    (found,) = client.get("/api/v1/admin/competitions", headers=admin).json()["items"]
    doubts = {each["node_class"]: each["doubt"] for each in found["calibrations"]}
    assert doubts == {"cpu": "yardsticks differ", "fast": ""}
    page = client.get("/admin", headers=admin).text
    assert page.count("in doubt") == 1
    assert "yardsticks differ" in page


def test_the_public_card_of_a_hidden_problem_does_not_name_its_data_set(
    client: TestClient, admin: dict[str, str], engine: Engine
) -> None:
    with transaction(engine) as session:
        version = factories.make_data_set_version(session, "faces")
    data = f'[data]\nset = "faces@{version.number}"\n'
    text = DIGITS.replace('[data]\npackage = "digits"\n', data).replace('"practice"', '"private"')
    text = re.sub(r"^seed = .*\n", "", text, flags=re.MULTILINE)  # the platform draws those of a hidden phase
    planned = client.post("/admin/plan", data={"text": text}, headers=admin)
    client.post("/admin/apply", data={"values": read_values(planned.text)}, headers=admin)
    public = client.get("/api/v1/competitions/digits").text
    assert "faces@" not in public
    assert version.digest
    assert version.digest not in public
    assert f"faces@{version.digest}" in client.get("/api/v1/competitions/digits", headers=admin).text
