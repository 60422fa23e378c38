import pytest
from alembic import command
from sqlalchemy import inspect, text
from sqlalchemy.exc import DatabaseError

from core.db.base import Base
from core.db.migrate import make_config, upgrade_database
from core.db.queries import audit
from core.db.session import get_engine, transaction
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


@pytest.mark.parametrize("statement", ["UPDATE audit_entries SET actor = 'nobody'", "DELETE FROM audit_entries"])
def test_the_audit_log_is_append_only_on_postgresql(postgres_url: str, statement: str) -> None:
    upgrade_database(postgres_url)
    engine = get_engine(postgres_url)
    with transaction(engine) as session:
        audit.record(session, actor="ann", action="look", subject="", detail={})
    with pytest.raises(DatabaseError, match="append-only"), transaction(engine) as session:
        session.execute(text(statement))
    engine.dispose()
