"""Blobs in a bucket that several hosts share, and a folder of each host that keeps what it read lately."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import obstore
from obstore.exceptions import BaseError
from obstore.store import ObjectStore, from_url

from core.domain.errors import BlobMissing, StoreUnavailable
from core.storage import PROBE_BYTES, FolderStore, check_digest, check_name, hash_stream, is_digest, is_name, place_blob

MARK = "lacuna-store"  # tells a blob that is gone from a bucket that is
BLOBS, REFS = "blobs", "refs"
_PROBE = "probe"
_CONNECT, _READ, _RETRY = timedelta(seconds=5), timedelta(seconds=60), timedelta(seconds=30)
_TRIMS_PER_FILL = 16


class BucketStore:
    """A place such as `s3://bucket/prefix`; who may read and write it stands in the provider's own variables.

    An object is written whole or not at all, and a blob's name is its content: two hosts that write the same one
    write the same bytes.
    """

    def __init__(self, url: str, cache: "BlobCache") -> None:
        self.url = url
        self._cache = cache
        try:
            self._objects: ObjectStore = from_url(
                url,
                # plain http only to an endpoint that whoever runs this named as such
                client_options={"connect_timeout": _CONNECT, "read_timeout": _READ, "allow_http": True},
                retry_config={"max_retries": 3, "retry_timeout": _RETRY},
            )
        except BaseError as error:
            raise StoreUnavailable(f"cannot use the store {url}: {_first_line(error)}") from None
        self._mark()

    def put(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        with self._readable_faults():
            obstore.put(self._objects, place_blob(digest), data)
        self._cache.keep(data)
        return digest

    def put_stream(self, stream: BinaryIO) -> str:
        start = stream.tell()
        digest = hash_stream(stream)
        stream.seek(start)
        with self._readable_faults():
            obstore.put(self._objects, place_blob(digest), stream)
        return digest

    def get(self, digest: str) -> bytes:
        path = place_blob(digest)
        if (kept := self._cache.find(digest)) is not None:
            return kept
        data = self._fetch(path)
        if data is None:
            raise BlobMissing(f"the blob {digest} is not in the store {self.url}", digest)
        if hashlib.sha256(data).hexdigest() != digest:
            raise BlobMissing(f"the blob {digest} in the store {self.url} is damaged", digest)
        self._cache.keep(data)
        return data

    def open(self, digest: str) -> BinaryIO:
        return BytesIO(self.get(digest))

    def has(self, digest: str) -> bool:
        return self._find_size(place_blob(digest)) is not None

    def is_intact(self, digest: str) -> bool:
        """Of the bucket, whatever this host keeps."""
        data = self._fetch(place_blob(digest))
        return data is not None and hashlib.sha256(data).hexdigest() == digest

    def count_bytes(self, digest: str) -> int:
        size = self._find_size(place_blob(digest))
        if size is None:
            raise BlobMissing(f"the blob {digest} is not in the store {self.url}", digest)
        return size

    def set_ref(self, name: str, digest: str) -> None:
        check_digest(digest)
        with self._readable_faults():
            obstore.put(self._objects, _ref_path(name), digest.encode())

    def get_ref(self, name: str) -> str | None:
        data = self._fetch(_ref_path(name))
        if data is None:
            return None
        text = data.decode("ascii", errors="replace")
        if not is_digest(text):
            raise BlobMissing(f"the name {name!r} in the store {self.url} is damaged", digest="")
        return text

    def iter_digests(self) -> Iterator[str]:
        yield from filter(is_digest, (path.rpartition("/")[2] for path in self._iter_paths(BLOBS)))

    def iter_names(self) -> Iterator[str]:
        yield from filter(is_name, (path.removeprefix(f"{REFS}/") for path in self._iter_paths(REFS)))

    def check_writable(self) -> None:
        with self._readable_faults():
            obstore.put(self._objects, _PROBE, bytes(PROBE_BYTES))

    def count_free_bytes(self) -> int | None:
        return None

    def _mark(self) -> None:
        with self._readable_faults():
            obstore.put(self._objects, MARK, b"")

    def _fetch(self, path: str) -> bytes | None:
        with self._readable_faults():
            try:
                return bytes(obstore.get(self._objects, path).bytes())
            except FileNotFoundError:
                pass
        self._check_present()
        return None

    def _find_size(self, path: str) -> int | None:
        with self._readable_faults():
            try:
                return obstore.head(self._objects, path)["size"]
            except FileNotFoundError:
                pass
        self._check_present()
        return None

    def _check_present(self) -> None:
        """What lies in a bucket that is away is not lost."""
        with self._readable_faults():
            obstore.head(self._objects, MARK)

    def _iter_paths(self, folder: str) -> Iterator[str]:
        with self._readable_faults():
            for page in obstore.list(self._objects, prefix=folder):
                yield from (found["path"] for found in page)

    @contextmanager
    def _readable_faults(self) -> Iterator[None]:
        try:
            yield
        except (BaseError, OSError) as error:
            raise StoreUnavailable(f"the store {self.url} does not answer: {_first_line(error)}") from None


class BlobCache:
    """What this host read or wrote lately, up to a number of bytes; it may be emptied at any time."""

    def __init__(self, folder: Path, *, limit_bytes: int) -> None:
        self._store = FolderStore(folder)
        self._limit_bytes = limit_bytes
        self._unchecked = limit_bytes  # the first blob is reason enough to look what others left

    def find(self, digest: str) -> bytes | None:
        """The blob if it is here and whole."""
        try:
            data = self._store.get(digest)
        except (BlobMissing, StoreUnavailable):
            return None
        with suppress(OSError):
            os.utime(self._store.locate(digest))
        return data

    def keep(self, data: bytes) -> None:
        """A disk that takes no more costs time, not work."""
        if len(data) > self._limit_bytes:
            return
        with suppress(StoreUnavailable):
            self._store.put(data)
        self._unchecked += len(data)
        if self._unchecked * _TRIMS_PER_FILL > self._limit_bytes:
            self._trim()
            self._unchecked = 0

    def _trim(self) -> None:
        """Drop what was not read for longest; other processes may do the same at this moment."""
        found: list[tuple[float, int, Path]] = []
        for digest in self._store.iter_digests():
            path = self._store.locate(digest)
            with suppress(OSError):
                status = path.stat()
                found.append((status.st_mtime, status.st_size, path))
        held = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if held <= self._limit_bytes:
                return
            with suppress(OSError):
                path.unlink()
            held -= size


def _ref_path(name: str) -> str:
    check_name(name)
    return f"{REFS}/{name}"


def _first_line(error: BaseException) -> str:
    """Its debugging output goes on for pages."""
    return str(error).splitlines()[0][:300] if str(error) else type(error).__name__
