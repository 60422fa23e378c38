from pathlib import Path

from alembic import command
from sqlalchemy import Engine, func, inspect, select, text

from core.db.base import Base
from core.db.migrate import make_config, upgrade_database
from core.db.session import get_engine, reading, transaction
from tests import factories
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


def test_rows_survive_the_way_down_and_up_again(tmp_path: Path) -> None:
    engine = make_database(tmp_path)
    url = engine.url.render_as_string(hide_password=False)
    with transaction(engine) as session:
        competition = factories.make_competition(session, "digits")
        factories.make_pool(session, competition)
        factories.make_scored(session, competition, factories.make_user(session, "ann"))
    before = _count(engine)
    assert before["shards"] > 0
    for revision in ("0005", "0001"):
        command.downgrade(make_config(url), revision)
        upgrade_database(url)
        assert _count(get_engine(url)) == before
    with transaction(get_engine(url)) as session:
        assert session.scalar(text("PRAGMA foreign_keys")) == 1


def _count(engine: Engine) -> dict[str, int]:
    """Rows of the tables that the first revision has too."""
    tables = ("users", "problems", "pools", "competitions", "submissions", "evaluations", "shards", "scorecards")
    with reading(engine) as session:
        return {
            name: session.scalars(select(func.count()).select_from(Base.metadata.tables[name])).one() for name in tables
        }
