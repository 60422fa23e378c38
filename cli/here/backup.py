"""`lacuna admin backup` and `restore`: the whole platform in a folder, by whoever can read its database and store."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.exc import SQLAlchemyError

from cli.show.console import print_line
from core.backup.form import Manifest
from core.backup.restoring import restore_backup
from core.backup.taking import take_backup
from core.db.base import utc_now
from core.db.session import get_engine
from core.domain.errors import Conflict, PlatformFault
from core.settings import get_settings

FOLDER = typer.Argument(help="the folder of the backup", show_default=False)


def backup(folder: Annotated[Path, FOLDER]) -> None:
    """Copy database and store of this machine's platform into a folder, while it runs; again: what is new."""
    settings = get_settings()
    with _in_one_line():
        manifest = take_backup(get_engine(settings.resolved_database_url), settings.store_folder, folder, utc_now())
    print_line(f"{folder} holds {_tell(manifest)}; secrets are among them")
    if manifest.missing:
        raise PlatformFault(_tell_missing(manifest))


def restore(folder: Annotated[Path, FOLDER]) -> None:
    """Bring a backup back into an empty database and store; what was running goes on."""
    settings = get_settings()
    with _in_one_line():
        restored = restore_backup(get_engine(settings.resolved_database_url), settings.store_folder, folder)
    manifest = restored.manifest
    print_line(f"restored {_tell(manifest)}, as of {manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC")
    print_line(f"{restored.freed} pieces of work were held and are free again")
    if restored.breaks:
        raise Conflict(f"not as their digests say: {'; '.join(restored.breaks)}")
    print_line(f"{restored.boards} boards and the audit log hold")
    if manifest.missing:
        raise PlatformFault(_tell_missing(manifest))


@contextmanager
def _in_one_line() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise PlatformFault(f"the database: {str(error).splitlines()[0]}") from None


def _tell(manifest: Manifest) -> str:
    size = manifest.blob_bytes / (1 << 20)
    return f"{sum(manifest.rows.values())} rows and {manifest.blobs} blobs ({size:.1f} MiB)"


def _tell_missing(manifest: Manifest) -> str:
    count, first = len(manifest.missing), manifest.missing[0]
    return f"{count} blobs or names are not in the backup: the store had lost them; the first is {first}"
