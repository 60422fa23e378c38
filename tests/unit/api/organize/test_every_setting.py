"""Every setting of a competition is in its file, in the API, in both forms and in the terminal, and nothing else is."""

from collections.abc import Callable
from datetime import datetime
from types import NoneType
from typing import Any, get_args

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import DateTime, Engine, Integer, inspect
from typer.main import get_command

from api.configure.fields import FIELDS, Kind
from api.organize.schemas import SettingsChange
from api.pages.settings_form import SettingsForm
from cli.staff.organize import organize_app
from core.competition_file import SECTION, CompetitionPart
from core.db.models.contests import Competition
from core.db.session import transaction
from core.domain.competition_settings import SETTINGS, Setting
from core.domain.phases import PhaseKind
from tests import factories
from tests.unit.api.conftest import Login

NAMES = {setting.name for setting in SETTINGS}
ADMIN = "/api/v1/admin/competitions/digits"
MOMENT = "2099-12-31T23:59:00"
each_setting = pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)


@pytest.fixture(autouse=True)
def competition(engine: Engine) -> Competition:
    with transaction(engine) as session:
        row = factories.make_competition(session, "digits")
        for kind in (PhaseKind.PRACTICE, PhaseKind.PRIVATE):
            factories.make_phase(session, row, kind, state="ready")
        return row


@pytest.fixture
def root(login: Callable[..., Login]) -> dict[str, str]:
    return login("root", "admin").headers


def choose_value(setting: Setting) -> Any:
    """One that no competition has before it is set."""
    return f"{MOMENT}Z" if setting.kind is datetime else setting.most


def change(client: TestClient, headers: dict[str, str], **values: Any) -> Any:
    return client.patch(ADMIN, json={"reason": "a test", **values}, headers=headers)


@each_setting
def test_a_setting_is_a_column_that_may_be_empty_where_there_may_be_none(setting: Setting) -> None:
    column = inspect(Competition).columns[setting.name]
    assert isinstance(column.type, Integer) == (setting.kind is int)
    assert isinstance(getattr(column.type, "impl", None), DateTime) == (setting.kind is datetime)
    assert column.nullable == bool(setting.none)


def test_the_file_takes_every_setting_and_four_words_more() -> None:
    assert set(CompetitionPart.model_fields) == NAMES | {"open", "draft", "overview", "rules"}


def test_the_api_takes_every_setting_and_a_reason() -> None:
    assert set(SettingsChange.model_fields) == NAMES | {"reason"}


@each_setting
def test_the_api_says_what_a_setting_is_and_takes_none_where_there_may_be_none(setting: Setting) -> None:
    schema = SettingsChange.model_json_schema()
    described = schema["properties"][setting.name]
    assert described["description"].startswith(setting.label)
    assert schema["required"] == ["reason"]
    assert "default" not in described
    annotation = SettingsChange.model_fields[setting.name].annotation
    assert (NoneType in get_args(annotation)) == bool(setting.none)


def test_the_form_of_a_competition_asks_for_what_its_file_takes() -> None:
    asked = {field.path: field for field in FIELDS if field.path.startswith(f"{SECTION}.")}
    assert set(asked) == {f"{SECTION}.{name}" for name in CompetitionPart.model_fields}
    for setting in SETTINGS:
        field = asked[f"{SECTION}.{setting.name}"]
        assert field.label == setting.label
        assert (field.kind is Kind.MOMENT) == (setting.kind is datetime)


def test_the_form_of_organizers_sends_every_setting() -> None:
    assert set(SettingsForm.model_fields) == NAMES | {"reason"}


def test_the_terminal_has_an_option_for_every_setting() -> None:
    command: Any = get_command(organize_app)
    options = {each.name: each for each in command.commands["set"].params}
    assert set(options) - {"competition", "because", "url", "as_json", "help"} == NAMES
    for setting in SETTINGS:
        assert options[setting.name].opts == [f"--{setting.name.replace('_', '-')}"]
        assert options[setting.name].help.startswith(setting.label)


def test_what_the_api_sets_stands_in_the_file_and_in_the_form(client: TestClient, root: dict[str, str]) -> None:
    values = {setting.name: choose_value(setting) for setting in SETTINGS}
    assert change(client, root, **values).status_code == 200
    found = client.get(f"{ADMIN}/file", headers=root).json()[SECTION]
    text = client.get("/competitions/digits/organize/settings", headers=root | {"Accept": "text/html"}).text
    for name, value in values.items():
        assert str(found[name]).replace("+00:00", "Z") == str(value)
        shown = text.split(f'id="{name}"')[1].split("</p>")[0]
        assert f'value="{value}"'.replace("Z", "") in shown or f"<option selected>{value}</option>" in shown


def test_a_value_beyond_its_bounds_is_refused(client: TestClient, root: dict[str, str]) -> None:
    for setting in SETTINGS:
        wrong = "soon" if setting.kind is datetime else setting.most + 1
        answer = change(client, root, **{setting.name: wrong})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"/{setting.name}")
        assert change(client, root, **{setting.name: None}).status_code == 422


@pytest.mark.parametrize("setting", [each for each in SETTINGS if each.none], ids=lambda setting: setting.name)
def test_what_there_may_be_none_of_is_taken_away_and_is_so_in_the_file(
    client: TestClient, root: dict[str, str], setting: Setting
) -> None:
    change(client, root, **{setting.name: choose_value(setting)})
    assert change(client, root, **{setting.name: None}).status_code == 200
    document = client.get(f"{ADMIN}/file", headers=root).json()
    assert document[SECTION].get(setting.name, 0) == 0
    plan = client.put(ADMIN, json=document, params={"dry_run": "true"}, headers=root).json()
    assert not [each for each in plan["changes"] if each["field"].startswith(f"{SECTION}.")]
