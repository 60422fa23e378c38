"""Take a large upload: only after its sender was found to be allowed, and never whole in memory."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import IO, BinaryIO, cast

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile

from core.domain.errors import InvalidInput, TooLarge
from core.storage import BlobStore

IN_MEMORY_BYTES = 8 << 20
MOST_FIELDS = 10


async def receive_body(request: Request, store: BlobStore, *, limit_bytes: int) -> str | None:
    """Keep the request's body; None if it is empty."""
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES) as spool:
        size = await _spool(request.stream(), spool, limit_bytes)
        spool.seek(0)
        return await run_in_threadpool(store.put_stream, cast(BinaryIO, spool)) if size else None


@asynccontextmanager
async def receive_form(request: Request) -> AsyncIterator[FormData]:
    """Read a form with at most one file; it is on disk once it is larger than a little, and goes at the end."""
    async with request.form(max_files=1, max_fields=MOST_FIELDS) as form:
        yield form


async def keep_file(form: FormData, name: str, store: BlobStore, *, limit_bytes: int) -> str | None:
    """Keep the form's file; None if none was chosen."""
    file = form.get(name)
    if file is None or not isinstance(file, UploadFile) or not file.size:
        return None
    if file.size > limit_bytes:
        raise TooLarge(f"the file has {file.size:,} bytes; at most {limit_bytes:,} are taken", field="file")
    return await run_in_threadpool(store.put_stream, file.file)


def read_field(form: FormData, name: str, *, limit: int = 200) -> str:
    value = form.get(name, "")
    if not isinstance(value, str) or len(value) > limit:
        raise InvalidInput(f"`{name}` must be a text of at most {limit} characters", field=name)
    return value.strip()


async def _spool(pieces: AsyncIterator[bytes], spool: IO[bytes], limit_bytes: int) -> int:
    size = 0
    async for piece in pieces:
        size += len(piece)
        if size > limit_bytes:
            raise TooLarge(f"the upload is larger than {limit_bytes:,} bytes; nothing was kept", field="file")
        spool.write(piece)
    return size
