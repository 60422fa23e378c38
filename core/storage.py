"""Where large bytes live: blobs named by their SHA-256, and names that point at blobs."""

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO, Protocol

from core.domain.errors import BlobMissing, StoreUnavailable

PROBE_BYTES = 1 << 12  # a block: an empty file fits on a full disk
_DIGEST = re.compile(r"[0-9a-f]{64}")
_REF = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
_REF_SUFFIX = ".ref"
_PIECE_BYTES = 1 << 20


class BlobStore(Protocol):
    def put(self, data: bytes) -> str:
        """Keep the bytes and return their SHA-256 as 64 hexadecimal digits."""

    def put_stream(self, stream: BinaryIO) -> str:
        """Keep what the stream holds from where it stands, without holding all of it in memory."""

    def get(self, digest: str) -> bytes:
        """Return the bytes, checked against the digest; raises BlobMissing, or StoreUnavailable."""

    def open(self, digest: str) -> BinaryIO:
        """The bytes as a stream, for whoever reads more than fits in memory; who reads them checks them."""

    def has(self, digest: str) -> bool: ...

    def is_intact(self, digest: str) -> bool:
        """Whether it is there and its bytes are those of its digest."""

    def count_bytes(self, digest: str) -> int: ...

    def set_ref(self, name: str, digest: str) -> None:
        """Let a name such as `pools/…/0-31` point at a blob; replaces what it pointed at."""

    def get_ref(self, name: str) -> str | None: ...

    def iter_digests(self) -> Iterator[str]:
        """Every blob there is, intact or not."""

    def iter_names(self) -> Iterator[str]:
        """Every name that points at a blob, or once did."""

    def check_writable(self) -> None:
        """Raise StoreUnavailable if nothing can be kept now."""

    def count_free_bytes(self) -> int | None:
        """How much more fits; None where nobody can say."""


def find_computed(store: BlobStore, name: str) -> bytes | None:
    """What a name points at; None if that is nothing, or lost: for what can be computed again at once."""
    try:
        digest = store.get_ref(name)
        return store.get(digest) if digest is not None else None
    except BlobMissing:
        return None


def copy_blob(source: BlobStore, target: BlobStore, digest: str) -> bool:
    """Take over a blob that is not there yet; False if neither store has it intact."""
    if target.is_intact(digest):
        return True
    if not source.is_intact(digest):
        return False
    with source.open(digest) as stream:
        return target.put_stream(stream) == digest


def is_digest(text: str) -> bool:
    return _DIGEST.fullmatch(text) is not None


def is_name(text: str) -> bool:
    return _REF.fullmatch(text) is not None


def check_digest(digest: str) -> None:
    if not is_digest(digest):
        raise ValueError(f"not a SHA-256 digest: {digest!r}")


def check_name(name: str) -> None:
    if not is_name(name):
        raise ValueError(f"not a name for a blob: {name!r}")


def place_blob(digest: str) -> str:
    """Where in a folder of a store a blob lies."""
    check_digest(digest)
    return f"blobs/{digest[:2]}/{digest}"


def hash_stream(stream: BinaryIO) -> str:
    """The digest of what is left of it."""
    body = hashlib.sha256()
    while piece := stream.read(_PIECE_BYTES):
        body.update(piece)
    return body.hexdigest()


class FolderStore:
    """A folder on a local disk. Every write is whole or absent, also after a power cut."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._blobs = folder / "blobs"
        self._refs = folder / "refs"
        with _readable_faults(folder):
            self._blobs.mkdir(parents=True, exist_ok=True)
            self._refs.mkdir(exist_ok=True)

    def put(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        path = self._blob_path(digest)
        with self._present():
            if not _is_intact(path, digest):  # a damaged blob is healed by writing it again
                _write_atomically(path, [data])
        return digest

    def put_stream(self, stream: BinaryIO) -> str:
        start = stream.tell()
        digest = hash_stream(stream)
        path = self._blob_path(digest)
        stream.seek(start)
        with self._present():
            if not _is_intact(path, digest):
                _write_atomically(path, iter(partial(stream.read, _PIECE_BYTES), b""))
        return digest

    def get(self, digest: str) -> bytes:
        path = self._blob_path(digest)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            self._check_present()
            raise BlobMissing(f"the blob {digest} is not in the store {self.folder}", digest) from None
        except OSError as error:
            raise StoreUnavailable(f"cannot read the blob {digest}: {error}") from None
        if hashlib.sha256(data).hexdigest() != digest:
            raise BlobMissing(f"the blob {digest} in the store {self.folder} is damaged", digest)
        return data

    def open(self, digest: str) -> BinaryIO:
        with _readable_faults(self.folder):
            return self._blob_path(digest).open("rb")

    def has(self, digest: str) -> bool:
        if self._blob_path(digest).is_file():
            return True
        self._check_present()
        return False

    def set_ref(self, name: str, digest: str) -> None:
        self._blob_path(digest)
        with self._present():
            _write_atomically(self._ref_path(name), [digest.encode()])

    def get_ref(self, name: str) -> str | None:
        try:
            text = self._ref_path(name).read_text(encoding="ascii", errors="replace")
        except FileNotFoundError:
            self._check_present()
            return None
        except OSError as error:
            raise StoreUnavailable(f"cannot read the name {name!r}: {error}") from None
        if not is_digest(text):
            raise BlobMissing(f"the name {name!r} in the store {self.folder} is damaged", digest="")
        return text

    def iter_digests(self) -> Iterator[str]:
        with _readable_faults(self.folder):
            yield from (path.name for path in self._blobs.glob("??/*") if is_digest(path.name))

    def iter_names(self) -> Iterator[str]:
        for path in self._refs.rglob(f"*{_REF_SUFFIX}"):
            name = path.relative_to(self._refs).as_posix().removesuffix(_REF_SUFFIX)
            if is_name(name):
                yield name

    def is_intact(self, digest: str) -> bool:
        with _readable_faults(self.folder):
            return _is_intact(self._blob_path(digest), digest)

    def count_bytes(self, digest: str) -> int:
        with _readable_faults(self.folder):
            return self._blob_path(digest).stat().st_size

    def locate(self, digest: str) -> Path:
        """The file of a blob."""
        return self._blob_path(digest)

    def check_writable(self) -> None:
        with self._present(), tempfile.TemporaryFile(dir=self._blobs) as stream:
            stream.write(bytes(PROBE_BYTES))
            stream.flush()

    def count_free_bytes(self) -> int | None:
        with _readable_faults(self.folder):
            return shutil.disk_usage(self.folder).free

    @contextmanager
    def _present(self) -> Iterator[None]:
        """To write: a folder that was unmounted is not made anew beneath its place."""
        with _readable_faults(self.folder):
            self._check_present()
            yield

    def _check_present(self) -> None:
        """What lies in a store that is away is not lost."""
        if not (self._blobs.is_dir() and self._refs.is_dir()):
            raise StoreUnavailable(f"the store {self.folder} is not there")

    def _blob_path(self, digest: str) -> Path:
        return self.folder / place_blob(digest)

    def _ref_path(self, name: str) -> Path:
        check_name(name)
        return self._refs / f"{name}{_REF_SUFFIX}"


def sync_folder(folder: Path) -> None:
    """Keep the names in a folder over a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _readable_faults(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise StoreUnavailable(f"cannot write to the store {folder}: {reason}") from None


def _is_intact(path: Path, digest: str) -> bool:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == digest
    except FileNotFoundError:
        return False


def _write_atomically(path: Path, pieces: Iterable[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(handle, "wb") as stream:
            for piece in pieces:
                stream.write(piece)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    sync_folder(path.parent)  # otherwise the new name itself may be lost
