import hashlib
from io import BytesIO
from pathlib import Path

import pytest

from core.domain.errors import BlobMissing, PlatformFault, StoreUnavailable
from core.storage import FolderStore


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


def blob_file(store: FolderStore, digest: str) -> Path:
    return next(path for path in store.folder.rglob(digest) if path.is_file())


def test_a_blob_comes_back_under_the_digest_of_its_bytes(store: FolderStore) -> None:
    digest = store.put(b"some bytes")
    assert digest == hashlib.sha256(b"some bytes").hexdigest()
    assert store.get(digest) == b"some bytes"
    assert store.has(digest)


def test_the_same_bytes_are_kept_once(store: FolderStore) -> None:
    assert store.put(b"twice") == store.put(b"twice")
    assert len([path for path in store.folder.rglob("*") if path.is_file()]) == 1


def test_a_missing_blob_is_a_readable_fault(store: FolderStore) -> None:
    assert not store.has("0" * 64)
    with pytest.raises(PlatformFault, match="is not in the store"):
        store.get("0" * 64)


def test_a_damaged_blob_is_refused(store: FolderStore) -> None:
    digest = store.put(b"whole")
    blob_file(store, digest).write_bytes(b"hole")
    with pytest.raises(PlatformFault, match="is damaged"):
        store.get(digest)


def test_putting_a_damaged_blob_again_heals_it(store: FolderStore) -> None:
    digest = store.put(b"whole")
    blob_file(store, digest).write_bytes(b"hole")
    store.put(b"whole")
    assert store.get(digest) == b"whole"


@pytest.mark.parametrize("digest", ["", "../secret", "A" * 64, "0" * 63, "0" * 64 + "/x"])
def test_what_is_no_digest_never_becomes_a_path(store: FolderStore, digest: str) -> None:
    with pytest.raises(ValueError, match="not a SHA-256 digest"):
        store.get(digest)


def test_a_name_points_at_what_it_was_set_to_last(store: FolderStore) -> None:
    first, second = store.put(b"1"), store.put(b"2")
    assert store.get_ref("pools/a") is None
    store.set_ref("pools/a", first)
    store.set_ref("pools/a", second)
    assert store.get_ref("pools/a") == second


def test_a_name_may_begin_as_another_one_ends(store: FolderStore) -> None:
    names = ("pools/b/0-31", "pools/a", "runs/z", "pools/b")
    for name in names:
        store.set_ref(name, store.put(name.encode()))
    assert [store.get(str(store.get_ref(name))) for name in names] == [name.encode() for name in names]


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../up", "a/../b", "a//b", ".hidden", "a/.b"])
def test_a_name_cannot_leave_the_store(store: FolderStore, name: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        store.set_ref(name, "0" * 64)


def test_a_failed_write_leaves_nothing_behind(store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.storage.os.fsync", fail)
    with pytest.raises(PlatformFault, match="No space left on device"):
        store.put(b"too much")
    assert [path for path in store.folder.rglob("*") if path.is_file()] == []


def test_a_folder_that_cannot_be_written_is_a_readable_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(PlatformFault, match="cannot write to the store"):
        FolderStore(tmp_path / "file" / "store")


def test_a_store_that_is_away_has_lost_nothing(store: FolderStore) -> None:
    digest = store.put(b"kept")
    store.set_ref("pools/a", digest)
    store.folder.rename(store.folder.with_name("elsewhere"))
    for call in (
        lambda: store.get(digest),
        lambda: store.has(digest),
        lambda: store.get_ref("pools/a"),
        lambda: store.put(b"more"),
        lambda: store.put_stream(BytesIO(b"more")),
        lambda: store.set_ref("pools/a", digest),
        store.check_writable,
    ):
        with pytest.raises(StoreUnavailable):
            call()
    assert not store.folder.exists()  # a folder that was unmounted is not made anew beneath its place
    store.folder.with_name("elsewhere").rename(store.folder)
    assert store.get(digest) == b"kept"


def test_a_lost_blob_is_named(store: FolderStore) -> None:
    digest = store.put(b"kept")
    blob_file(store, digest).write_bytes(b"kepT")
    with pytest.raises(BlobMissing) as damaged:
        store.get(digest)
    blob_file(store, digest).unlink()
    with pytest.raises(BlobMissing) as gone:
        store.get(digest)
    assert (damaged.value.digest, gone.value.digest) == (digest, digest)
