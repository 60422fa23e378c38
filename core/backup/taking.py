"""A backup of the platform while it runs: the database first, then the blobs, which are only ever added."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from core.backup.form import (
    BLOBS,
    LOCK,
    MANIFEST,
    REFS,
    ROWS,
    STORE,
    Manifest,
    dump_row,
    name_table,
    write_lines,
    write_manifest,
)
from core.db.migrate import find_head
from core.db.queries import tables
from core.db.session import has_database, snapshot
from core.domain.errors import InvalidInput, PlatformFault
from core.storage import BlobStore, FolderStore, copy_blob


@dataclass(frozen=True, slots=True)
class _Rows:
    """What was read from the database in one moment."""

    folder: Path
    counts: dict[str, int]
    files: dict[str, str]
    blobs: set[str]


def take_backup(
    engine: Engine, store: BlobStore, folder: Path, now: datetime, *, copies_blobs: bool = True
) -> Manifest:
    """Write rows and blobs; until the manifest is there, an earlier backup in the folder stays what counts.

    copies_blobs: or only check them, for whoever takes them from the store.
    """
    if not has_database(engine):
        raise InvalidInput("no platform is here: there is no database; set LACUNA_DATA_FOLDER")
    with snapshot(engine) as session:
        _check_revision(tables.fetch_revision(session))
    with _own(folder):
        with snapshot(engine) as session:
            rows = _write_tables(session, folder / f"{ROWS}{now:%Y%m%dT%H%M%S%f}")
        manifest = _keep_blobs(store, FolderStore(folder / STORE) if copies_blobs else store, rows, now)
        write_manifest(folder, manifest)
        _forget_others(folder, rows.folder)
    return manifest


def _check_revision(revision: str | None) -> None:
    if revision is None:
        raise InvalidInput("the database has no tables of Lacuna: there is nothing to back up")
    if revision != find_head():
        raise InvalidInput(
            f"the database is of revision {revision}, this version's is {find_head()}: use the version that runs"
        )


@contextmanager
def _own(folder: Path) -> Iterator[None]:
    """Nobody else reads the folder, and one backup at a time writes into it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError:
        raise InvalidInput(f"{folder} is not a folder") from None
    strange = [path.name for path in sorted(folder.iterdir()) if not _is_ours(path.name)]
    if strange:
        raise InvalidInput(f"the folder {folder} holds something else ({strange[0]}): name an empty one, or a backup")
    folder.chmod(0o700)
    lock = FileLock(folder / LOCK, mode=0o600)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InvalidInput(f"another backup into {folder} is on its way") from None
    with lock:
        yield


def _is_ours(name: str) -> bool:
    return name in (MANIFEST, LOCK, STORE) or name.startswith((ROWS, ".writing-"))


def _write_tables(session: Session, folder: Path) -> _Rows:
    folder.mkdir(mode=0o700)
    counts: dict[str, int] = {}
    files: dict[str, str] = {}
    for table in tables.list_tables():
        lines = _iter_lines([column.name for column in table.columns], tables.iter_rows(session, table))
        name = name_table(table.name)
        count, files[name] = write_lines(folder / name, lines)
        counts[table.name] = count - 1  # but for the line of the columns
    return _Rows(folder, counts, files, tables.fetch_blob_names(session))


def _iter_lines(columns: list[str], rows: Iterator[list[object]]) -> Iterator[str]:
    yield dump_row(list(columns))
    yield from map(dump_row, rows)


def _keep_blobs(store: BlobStore, kept: BlobStore, rows: _Rows, now: datetime) -> Manifest:
    refs, lost = _read_refs(store)  # before the blobs: a name is set once its blob is there
    copied = sorted(digest for digest in store.iter_digests() if copy_blob(store, kept, digest))
    listed = {
        REFS: write_lines(rows.folder / REFS, (f"{name} {digest}" for name, digest in refs.items()))[1],
        BLOBS: write_lines(rows.folder / BLOBS, copied)[1],
    }
    return Manifest(
        taken_at=now,
        revision=find_head(),
        folder=rows.folder.name,
        rows=rows.counts,
        files=rows.files | listed,
        blobs=len(copied),
        blob_bytes=sum(map(kept.count_bytes, copied)),
        missing=sorted((rows.blobs | set(refs.values())) - set(copied)) + lost,
    )


def _read_refs(store: BlobStore) -> tuple[dict[str, str], list[str]]:
    """What the names point at, and the names that are damaged: one of them must not cost the whole backup."""
    refs: dict[str, str] = {}
    lost: list[str] = []
    for name in sorted(store.iter_names()):
        try:
            digest = store.get_ref(name)
        except PlatformFault:
            lost.append(name)
            continue
        if digest is not None:
            refs[name] = digest
    return refs, lost


def _forget_others(folder: Path, rows_folder: Path) -> None:
    for path in folder.iterdir():
        if path.name.startswith(ROWS) and path != rows_folder:
            shutil.rmtree(path)
        elif path.name.startswith(".writing-"):
            os.unlink(path)
