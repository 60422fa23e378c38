from pathlib import Path

from alembic import command
from sqlalchemy import inspect

from core.db.base import Base
from core.db.migrate import make_config, upgrade_database
from core.db.session import get_engine
from tests.database import make_database


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
