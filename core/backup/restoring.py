"""A backup into an empty machine: everything is checked first, blobs come before rows, rows come all at once."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Table
from sqlalchemy.orm import Session

from core.backup.form import BLOBS, REFS, STORE, Manifest, name_table, read_lines, read_manifest, read_table
from core.db.migrate import find_head, list_revisions, upgrade_database
from core.db.queries import audit, chains, competitions, tables
from core.db.session import has_database, reading, transaction
from core.domain.audit import find_break
from core.domain.errors import Conflict, InvalidInput
from core.storage import BlobStore, FolderStore, copy_blob

ACTOR, ACTION, SUBJECT = "the command line", "platform.restore", "platform"


@dataclass(frozen=True, slots=True)
class Restored:
    manifest: Manifest
    freed: int  # pieces of work that somebody held
    boards: int
    breaks: tuple[str, ...]  # chains that do not hold, as they did not when the backup was taken


def restore_backup(engine: Engine, open_store: Callable[[], BlobStore], folder: Path) -> Restored:
    """The store is opened, and made where there is none, once the backup is known to be whole.

    Raises InvalidInput for a backup that cannot be used, Conflict for a place that is not empty.
    """
    manifest = _check_backup(folder)
    rows_folder, kept = folder / manifest.folder, FolderStore(folder / STORE)
    refs = dict(_iter_refs(rows_folder))
    blobs = set(read_lines(rows_folder / BLOBS))
    _check_database(engine)
    store = open_store()
    _check_store(store, blobs, refs)
    _copy_store(kept, store, blobs, refs)
    upgrade_database(engine.url.render_as_string(hide_password=False))
    with transaction(engine) as session:
        _add_tables(session, rows_folder, manifest)
        freed = tables.free_work(session)
        boards, breaks = _check_chains(session)
        detail = {"taken_at": manifest.taken_at.isoformat(timespec="seconds"), "rows": sum(manifest.rows.values())}
        audit.record(session, actor=ACTOR, action=ACTION, subject=SUBJECT, detail=detail)
    return Restored(manifest, freed, boards, tuple(breaks))


def _check_backup(folder: Path) -> Manifest:
    """Read every byte before anything is written."""
    manifest = read_manifest(folder)
    if manifest.revision != find_head():
        age = "an older" if manifest.revision in list_revisions() else "a newer"
        raise InvalidInput(
            f"the backup {folder} was made by {age} version (revision {manifest.revision}); "
            f"this version restores {find_head()}: restore with the version that made it"
        )
    rows_folder = folder / manifest.folder
    for name, digest in manifest.files.items():
        if _hash_file(rows_folder / name) != digest:
            raise InvalidInput(f"the backup is damaged: {rows_folder / name} is not what was written")
    for table in tables.list_tables():
        _check_columns(rows_folder / name_table(table.name), table)
    kept = FolderStore(folder / STORE)
    for digest in read_lines(rows_folder / BLOBS):
        if not kept.is_intact(digest):
            raise InvalidInput(f"the backup is damaged: the blob {digest} in {kept.folder} is gone or altered")
    return manifest


def _hash_file(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError:
        return ""


def _check_columns(path: Path, table: Table) -> None:
    found = read_table(path)[0] if path.is_file() else []
    if found != [column.name for column in table.columns]:
        raise InvalidInput(f"{path} has other columns than this version: restore with the version that made it")


def _check_store(store: BlobStore, blobs: set[str], refs: dict[str, str]) -> None:
    """What an interrupted restore of this backup left is no obstacle."""
    strange = next((digest for digest in store.iter_digests() if digest not in blobs), None)
    strange = strange or next((name for name in store.iter_names() if name not in refs), None)
    if strange is not None:
        raise Conflict(f"the store is not empty: it holds {strange}, which is not of this backup")


def _check_database(engine: Engine) -> None:
    if not has_database(engine):
        return
    with reading(engine) as session:
        found, revision = tables.find_content(session), tables.fetch_revision(session)
    where = f"the database {engine.url.render_as_string(hide_password=True)}"
    if revision is not None and revision not in list_revisions():
        raise Conflict(f"{where} was made by another version (revision {revision}); name an empty one")
    if found is not None:
        raise Conflict(f"{where} is not empty: it holds {found}; name an empty one")


def _copy_store(kept: FolderStore, store: BlobStore, blobs: Iterable[str], refs: dict[str, str]) -> None:
    for digest in sorted(blobs):
        if not copy_blob(kept, store, digest):
            raise InvalidInput(f"the backup is damaged: the blob {digest} in {kept.folder} is gone or altered")
    for name, digest in refs.items():
        store.set_ref(name, digest)


def _iter_refs(rows_folder: Path) -> Iterator[tuple[str, str]]:
    for line in read_lines(rows_folder / REFS):
        name, digest = line.split(" ")
        yield name, digest


def _add_tables(session: Session, rows_folder: Path, manifest: Manifest) -> None:
    tables.clear_born(session)
    for table in tables.list_tables():
        count = tables.add_rows(session, table, _iter_table(rows_folder, table))
        if count != manifest.rows.get(table.name):
            raise InvalidInput(f"the backup is damaged: {table.name} has {count} rows, not those of the manifest")
    tables.set_sequences(session)


def _iter_table(rows_folder: Path, table: Table) -> Iterator[list[Any]]:
    yield from read_table(rows_folder / name_table(table.name))[1]


def _check_chains(session: Session) -> tuple[int, list[str]]:
    boards, breaks = 0, []
    for competition in competitions.fetch_competitions(session):
        for kept in chains.fetch_boards(session, competition.id):
            boards += 1
            if (broken := chains.find_break(session, kept.board)) is not None:
                breaks.append(f"a board of {competition.slug}, at version {broken.version}: {broken.reason}")
    place = find_break(audit.iter_links(session), audit.fetch_head(session))
    if place is not None:
        breaks.append(f"the audit log, at entry {place}")
    return boards, breaks
