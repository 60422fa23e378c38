"""The engine, and the only commit: `transaction()` commits once, then runs what was to happen after the commit."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.orm import Session

from core.db import models
from core.db.clock import CLOCK, get_query
from core.domain.errors import PlatformFault

# a table may refer to one that this process never asks about by name: whoever opens a session knows all of them
for _module in pkgutil.iter_modules(models.__path__, prefix=f"{models.__name__}."):
    importlib.import_module(_module.name)

LOCK_SECONDS = 15  # how long a session waits for others to write to an SQLite file
_AFTER_COMMIT = "after_commit"
_READ_ONLY = "lacuna_read_only"


@cache
def get_engine(url: str) -> Engine:
    """One engine a process and URL; SQLite gets WAL, foreign keys, and write locks taken at BEGIN."""
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=20)
    _make_folder(make_url(url).database)
    engine = create_engine(url, connect_args={"timeout": LOCK_SECONDS, "check_same_thread": False})
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_immediate)
    return engine


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """Open a session, commit at the end, roll back on any error; callbacks run only after the commit."""
    with Session(engine, expire_on_commit=False) as session:
        try:
            _look_at_clock(session)
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            raise
        callbacks: list[Callable[[], object]] = session.info.pop(_AFTER_COMMIT, [])
    for callback in callbacks:
        callback()


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """Open a session that only reads: it takes no write lock and commits nothing."""
    with Session(engine.execution_options(**{_READ_ONLY: True}), expire_on_commit=False) as session:
        _look_at_clock(session)
        yield session


@contextmanager
def snapshot(engine: Engine) -> Iterator[Session]:
    """Open a session that only reads and sees one moment, however long it takes; writers are not held up."""
    one_moment = {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    with reading(engine.execution_options(**one_moment)) as session:
        yield session


def has_database(engine: Engine) -> bool:
    """Whether there is a file to connect to: SQLite makes one for whoever asks."""
    name = engine.url.database
    if engine.dialect.name != "sqlite" or name in (None, "", ":memory:"):
        return True
    path = Path(str(name))
    return path.is_file() and path.stat().st_size > 0


def after_commit(session: Session, callback: Callable[[], object]) -> None:
    session.info.setdefault(_AFTER_COMMIT, []).append(callback)


def _look_at_clock(session: Session) -> None:
    if CLOCK.is_due():
        CLOCK.set(datetime.fromisoformat(session.scalars(get_query(session.get_bind().dialect.name)).one()))


def _make_folder(database: str | None) -> None:
    if database in (None, "", ":memory:"):
        return
    folder = Path(str(database)).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PlatformFault(f"cannot create the folder {folder} for the database: {error.strerror}") from None


def _configure_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver must not open transactions behind our back
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_immediate(connection: Any) -> None:
    # a deferred transaction that reads and then writes fails with SQLITE_BUSY instead of waiting
    read_only = connection.get_execution_options().get(_READ_ONLY, False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
