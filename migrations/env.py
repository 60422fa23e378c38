"""Alembic's entry: the URL comes with the config or from the settings."""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import context
from sqlalchemy import Connection

from core.db.base import Base, UtcDateTime
from core.db.session import get_engine  # which fills the metadata
from core.settings import get_settings


def _render_item(kind: str, item: object, _context: object) -> str | bool:
    """Revisions name plain SQL types: they must not change when our Python type does."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


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
        context.run_migrations()


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
