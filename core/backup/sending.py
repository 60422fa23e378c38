"""A backup at an address: one PUT of an archive, one GET to bring it back; nothing of it is signed here."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, cast

import httpx2
from sqlalchemy import Engine

from core.backup.archive import PIECE_BYTES, count_archive, iter_archive, list_parts, unpack
from core.backup.form import BLOBS, Manifest, read_lines
from core.backup.taking import take_backup
from core.domain.errors import InvalidInput, PlatformFault
from core.domain.notifications import LOOPBACK_HOSTS
from core.storage import BlobStore

PATIENCE_SECONDS = 60.0  # of one read or write, not of all


def send_backup(engine: Engine, store: BlobStore, address: str, now: datetime) -> Manifest:
    """Rows are written to a temporary folder first; blobs go from the store to the address as they are."""
    url = _check_address(address)
    with tempfile.TemporaryDirectory(prefix="lacuna-backup-") as name:
        folder = Path(name)
        manifest = take_backup(engine, store, folder, now, copies_blobs=False)
        parts = list_parts(folder, read_lines(folder / manifest.folder / BLOBS), store)
        headers = {"Content-Length": str(count_archive(parts)), "Content-Type": "application/x-tar"}
        with _client(url) as client:
            _check_answer(url, client.put(url, content=iter_archive(parts), headers=headers))
    return manifest


@contextmanager
def fetch_backup(address: str) -> Iterator[Path]:
    """A backup's folder, for as long as it is needed."""
    url = _check_address(address)
    with tempfile.TemporaryDirectory(prefix="lacuna-backup-") as name:
        with _client(url) as client, client.stream("GET", url) as answer:
            _check_answer(url, answer)
            unpack(cast(BinaryIO, _Body(answer.iter_bytes(PIECE_BYTES))), Path(name))
        yield Path(name)


class _Body:
    """What arrives, as a file that is read from its beginning to its end."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, b""

    def read(self, size: int) -> bytes:
        while len(self._rest) < size and (piece := next(self._pieces, b"")):
            self._rest += piece
        data, self._rest = self._rest[:size], self._rest[size:]
        return data


def _check_address(address: str) -> httpx2.URL:
    """A backup holds secrets: it travels encrypted, or not beyond this machine."""
    try:
        url = httpx2.URL(address)
    except httpx2.InvalidURL:
        raise InvalidInput("that is no address: https://HOST/PATH?SIGNATURE") from None
    if not url.host or url.scheme not in ("http", "https"):
        hint = "sign an https:// address for it at its provider, or synchronise a folder"
        raise InvalidInput(f"an address begins with https://, not {url.scheme}://; {hint}")
    if url.scheme == "http" and url.host not in LOOPBACK_HOSTS:
        raise InvalidInput("a backup holds secrets: send it to an https:// address, or to this machine")
    return url


@contextmanager
def _client(url: httpx2.URL) -> Iterator[httpx2.Client]:
    """Whatever goes wrong on the way is one line; an address may hold a signature, so it is never told."""
    try:
        with httpx2.Client(timeout=PATIENCE_SECONDS) as client:
            yield client
    except httpx2.HTTPError as error:
        raise PlatformFault(f"{url.host} cannot be reached: {error or type(error).__name__}") from None


def _check_answer(url: httpx2.URL, answer: httpx2.Response) -> None:
    if not answer.is_success:
        raise PlatformFault(
            f"{url.host} answered {answer.status_code}: is the address meant for this, and still valid?"
        )
