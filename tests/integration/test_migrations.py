import pytest
from alembic import command
from sqlalchemy import inspect

from core.db.base import Base
from core.db.migrate import make_config, upgrade_database
from core.db.session import get_engine
from tests.rows import go_down_and_up_with_rows

pytestmark = pytest.mark.integration


def test_models_and_migrations_agree_on_postgresql_and_every_table_is_unmade(postgres_url: str) -> None:
    upgrade_database(postgres_url)
    command.check(make_config(postgres_url))
    assert set(inspect(get_engine(postgres_url)).get_table_names()) == {*Base.metadata.tables, "alembic_version"}
    command.downgrade(make_config(postgres_url), "base")
    assert inspect(get_engine(postgres_url)).get_table_names() == ["alembic_version"]
    get_engine(postgres_url).dispose()


def test_rows_survive_every_revision_on_postgresql(postgres_url: str) -> None:
    upgrade_database(postgres_url)
    go_down_and_up_with_rows(get_engine(postgres_url))
    get_engine(postgres_url).dispose()
