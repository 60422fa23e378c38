"""`lacuna admin backup` and `restore`: the whole platform in a folder or at an address, by whoever can read it."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from sqlalchemy.exc import SQLAlchemyError

from cli.show.console import print_line
from core.backup.form import Manifest
from core.backup.restoring import restore_backup
from core.backup.sending import fetch_backup, send_backup
from core.backup.taking import take_backup
from core.db.base import utc_now
from core.db.session import get_engine
from core.domain.errors import Conflict, PlatformFault
from core.settings import get_settings
from core.stores import open_store, require_store

PLACE = typer.Argument(metavar="FOLDER|URL", help="the folder of the backup, or an https address", show_default=False)


def backup(place: Annotated[str, PLACE]) -> None:
    """Copy database and store of this machine's platform, while it runs; again into a folder: what is new."""
    settings = get_settings()
    engine, store = get_engine(settings.resolved_database_url), require_store(settings)
    with _in_one_line():
        if _is_address(place):
            manifest = send_backup(engine, store, place, utc_now())
        else:
            manifest = take_backup(engine, store, Path(place), utc_now())
    print_line(f"{_name(place)} holds {_tell(manifest)}; secrets are among them")
    if manifest.missing:
        raise PlatformFault(_tell_missing(manifest))


def restore(place: Annotated[str, PLACE]) -> None:
    """Bring a backup back into an empty database and store; what was running goes on."""
    settings = get_settings()
    with _in_one_line(), fetch_backup(place) if _is_address(place) else nullcontext(Path(place)) as folder:
        restored = restore_backup(get_engine(settings.resolved_database_url), partial(open_store, settings), folder)
    manifest = restored.manifest
    print_line(f"restored {_tell(manifest)}, as of {manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC")
    print_line(f"{restored.freed} pieces of work were held and are free again")
    if restored.breaks:
        raise Conflict(f"not as their digests say: {'; '.join(restored.breaks)}")
    print_line(f"{restored.boards} boards and the audit log hold")
    if manifest.missing:
        raise PlatformFault(_tell_missing(manifest))


def _is_address(place: str) -> bool:
    return "://" in place


def _name(place: str) -> str:
    """Without what signs an address."""
    return urlsplit(place).hostname or place


@contextmanager
def _in_one_line() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise PlatformFault(f"the database: {str(error).splitlines()[0]}") from None
    except OSError as error:
        raise PlatformFault(f"{error.filename or 'the backup'}: {error.strerror or error}") from None


def _tell(manifest: Manifest) -> str:
    size = manifest.blob_bytes / (1 << 20)
    return f"{sum(manifest.rows.values())} rows and {manifest.blobs} blobs ({size:.1f} MiB)"


def _tell_missing(manifest: Manifest) -> str:
    count, first = len(manifest.missing), manifest.missing[0]
    return f"{count} blobs or names are not in the backup: the store had lost them; the first is {first}"
