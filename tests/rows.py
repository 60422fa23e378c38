"""One row in every table of a database, made up from its columns alone, and the way through all revisions with them."""

from datetime import UTC, datetime
from typing import Any

from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import JSON, Boolean, Column, DateTime, Engine, Float, Integer, LargeBinary, MetaData, func, select

from core.db.base import Base
from core.db.migrate import make_config
from core.db.session import reading, transaction

REVISIONS = [script.revision for script in ScriptDirectory.from_config(make_config("sqlite://")).walk_revisions()]

VALUES: list[tuple[type[Any], Any]] = [
    (DateTime, datetime(2026, 11, 1, tzinfo=UTC)),
    (Boolean, True),
    (Integer, 1),
    (Float, 0.5),
    (LargeBinary, b"x"),
    (JSON, {}),
]

BORN = {"audit_head": 1}  # rows that a table is made with


def go_down_and_up_with_rows(engine: Engine) -> None:
    """Every table is filled; each revision is undone, made again and undone, and only its own rows go."""
    config = make_config(engine.url.render_as_string(hide_password=False))
    add_rows(engine)
    filled = count_rows(engine)
    assert filled == dict.fromkeys(Base.metadata.tables, 1)
    for _ in REVISIONS:
        command.downgrade(config, "-1")
        left = count_rows(engine)
        assert left.items() <= filled.items()
        command.upgrade(config, "+1")
        made = count_rows(engine)
        assert made == {name: left.get(name, BORN.get(name, 0)) for name in filled}
        add_rows(engine)
        assert count_rows(engine) == filled
        command.downgrade(config, "-1")
        filled = left
    assert filled == {}


def add_rows(engine: Engine) -> None:
    """Each table gets its row after those that it refers to; tables that have one keep it alone."""
    found = MetaData()
    found.reflect(engine)
    with transaction(engine) as session:
        for table in found.sorted_tables:
            if table.name != "alembic_version" and not session.scalar(select(func.count()).select_from(table)):
                session.execute(table.insert().values({column.name: _value(column) for column in table.columns}))


def count_rows(engine: Engine) -> dict[str, int]:
    found = MetaData()
    found.reflect(engine)
    with reading(engine) as session:
        return {
            table.name: session.scalars(select(func.count()).select_from(table)).one()
            for table in found.sorted_tables
            if table.name != "alembic_version"
        }


def _value(column: Column[Any]) -> Any:
    if not column.foreign_keys and column.nullable:
        return None
    return next((value for kind, value in VALUES if isinstance(column.type, kind)), "x")
