"""A backup of either kind of database comes back into either, with every row, and ids go on from there."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, make_url, text

from core.backup.restoring import restore_backup
from core.backup.taking import take_backup
from core.db.base import utc_now
from core.db.migrate import upgrade_database
from core.db.models.submissions import EvaluationEvent, Shard
from core.db.queries import audit
from core.db.session import get_engine, reading, transaction
from core.domain.errors import Conflict, InvalidInput
from core.domain.submission import Status
from core.domain.work import WorkState
from core.storage import FolderStore
from tests import factories
from tests.backups import fill, read_all
from tests.rows import add_rows

pytestmark = pytest.mark.integration
MOVED = ("shards", "evaluations", "audit_entries", "audit_head")  # work is freed, and the restore is a deed


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Engine]:
    yield get_engine(postgres_url)
    get_engine(postgres_url).dispose()


@pytest.fixture
def other_postgres(postgres_url: str) -> Iterator[Engine]:
    """A second database on the same server."""
    url = make_url(postgres_url)
    name = f"{url.database}_other"
    server = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine = get_engine(url.set(database=name).render_as_string(hide_password=False))
    yield engine
    engine.dispose()
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture
def sqlite(tmp_path: Path) -> Engine:
    return get_engine(f"sqlite:///{tmp_path / 'sqlite' / 'lacuna.sqlite'}")


def migrate(engine: Engine) -> Engine:
    upgrade_database(engine.url.render_as_string(hide_password=False))
    return engine


def check_journey(old: Engine, new: Engine, folder: Path) -> None:
    fill(migrate(old), FolderStore(folder / "old"))
    take_backup(old, FolderStore(folder / "old"), folder / "backup", utc_now())
    restored = restore_backup(new, lambda: FolderStore(folder / "new"), folder / "backup")
    assert (restored.boards, restored.breaks, restored.freed) == (1, (), 2)
    before, after = read_all(old), read_all(new)
    assert {name: rows for name, rows in after.items() if name not in MOVED} == {
        name: rows for name, rows in before.items() if name not in MOVED
    }
    assert after["audit_entries"][:-1] == before["audit_entries"]
    with reading(new) as session:
        assert {shard.state for shard in session.query(Shard).all()} == {WorkState.DONE, WorkState.PENDING}
    check_ids_go_on(new)


def check_ids_go_on(engine: Engine) -> None:
    with transaction(engine) as session:
        newest = session.query(EvaluationEvent).order_by(EvaluationEvent.id.desc()).first()
        assert newest is not None
        session.add(EvaluationEvent(evaluation_id=newest.evaluation_id, status=Status.QUEUED))
        audit.record(session, actor="org", action="look", subject="", detail={})


def test_from_postgresql_to_postgresql(postgres: Engine, other_postgres: Engine, tmp_path: Path) -> None:
    check_journey(postgres, other_postgres, tmp_path)


def test_from_sqlite_to_postgresql(sqlite: Engine, postgres: Engine, tmp_path: Path) -> None:
    check_journey(sqlite, postgres, tmp_path)


def test_from_postgresql_to_sqlite(postgres: Engine, sqlite: Engine, tmp_path: Path) -> None:
    check_journey(postgres, sqlite, tmp_path)


def test_every_kind_of_value_of_every_table_comes_back(
    sqlite: Engine, postgres: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_rows(migrate(sqlite))
    FolderStore(tmp_path / "old")
    take_backup(sqlite, FolderStore(tmp_path / "old"), tmp_path / "backup", utc_now())
    monkeypatch.setattr("core.backup.restoring._check_chains", lambda _session: (0, []))  # rows that nobody can read
    restore_backup(postgres, lambda: FolderStore(tmp_path / "new"), tmp_path / "backup")
    before, after = read_all(sqlite, "audit_head"), read_all(postgres, "audit_head")
    assert {name: rows[:1] for name, rows in after.items()} == before


def test_a_backup_under_writes_is_of_one_moment(postgres: Engine, sqlite: Engine, tmp_path: Path) -> None:
    store, over, begun = FolderStore(tmp_path / "old"), threading.Event(), threading.Event()
    fill(migrate(postgres), store)

    def write() -> None:
        while not over.is_set():
            with transaction(postgres) as session:
                user = factories.make_user(session)
                audit.record(session, actor="w", action="made", subject=user.name, detail={})
            begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    begun.wait(10)
    try:
        take_backup(postgres, FolderStore(tmp_path / "old"), tmp_path / "backup", utc_now())
    finally:
        over.set()
        writer.join()
    assert restore_backup(sqlite, lambda: FolderStore(tmp_path / "new"), tmp_path / "backup").breaks == ()
    rows = read_all(sqlite)
    made = {entry[4] for entry in rows["audit_entries"] if entry[3] == "made"}
    assert made == {user[1] for user in rows["users"] if user[1].startswith("user")}


def test_a_database_that_is_not_empty_is_left_alone(postgres: Engine, sqlite: Engine, tmp_path: Path) -> None:
    fill(migrate(sqlite), FolderStore(tmp_path / "old"))
    take_backup(sqlite, FolderStore(tmp_path / "old"), tmp_path / "backup", utc_now())
    with postgres.begin() as connection:
        connection.execute(text("CREATE TABLE somebodys (x integer)"))
    with pytest.raises(Conflict, match="is not empty: it holds somebodys"):
        restore_backup(postgres, lambda: FolderStore(tmp_path / "new"), tmp_path / "backup")
    assert not (tmp_path / "new").exists()


def test_a_database_of_a_newer_schema_is_refused(postgres: Engine, tmp_path: Path) -> None:
    FolderStore(tmp_path / "old")
    with migrate(postgres).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0099_future'"))
    with pytest.raises(InvalidInput, match="revision 0099_future"):
        take_backup(postgres, FolderStore(tmp_path / "old"), tmp_path / "backup", utc_now())
    assert not (tmp_path / "backup").exists()
