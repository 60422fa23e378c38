"""A backup holds one moment of a platform that goes on, and comes back whole into an empty machine or not at all."""

import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

from core.backup import taking
from core.backup.form import MANIFEST, Manifest, read_manifest
from core.backup.restoring import restore_backup
from core.backup.taking import take_backup
from core.db.base import utc_now
from core.db.models.submissions import Shard
from core.db.queries import audit
from core.db.session import get_engine, reading, transaction
from core.domain.errors import Conflict, ContestError, InvalidInput
from core.domain.work import WorkState
from core.storage import FolderStore
from tests import factories
from tests.backups import fill, read_all
from tests.database import make_database
from tests.rows import add_rows

MOVED = ("shards", "evaluations", "audit_entries", "audit_head")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("filled")
    engine = make_database(folder)
    fill(engine, FolderStore(folder / "store"))
    engine.dispose()  # folds the write-ahead log into the file
    return folder


@pytest.fixture
def engine(filled: Path, tmp_path: Path) -> Engine:
    shutil.copytree(filled, tmp_path / "old")
    return get_engine(f"sqlite:///{tmp_path / 'old' / 'lacuna.sqlite'}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backup"


@pytest.fixture
def new(tmp_path: Path) -> Engine:
    return get_engine(f"sqlite:///{tmp_path / 'new' / 'lacuna.sqlite'}")


def back_up(engine: Engine, folder: Path) -> Manifest:
    return take_backup(engine, FolderStore(folder.parent / "old" / "store"), folder, utc_now())


def list_files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_everything_comes_back(engine: Engine, folder: Path, new: Engine, tmp_path: Path) -> None:
    back_up(engine, folder)
    restored = restore_backup(new, lambda: FolderStore(tmp_path / "new" / "store"), folder)
    assert read_all(new, *MOVED) == read_all(engine, *MOVED)
    assert list_files(tmp_path / "new" / "store") == list_files(tmp_path / "old" / "store")
    assert (restored.boards, restored.breaks, restored.freed) == (1, (), 2)


def test_every_kind_of_value_of_every_table_comes_back(tmp_path: Path, folder: Path, new: Engine) -> None:
    (tmp_path / "old" / "store").mkdir(parents=True)
    engine = make_database(tmp_path / "old")
    add_rows(engine)
    filled = read_all(engine)
    assert all(len(rows) == 1 for rows in filled.values())
    back_up(engine, folder)
    with pytest.MonkeyPatch.context() as patch:  # the rows are made up: no board of theirs can be read
        patch.setattr("core.backup.restoring._check_chains", lambda _session: (0, []))
        restore_backup(new, lambda: FolderStore(tmp_path / "new" / "store"), folder)
    kept = read_all(new)
    assert {name: rows[:1] for name, rows in kept.items() if name != "audit_head"} == {
        name: rows for name, rows in filled.items() if name != "audit_head"
    }


def test_a_restore_is_the_next_deed_of_the_audit_log(engine: Engine, folder: Path, new: Engine, tmp_path: Path) -> None:
    back_up(engine, folder)
    restore_backup(new, lambda: FolderStore(tmp_path / "new" / "store"), folder)
    before, after = read_all(engine)["audit_entries"], read_all(new)["audit_entries"]
    assert after[:-1] == before
    assert after[-1][3] == "platform.restore"


def test_work_that_somebody_held_is_free(engine: Engine, folder: Path, new: Engine, tmp_path: Path) -> None:
    back_up(engine, folder)
    restore_backup(new, lambda: FolderStore(tmp_path / "new" / "store"), folder)
    with reading(new) as session:
        shards = session.query(Shard).all()
    assert [(shard.lease_until, "restored from a backup" in shard.fault) for shard in shards if shard.fault] == [
        (None, True)
    ]
    assert WorkState.LEASED not in {shard.state for shard in shards}


def test_a_backup_under_writes_is_of_one_moment(engine: Engine, folder: Path, new: Engine, tmp_path: Path) -> None:
    """Every account is made with its deed and its blob; none comes back without them."""
    store, over, begun = FolderStore(tmp_path / "old" / "store"), threading.Event(), threading.Event()

    def write() -> None:
        while not over.is_set():
            with transaction(engine) as session:
                user = factories.make_user(session)
                audit.record(session, actor="w", action="made", subject=user.name, detail={"b": store.put(b"w")})
            begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    begun.wait(10)
    try:
        manifests = [back_up(engine, folder) for _ in range(3)]
    finally:
        over.set()
        writer.join()
    restored = restore_backup(new, lambda: FolderStore(tmp_path / "new" / "store"), folder)
    assert restored.breaks == ()
    assert manifests[0].rows["users"] < manifests[-1].rows["users"]
    rows = read_all(new)
    made = {entry[4] for entry in rows["audit_entries"] if entry[3] == "made"}
    assert made == {user[1] for user in rows["users"] if user[1].startswith("user")}


def test_a_second_backup_copies_what_is_new(engine: Engine, folder: Path, tmp_path: Path) -> None:
    back_up(engine, folder)
    old = {path: path.stat().st_mtime_ns for path in (folder / "store" / "blobs").rglob("*") if path.is_file()}
    FolderStore(tmp_path / "old" / "store").put(b"new")
    assert back_up(engine, folder).blobs == len(old) + 1
    assert {path: path.stat().st_mtime_ns for path in old} == old
    assert len(list(folder.glob("rows-*"))) == 1


def test_only_its_owner_reads_a_backup(engine: Engine, folder: Path) -> None:
    folder.mkdir(mode=0o755)
    back_up(engine, folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o077 for path in folder.rglob("*") if path.is_file()} == {0}


def test_a_blob_that_the_store_lost_is_named(engine: Engine, folder: Path, new: Engine, tmp_path: Path) -> None:
    lost = FolderStore(tmp_path / "old" / "store").put(b"waits")
    path = tmp_path / "old" / "store" / "blobs" / lost[:2] / lost
    path.write_bytes(b"damaged")
    assert lost in back_up(engine, folder).missing
    assert lost in restore_backup(new, lambda: FolderStore(tmp_path / "new" / "store"), folder).manifest.missing


def test_a_name_that_is_damaged_costs_nothing_else(engine: Engine, folder: Path, new: Engine, tmp_path: Path) -> None:
    (tmp_path / "old" / "store" / "refs" / "pools" / "digits" / "0-31.ref").write_text("damaged")
    assert back_up(engine, folder).missing == ["pools/digits/0-31"]
    restore_backup(new, lambda: FolderStore(tmp_path / "new" / "store"), folder)
    assert FolderStore(tmp_path / "new" / "store").get_ref("pools/digits/0-31") is None


def test_an_interrupted_backup_is_known_and_taken_up_again(
    engine: Engine, folder: Path, new: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(taking, "write_manifest", interrupt)
        with pytest.raises(KeyboardInterrupt):
            back_up(engine, folder)
    with pytest.raises(InvalidInput, match="interrupted: it has no manifest"):
        restore_backup(new, lambda: FolderStore(tmp_path / "new" / "store"), folder)
    back_up(engine, folder)
    restore_backup(new, lambda: FolderStore(tmp_path / "new" / "store"), folder)


def test_an_interrupted_second_backup_leaves_the_first(
    engine: Engine, folder: Path, new: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = back_up(engine, folder)
    with monkeypatch.context() as patch:
        patch.setattr(FolderStore, "iter_names", lambda _self: iter([1 / 0]))
        with pytest.raises(ZeroDivisionError):
            back_up(engine, folder)
    assert restore_backup(new, lambda: FolderStore(tmp_path / "new" / "store"), folder).manifest == first


def test_an_interrupted_restore_is_taken_up_again(
    engine: Engine, folder: Path, new: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(engine, folder)
    with monkeypatch.context() as patch:
        patch.setattr("core.backup.restoring._check_chains", lambda _session: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            restore_backup(new, lambda: FolderStore(tmp_path / "new" / "store"), folder)
    assert restore_backup(new, lambda: FolderStore(tmp_path / "new" / "store"), folder).breaks == ()


def test_a_chain_that_was_altered_comes_back_and_is_named(
    engine: Engine, folder: Path, new: Engine, tmp_path: Path
) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE board_lines SET score_key = -0.9 WHERE since_version = 1")
    back_up(engine, folder)
    [broken] = restore_backup(new, lambda: FolderStore(tmp_path / "new" / "store"), folder).breaks
    assert broken.startswith("a board of digits, at version 1")


def _cut_rows(folder: Path) -> None:
    path = folder / read_manifest(folder).folder / "users.jsonl"
    path.write_bytes(path.read_bytes()[:-9])


def _drop_table(folder: Path) -> None:
    (folder / read_manifest(folder).folder / "boards.jsonl").unlink()


def _alter_blob(folder: Path) -> None:
    next(path for path in (folder / "store" / "blobs").rglob("*") if path.is_file()).write_bytes(b"other")


def _drop_blob(folder: Path) -> None:
    next(path for path in (folder / "store" / "blobs").rglob("*") if path.is_file()).unlink()


def _cut_manifest(folder: Path) -> None:
    (folder / MANIFEST).write_text("{")


def _set(name: str, value: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        body = json.loads((folder / MANIFEST).read_text()) | {name: value}
        (folder / MANIFEST).write_text(json.dumps(body))

    return change


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_cut_rows, r"damaged: .*users\.jsonl"),
        (_drop_table, r"damaged: .*boards\.jsonl"),
        (_alter_blob, "damaged: the blob [0-9a-f]{64}"),
        (_drop_blob, "damaged: the blob [0-9a-f]{64}"),
        (_cut_manifest, r"damaged: .*manifest\.json"),
        (_set("rows", 3), "not a manifest"),
        (_set("form", 2), "newer version"),
        (_set("revision", "0099_future"), "a newer version .revision 0099_future"),
        (_set("revision", "0001_accounts"), "an older version"),
    ],
)
def test_what_cannot_be_restored_is_refused_with_nothing_touched(
    engine: Engine, folder: Path, new: Engine, tmp_path: Path, damage: Callable[[Path], None], words: str
) -> None:
    back_up(engine, folder)
    damage(folder)
    with pytest.raises(ContestError, match=words) as caught:
        restore_backup(new, lambda: FolderStore(tmp_path / "new" / "store"), folder)
    assert "\n" not in caught.value.message
    assert list((tmp_path / "new").iterdir()) == []


def test_a_database_that_is_not_empty_is_left_alone(engine: Engine, folder: Path, tmp_path: Path) -> None:
    back_up(engine, folder)
    before = read_all(engine)
    with pytest.raises(Conflict, match=r"is not empty: it holds [a-z_]+; name an empty one"):
        restore_backup(engine, lambda: FolderStore(tmp_path / "new" / "store"), folder)
    assert read_all(engine) == before
    assert not (tmp_path / "new").exists()


def test_a_store_that_is_not_empty_is_left_alone(engine: Engine, folder: Path, new: Engine, tmp_path: Path) -> None:
    back_up(engine, folder)
    strange = FolderStore(tmp_path / "new" / "store").put(b"somebody's")
    with pytest.raises(Conflict, match=f"is not empty: it holds {strange}"):
        restore_backup(new, lambda: FolderStore(tmp_path / "new" / "store"), folder)
    assert not (tmp_path / "new" / "lacuna.sqlite").exists()


def test_an_empty_database_of_a_newer_schema_is_left_alone(engine: Engine, folder: Path, tmp_path: Path) -> None:
    back_up(engine, folder)
    (tmp_path / "new").mkdir()
    new = make_database(tmp_path / "new")
    with new.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0099_future'")
    with pytest.raises(Conflict, match=r"another version \(revision 0099_future\)"):
        restore_backup(new, lambda: FolderStore(tmp_path / "new" / "store"), folder)
    assert not (tmp_path / "new" / "store").exists()


def test_a_database_with_tables_and_no_rows_is_empty(engine: Engine, folder: Path, tmp_path: Path) -> None:
    back_up(engine, folder)
    (tmp_path / "new").mkdir()
    restore_backup(make_database(tmp_path / "new"), lambda: FolderStore(tmp_path / "new" / "store"), folder)


def test_a_database_of_another_schema_is_not_backed_up(engine: Engine, folder: Path) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0099_future'")
    with pytest.raises(InvalidInput, match="revision 0099_future"):
        back_up(engine, folder)
    assert not folder.exists()


def test_where_no_platform_is_nothing_is_made(new: Engine, tmp_path: Path, folder: Path) -> None:
    with pytest.raises(InvalidInput, match="no platform is here"):
        take_backup(new, FolderStore(tmp_path / "new" / "store"), folder, utc_now())
    assert not folder.exists()
    assert not (tmp_path / "new" / "lacuna.sqlite").exists()


def test_a_folder_with_other_things_is_left_alone(engine: Engine, folder: Path) -> None:
    folder.mkdir(mode=0o755)
    (folder / "letter.txt").write_text("mine")
    with pytest.raises(InvalidInput, match=r"holds something else \(letter\.txt\)"):
        back_up(engine, folder)
    assert folder.stat().st_mode & 0o777 == 0o755
