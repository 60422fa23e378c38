import importlib
import pkgutil
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import inspect, text

from core.db import models
from core.db.base import Base
from core.db.migrate import make_config, upgrade_database
from core.db.session import get_engine, transaction
from core.domain.errors import PlatformFault
from tests.database import make_database
from tests.rows import REVISIONS, go_down_and_up_with_rows

MODELS = [module.name for module in pkgutil.iter_modules(models.__path__)]


def test_models_and_migrations_agree(tmp_path: Path) -> None:
    engine = make_database(tmp_path)
    command.check(make_config(engine.url.render_as_string(hide_password=False)))


def test_every_table_is_made_and_unmade(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'lacuna.sqlite'}"
    upgrade_database(url)
    assert set(inspect(get_engine(url)).get_table_names()) == {*Base.metadata.tables, "alembic_version"}
    command.downgrade(make_config(url), "base")
    assert inspect(get_engine(url)).get_table_names() == ["alembic_version"]


def test_upgrading_twice_changes_nothing(tmp_path: Path) -> None:
    engine = make_database(tmp_path)
    upgrade_database(engine.url.render_as_string(hide_password=False))


@pytest.mark.parametrize("topic", MODELS)
def test_a_topic_s_first_revision_makes_the_tables_of_its_models(tmp_path: Path, topic: str) -> None:
    url = f"sqlite:///{tmp_path / 'lacuna.sqlite'}"
    [revision] = [each for each in REVISIONS if each.split("_", 1)[1] == topic]
    command.upgrade(make_config(url), revision)
    after = set(inspect(get_engine(url)).get_table_names())
    command.downgrade(make_config(url), "-1")
    before = set(inspect(get_engine(url)).get_table_names())
    module = importlib.import_module(f"core.db.models.{topic}")
    tables = {row.local_table.name for row in Base.registry.mappers if row.class_.__module__ == module.__name__}
    assert after - before - {"alembic_version"} == tables


def test_rows_survive_every_revision_on_the_way_down_and_up_again(tmp_path: Path) -> None:
    engine = make_database(tmp_path)
    go_down_and_up_with_rows(engine)
    with transaction(engine) as session:
        assert session.scalar(text("PRAGMA foreign_keys")) == 1


@pytest.mark.parametrize(
    ("revision", "origin"), [("0015", "made by a version before 0.2"), ("0099_later", "made by a newer version")]
)
def test_a_database_of_another_version_is_refused_in_one_line(tmp_path: Path, revision: str, origin: str) -> None:
    engine = make_database(tmp_path)
    with transaction(engine) as session:
        session.execute(text(f"UPDATE alembic_version SET version_num = '{revision}'"))
    with pytest.raises(PlatformFault, match=origin) as caught:
        upgrade_database(engine.url.render_as_string(hide_password=False))
    assert "\n" not in caught.value.message
    assert revision in caught.value.message
