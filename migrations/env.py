"""Alembic's entry: the URL comes with the config or from the settings."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Enum, TypeDecorator

from core.db.base import Base
from core.db.session import get_engine  # which fills the metadata
from core.settings import get_settings

OLD = re.compile(r"00(0[1-9]|1[0-5])(-\d)?")  # revisions before 0.2 were bare numbers


def _render_item(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """Revisions name plain SQL types: they must not change when our Python type does."""
    if kind == "type" and isinstance(item, Enum):
        return "sa.String()"
    return f"sa.{item.impl_instance!r}" if kind == "type" and isinstance(item, TypeDecorator) else False


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        render_item=_render_item,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        _check_revisions(connection)
        context.run_migrations()


def _check_revisions(connection: Connection) -> None:
    """A revision that we do not have cannot be changed into one of ours; alembic prints the error as one line."""
    known = {script.revision for script in ScriptDirectory.from_config(context.config).walk_revisions()}
    strange = [each for each in context.get_context().get_current_heads() if each not in known]
    if strange:
        where = connection.engine.url.render_as_string(hide_password=True)
        is_old = OLD.fullmatch(strange[0]) is not None
        origin = "made by a version before 0.2" if is_old else "made by a newer version"
        helps = "name an empty database, or remove this one" if is_old else "run that version, or name another database"
        raise CommandError(
            f"the database {where} was {origin} (revision {strange[0]}); this version cannot read it: {helps}"
        )


@contextmanager
def _without_foreign_keys(connection: Connection) -> Iterator[None]:
    """SQLite changes a table by making it anew, which rows that refer to it forbid; they are checked afterwards."""
    if connection.dialect.name != "sqlite":
        yield
        return
    raw = connection.connection.driver_connection  # the pragma does nothing inside a transaction
    assert raw is not None
    raw.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
        broken = raw.execute("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise RuntimeError(f"{len(broken)} rows refer to rows that are gone, the first: {broken[0]}")
    finally:
        raw.rollback()
        raw.execute("PRAGMA foreign_keys=ON")


url = context.config.get_main_option("sqlalchemy.url") or get_settings().resolved_database_url
with get_engine(url).connect() as connection, _without_foreign_keys(connection):
    _migrate(connection)
    connection.commit()
