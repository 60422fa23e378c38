"""What a node keeps: blobs that its present lease names, read once and kept up to a limit, and what it made itself."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from core.domain.errors import BlobMissing, Conflict, NotFound, StoreUnavailable
from core.object_store import BlobCache
from core.storage import FolderStore
from worker.agent.link import ServerAway

Fetch = Callable[[str], bytes]


class NodeStore(FolderStore):
    def __init__(self, folder: Path, *, limit_bytes: int) -> None:
        super().__init__(folder / "own")
        self._cache = BlobCache(folder / "read", limit_bytes=limit_bytes)
        self._named: frozenset[str] = frozenset()
        self._fetch: Fetch | None = None

    def serve(self, named: frozenset[str], fetch: Fetch) -> None:
        """From now on these blobs can be had from the server."""
        self._named, self._fetch = named, fetch

    def get(self, digest: str) -> bytes:
        if digest not in self._named or self._fetch is None:
            return super().get(digest)
        if (kept := self._cache.find(digest)) is not None:
            return kept
        try:
            data = self._fetch(digest)
        except (ServerAway, NotFound, Conflict) as error:
            raise StoreUnavailable(f"an input could not be read from the server: {error.message}") from None
        if hashlib.sha256(data).hexdigest() != digest:
            raise BlobMissing(f"the blob {digest} was damaged on its way here", digest)
        self._cache.keep(data)
        return data

    def has(self, digest: str) -> bool:
        return digest in self._named or super().has(digest)
