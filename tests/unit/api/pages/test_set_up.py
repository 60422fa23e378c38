"""A competition set up in steps: kept as one goes, checked a page at a time, looked over, made."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine

from api.configure.fields import FIELDS, SECTIONS, SetUpStep
from core.db.queries import set_ups
from core.db.session import transaction
from core.domain.competition_settings import SETTINGS, Topic
from tests import factories
from tests.unit.api.conftest import Login

HERE = "/admin/set-up"
RUNNING = {"competition.draft": "on", "competition.open": "by itself", "competition.daily_limit": "7"}


@pytest.fixture
def admin(client: TestClient, login: Callable[..., Login]) -> TestClient:
    client.headers.update(login("root", "admin").headers | {"Accept": "text/html"})
    return client


@pytest.fixture
def path(admin: TestClient) -> str:
    answer = admin.post(HERE, data={"start": "problem:digits"}, follow_redirects=False)
    return str(answer.headers["location"]).removesuffix("/name")


def save(admin: TestClient, address: str, do: str = "next", **values: str) -> Response:
    """The fields of the step as the page has them, but for these."""
    page = admin.get(address).text
    found: dict[str, Any] = dict(re.findall(r'<input type="text" name="([^"]+)"[^>]* value="([^"]*)"', page))
    for name, value in re.findall(r'<input type="checkbox" name="([^"]+)" value="([^"]*)" checked', page):
        found.setdefault(name, []).append(value)
    for name, options in re.findall(r'<select name="([^"]+)"[^>]*>(.*?)</select>', page, re.S):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else ""
    return admin.post(address, data={**found, **values, "do": do}, follow_redirects=False)


def test_five_steps_make_a_competition(admin: TestClient, path: str) -> None:
    values = {"name": {"slug": "mine", "title": "Mine"}, "running": RUNNING}
    steps = list(SetUpStep)
    for step, after in zip(steps, [*steps[1:], None], strict=True):
        answer = save(admin, f"{path}/{step}", **values.get(step, {}))
        assert answer.headers["location"] == (f"{path}/{after}" if after else path)
    assert "What the file for mine would change" in admin.get(path).text
    made = admin.post(path, follow_redirects=False)
    assert made.headers["location"] == "/competitions/mine/organize"
    found = admin.get("/api/v1/competitions/mine").json()
    assert (found["title"], found["daily_limit"], found["state"]) == ("Mine", 7, "draft")
    assert admin.get(path).status_code == 404


def test_a_mistake_stops_the_step_and_what_was_typed_is_kept(admin: TestClient, path: str) -> None:
    answer = save(admin, f"{path}/judging", **{"pools.replicas": "many", "evaluation.compute_budget": "0.3"})
    assert answer.status_code == 422
    assert '<strong class="wrong" id="pools.replicas-wrong">This must be a whole number.</strong>' in answer.text
    assert 'value="0.3"' in admin.get(f"{path}/judging").text


def test_another_step_s_mistake_stops_only_the_making(admin: TestClient, path: str) -> None:
    save(admin, f"{path}/judging", "later", **{"pools.replicas": "many"})
    assert save(admin, f"{path}/name").status_code == 303
    page = admin.get(path).text
    assert f'<a href="{path}/judging#pools.replicas">Retrained models</a>' in page
    assert "Make it" not in page
    refused = admin.post(path)
    assert (refused.status_code, "this must be a whole number" in refused.text) == (422, True)


@pytest.mark.parametrize(("do", "leads"), [("back", "/name"), ("later", "")])
def test_a_step_is_left_without_a_check(admin: TestClient, path: str, do: str, leads: str) -> None:
    answer = save(admin, f"{path}/data", do, **{"recipe.epochs": "many"})
    assert answer.headers["location"] == (f"{path}{leads}" if leads else HERE)
    assert 'value="many"' in admin.get(f"{path}/data").text


def test_what_is_begun_is_listed_and_can_be_removed(admin: TestClient, path: str) -> None:
    save(admin, f"{path}/name", "later", title="Half made")
    assert f'<a href="{path}/name">Half made</a>' in admin.get(HERE).text
    assert "Half made" not in admin.post(f"{path}/remove").text


def test_the_server_draws_seeds_and_draws_again_when_asked(admin: TestClient, path: str) -> None:
    def read_seed() -> str:
        found = re.search(r'name="split.seed"[^>]* value="([^"]*)"', admin.get(f"{path}/request").text)
        assert found is not None
        return found[1]

    first = read_seed()
    assert len(first) > 20
    assert save(admin, f"{path}/request", "draw").headers["location"] == f"{path}/request"
    assert read_seed() != first


def test_it_may_begin_with_a_copy_of_a_competition(admin: TestClient, engine: Engine) -> None:
    with transaction(engine) as session:
        factories.make_competition(session, "digits", title="Old")
    admin.post(HERE, data={"start": "copy:digits"})
    with transaction(engine) as session:
        (row,) = set_ups.fetch_set_ups(session)
        assert (row.values["title"], row.values["slug"]) == ("Old", "digits-2")


def test_every_field_stands_in_one_step_and_most_are_folded() -> None:
    steps = [section.step for section in SECTIONS]
    assert steps == sorted(steps, key=list(SetUpStep).index)
    plain = {step: 0 for step in SetUpStep}
    for section in SECTIONS:
        plain[section.step] += sum(not field.is_advanced and not section.switch for field in section.fields)
    assert max(plain.values()) <= 13  # short: what a first competition needs
    assert sum(field.is_advanced for field in FIELDS) > len(FIELDS) / 3


def test_every_topic_of_settings_has_one_that_is_not_folded() -> None:
    assert {setting.topic for setting in SETTINGS if not setting.is_advanced} == set(Topic)
