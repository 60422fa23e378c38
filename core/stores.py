"""Where this installation keeps its blobs: a folder, or a bucket that its hosts share."""

from core.domain.errors import InvalidInput
from core.object_store import BlobCache, BucketStore
from core.settings import Settings
from core.storage import BlobStore, FolderStore


def open_store(settings: Settings) -> BlobStore:
    if not settings.store_url:
        return FolderStore(settings.store_folder)
    cache = BlobCache(settings.data_folder / "cache", limit_bytes=settings.store_cache_bytes)
    return BucketStore(settings.store_url, cache)


def require_store(settings: Settings) -> BlobStore:
    """For who comes to an installation that is there: a wrong folder is named, not made."""
    if not settings.store_url and not settings.store_folder.is_dir():
        raise InvalidInput(f"no platform is here: there is no store {settings.store_folder}; set LACUNA_DATA_FOLDER")
    return open_store(settings)
