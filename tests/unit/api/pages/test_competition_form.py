import html
import re
import tomllib
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from api.configure.form import fill_form
from core.db.session import transaction
from core.problem_files import PROBLEM_FOLDER
from tests import factories
from tests.unit.api.conftest import Broker, Login

NEW = "/admin/competitions/new"


@pytest.fixture
def admin(login: Callable[..., Login]) -> dict[str, str]:
    return login("root", "admin").headers


def make_fields(**fields: Any) -> dict[str, Any]:
    document = tomllib.loads((PROBLEM_FOLDER / "digits.toml").read_text())
    return fill_form(document) | {name.replace("__", "."): value for name, value in fields.items()}


def read_input(page: str, name: str) -> str:
    found = re.search(rf'name="{re.escape(name)}"[^>]* value="([^"]*)"', page)
    assert found is not None
    return html.unescape(found[1])


def test_a_competition_is_set_up_without_a_file(client: TestClient, admin: dict[str, str], broker: Broker) -> None:
    planned = client.post(NEW, data=make_fields(slug="mine", competition__daily_limit="7"), headers=admin)
    assert ("<code>split.seed</code>" in planned.text, broker.sent) == (True, [])
    applied = client.post("/admin/apply", data={"values": read_input(planned.text, "values")}, headers=admin)
    assert applied.status_code == 200
    assert client.get("/api/v1/competitions/mine").json()["daily_limit"] == 7


def test_a_mistake_is_said_beside_its_field(client: TestClient, admin: dict[str, str]) -> None:
    answer = client.post(NEW, data=make_fields(pools__replicas="3", title="Kept as it was typed"), headers=admin)
    assert answer.status_code == 422
    assert 'id="pools.replicas" aria-describedby="pools.replicas-about pools.replicas-wrong"' in answer.text
    assert re.search(r'<strong class="wrong" id="pools.replicas-wrong">Input should be', answer.text)
    assert "Kept as it was typed" in answer.text


def test_the_file_of_the_form_can_be_downloaded(client: TestClient, admin: dict[str, str]) -> None:
    answer = client.post(NEW, data=make_fields(do="toml", slug="mine"), headers=admin)
    assert answer.headers["content-disposition"] == 'attachment; filename="mine.toml"'
    assert tomllib.loads(answer.text)["slug"] == "mine"


def test_ids_come_from_a_chosen_file(client: TestClient, admin: dict[str, str]) -> None:
    fields = make_fields(do="toml", forget__kind="ids")
    files = {"forget.ids.file": ("ids.csv", b"id\n5\n7\n")}
    answer = client.post(NEW, data=fields, files=files, headers=admin)
    assert tomllib.loads(answer.text)["forget"] == {"kind": "ids", "ids": [5, 7]}


def test_a_file_of_ids_that_is_no_text_is_refused(client: TestClient, admin: dict[str, str]) -> None:
    files = {"forget.ids.file": ("ids.csv", b"\xff\xfe")}
    assert client.post(NEW, data=make_fields(), files=files, headers=admin).status_code == 422


def test_seeds_are_drawn_on_the_server_and_the_rest_is_kept(client: TestClient, admin: dict[str, str]) -> None:
    fields = make_fields(do="draw", title="As it was", split__seed="1")
    pages = [client.post(NEW, data=fields, headers=admin).text for _ in range(2)]
    assert read_input(pages[0], "split.seed") != read_input(pages[1], "split.seed")
    assert {read_input(page, "title") for page in pages} == {"As it was"}


def test_a_form_from_a_shipped_problem_has_a_free_name_and_fresh_seeds(
    client: TestClient, admin: dict[str, str], engine: Engine
) -> None:
    with transaction(engine) as session:
        factories.make_competition(session, "digits")
    pages = [client.get(NEW, params={"start": "problem:digits"}, headers=admin).text for _ in range(2)]
    assert read_input(pages[0], "slug") == "digits-2"
    assert read_input(pages[0], "pools.seed") != read_input(pages[1], "pools.seed")


@pytest.mark.parametrize("start", ["problem:none", "competition:none", "problem:/etc/x.toml", "else"])
def test_a_form_from_nothing_says_so(client: TestClient, admin: dict[str, str], start: str) -> None:
    assert client.get(NEW, params={"start": start}, headers=admin).status_code in (404, 422)


def test_a_form_from_a_competition_changes_nothing(client: TestClient, admin: dict[str, str]) -> None:
    file = tomllib.loads((PROBLEM_FOLDER / "digits.toml").read_text())
    own = {"rules": "Be fair.", "total_limit": 9, "closes_at": "2090-01-01T00:00:00Z"}
    client.put("/api/v1/admin/competitions/digits", json=file | {"competition": own}, headers=admin)
    document = client.get("/api/v1/admin/competitions/digits/file", headers=admin).json()
    assert document["competition"].items() >= {"rules": "Be fair.", "total_limit": 9}.items()
    again = client.put("/api/v1/admin/competitions/digits", json=document, headers=admin).json()
    assert (again["effect"], again["changes"]) == ("nothing", [])
    answer = client.post(NEW, data=fill_form(document), headers=admin)
    assert "Nothing changes." in answer.text


def test_ready_data_sets_can_be_chosen(client: TestClient, admin: dict[str, str], engine: Engine) -> None:
    with transaction(engine) as session:
        factories.make_data_set_version(session, "faces")
    page = client.get(NEW, headers=admin).text
    assert re.search(r'<option value="set:faces@[0-9a-f]{64}">faces@1, ', page)
