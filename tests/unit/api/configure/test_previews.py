from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select

from core.db.models.problems import Problem
from core.db.session import transaction
from core.settings import Settings
from core.storage import FolderStore
from tests import factories
from tests.unit.api.conftest import Broker, Login

PATH = "/api/v1/admin/competitions/digits/preview"
PAGE = "/admin/competitions/digits/preview"


@pytest.fixture
def admin(login: Callable[..., Login]) -> dict[str, str]:
    return login("root", "admin").headers


def make(engine: Engine, *, found: bool = False, private: bool = False, **changes: object) -> None:
    with transaction(engine) as session:
        row = factories.make_competition(session, "digits", state="draft")
        if found:
            factories.make_preview(session, row, **changes)
        if private:
            factories.make_private_phase(session, row)


def test_a_worker_is_asked_to_look_at_every_problem(
    client: TestClient, admin: dict[str, str], engine: Engine, broker: Broker
) -> None:
    make(engine, found=True, private=True)
    answer = client.post(PATH, headers=admin)
    assert answer.status_code == 202
    assert [(item["role"], item["made_at"]) for item in answer.json()["items"]] == [("public", None), ("private", None)]
    assert [task for task, _ in broker.sent] == ["lacuna.preview_problem"] * 2
    (entry,) = client.get("/api/v1/admin/audit", headers=admin).json()["items"]
    assert (entry["actor"], entry["action"], entry["subject"]) == ("root", "competition.preview", "competition/digits")


def test_what_a_worker_found_is_shown(client: TestClient, admin: dict[str, str], engine: Engine) -> None:
    make(engine, found=True)
    (item,) = client.get(PATH, headers=admin).json()["items"]
    assert item["counts"]["forget"] == [5, 7]
    page = client.get(PAGE, headers=admin).text
    assert "12 examples are to be forgotten" in page
    assert "Retrained: 256 models, about 15 min of one worker" in page
    assert "was dog" in page
    assert item["headroom"]["ratio"] == pytest.approx(4.0)
    assert "takes 4.0 times as long" in page
    assert "Not fit for prizes" in page


def test_a_preview_of_an_earlier_release_has_no_headroom(
    client: TestClient, admin: dict[str, str], engine: Engine
) -> None:
    make(engine, found=True, headroom=None)
    (item,) = client.get(PATH, headers=admin).json()["items"]
    assert item["headroom"] is None
    assert "fit for prizes" not in client.get(PAGE, headers=admin).text


LEARNT = {
    "original_retain": 0.99, "original_test": 0.9, "retrained_retain": 0.95, "retrained_test": 0.15,
    "guessing": 0.1, "models": 1,
}  # fmt: skip


def test_models_that_learnt_nothing_are_told_before_anybody_is_ranked_against_them(
    client: TestClient, admin: dict[str, str], engine: Engine
) -> None:
    make(engine, found=True, learning=LEARNT)
    (item,) = client.get(PATH, headers=admin).json()["items"]
    assert "hardly learnt" in item["learning"]["doubts"][0]
    assert "Not fit to rank anybody yet" in client.get(PAGE, headers=admin).text
    with transaction(engine) as session:  # what was measured of the pools themselves counts more
        session.scalars(select(Problem)).one().learning = LEARNT | {"retrained_test": 0.89, "models": 64}
    assert client.get(PATH, headers=admin).json()["items"][0]["learning"]["doubts"] == []
    assert "answer 95 % of the retain set" in client.get("/admin", headers=admin).text.replace("95%", "95 %")


def test_why_it_cannot_be_prepared_is_shown(client: TestClient, admin: dict[str, str], engine: Engine) -> None:
    make(engine, found=True, fault="the forget request names class 99")
    assert "names class 99" in client.get(PAGE, headers=admin).text


def test_the_page_asks_for_it(client: TestClient, admin: dict[str, str], engine: Engine, broker: Broker) -> None:
    make(engine)
    assert "There is no preview yet" in client.post(PAGE, headers=admin).text
    assert [task for task, _ in broker.sent] == ["lacuna.preview_problem"]


def test_a_sample_is_for_admins_and_never_kept(
    client: TestClient, admin: dict[str, str], engine: Engine, settings: Settings, login: Callable[..., Login]
) -> None:
    digest = FolderStore(settings.store_folder).put(b"a picture")
    make(engine, found=True, samples=[{"digest": digest, "id": 1, "class": "cat", "clean_class": "cat"}])
    answer = client.get(f"{PATH}/public/samples/0", headers=admin)
    assert (answer.content, answer.headers["cache-control"]) == (b"a picture", "private, no-store")
    assert client.get(f"{PATH}/public/samples/1", headers=admin).status_code == 404
    assert client.get(f"{PATH}/private/samples/0", headers=admin).status_code == 404
    assert client.get(f"{PATH}/public/samples/0", headers=login("olga", "organizer").headers).status_code == 403


def test_a_preview_is_in_no_public_answer(client: TestClient, admin: dict[str, str], engine: Engine) -> None:
    make(engine, found=True)
    assert "d" * 64 not in client.get("/api/v1/competitions/digits", headers=admin).text
