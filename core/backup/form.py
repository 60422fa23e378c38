"""What a backup is on disk.

FOLDER/
├── manifest.json    written last: what belongs to the backup, with the digest of every file
├── rows-TIME/       TABLE.jsonl (the first line names the columns), refs.txt, blobs.txt
└── store/           the blobs, named by their digests; a later backup into the same folder adds what is new

Sent to an address, it is a tar of such a folder (archive).
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.domain.errors import InvalidInput
from core.storage import sync_folder

FORM = 1
MANIFEST, LOCK, STORE, ROWS = "manifest.json", "lock", "store", "rows-"
REFS, BLOBS = "refs.txt", "blobs.txt"


class Manifest(BaseModel):
    """The list of a whole backup."""

    model_config = ConfigDict(frozen=True)

    form: int = FORM
    taken_at: datetime
    revision: str = Field(description="of the database's schema")
    folder: str = Field(description="where the rows are")
    rows: dict[str, int]
    files: dict[str, str] = Field(description="SHA-256 of every file beside the rows")
    blobs: int
    blob_bytes: int
    missing: list[str] = Field(
        description="blobs that rows or names point at, and names, that the store could not give"
    )


def read_manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST
    try:
        body = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise InvalidInput(f"{folder} is no backup, or one that was interrupted: it has no {MANIFEST}") from None
    except (OSError, ValueError) as error:
        raise InvalidInput(f"the backup is damaged: cannot read {path}: {error}") from None
    form = body.get("form") if isinstance(body, dict) else None
    if isinstance(form, int) and form > FORM:
        raise InvalidInput(f"the backup {folder} was made by a newer version (form {form}); this one reads {FORM}")
    try:
        return Manifest.model_validate(body)
    except ValidationError:
        raise InvalidInput(f"the backup is damaged: {path} is not a manifest") from None


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """After all that it lists is on the disk."""
    sync_folder(folder / manifest.folder)
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".writing-")
    with os.fdopen(handle, "w") as stream:
        stream.write(manifest.model_dump_json(indent=2))
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(temporary, folder / MANIFEST)
    sync_folder(folder)


def write_lines(path: Path, lines: Iterable[str]) -> tuple[int, str]:
    """Write a file that its owner alone reads; return the number of lines and the digest."""
    count, body = 0, hashlib.sha256()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        for count, line in enumerate(lines, start=1):  # noqa: B007
            data = f"{line}\n".encode()
            body.update(data)
            stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    return count, body.hexdigest()


def read_lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", newline="\n") as stream:
        for line in stream:
            yield line.removesuffix("\n")


def name_table(name: str) -> str:
    return f"{name}.jsonl"


def dump_row(values: list[Any]) -> str:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def read_table(path: Path) -> tuple[list[str], Iterator[list[Any]]]:
    """The columns, and the rows under them."""
    lines = read_lines(path)
    return json.loads(next(lines)), map(json.loads, lines)
