"""What every store promises, of a folder and of a bucket behind a real S3 interface on this machine."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import boto3
import pytest

from core.domain.errors import BlobMissing, InvalidInput, StoreUnavailable
from core.object_store import BlobCache, BucketStore
from core.settings import Settings
from core.storage import BlobStore, FolderStore, copy_blob
from core.stores import open_store, require_store
from tests.buckets import make_bucket, serve_buckets

BUCKET = "lacuna-test"
KIB = 1 << 10


@dataclass(frozen=True, slots=True)
class Bucket:
    endpoint: str
    url: str

    def write(self, key: str, data: bytes) -> None:
        self._client().put_object(Bucket=BUCKET, Key=f"{self._prefix()}/{key}", Body=data)

    def remove(self) -> None:
        client = self._client()
        for found in client.list_objects_v2(Bucket=BUCKET).get("Contents", []):
            client.delete_object(Bucket=BUCKET, Key=found["Key"])
        client.delete_bucket(Bucket=BUCKET)

    def _prefix(self) -> str:
        return self.url.removeprefix(f"s3://{BUCKET}/")

    def _client(self):  # type: ignore[no-untyped-def]  # boto3 makes its clients as it runs
        return boto3.client("s3", endpoint_url=self.endpoint)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with serve_buckets() as endpoint:
        yield endpoint


@pytest.fixture
def bucket(endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    make_bucket(endpoint, BUCKET, monkeypatch)
    return Bucket(endpoint, f"s3://{BUCKET}/{tmp_path.name}")


@pytest.fixture
def open_bucket(bucket: Bucket, tmp_path: Path) -> Callable[..., BucketStore]:
    """A host's view of the bucket; another name is another host."""

    def open_on(host: str = "here", limit_bytes: int = 1 << 20) -> BucketStore:
        return BucketStore(bucket.url, BlobCache(tmp_path / host, limit_bytes=limit_bytes))

    return open_on


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    if request.param == "folder":
        return FolderStore(tmp_path / "store")
    return request.getfixturevalue("open_bucket")()  # type: ignore[no-any-return]


def test_bytes_come_back_under_their_digest(store: BlobStore) -> None:
    digest = store.put(b"some bytes")
    assert digest == hashlib.sha256(b"some bytes").hexdigest()
    with store.open(digest) as stream:
        assert (store.get(digest), stream.read()) == (b"some bytes", b"some bytes")
    assert (store.has(digest), store.is_intact(digest), store.count_bytes(digest)) == (True, True, 10)


def test_a_stream_is_kept_from_where_it_stands_in_one_piece_or_in_many(store: BlobStore) -> None:
    for size in (0, 3, 6 << 20):  # more than one part of an upload
        body = BytesIO(b"before" + bytes(size))
        body.seek(6)
        assert store.get(store.put_stream(body)) == bytes(size)


def test_what_is_not_there_is_named(store: BlobStore) -> None:
    digest = "0" * 64
    assert (store.has(digest), store.is_intact(digest), store.get_ref("pools/a")) == (False, False, None)
    with pytest.raises(BlobMissing, match="is not in the store") as missing:
        store.get(digest)
    assert missing.value.digest == digest


def test_names_point_at_what_they_were_set_to_last(store: BlobStore) -> None:
    first, second = store.put(b"1"), store.put(b"2")
    for name in ("pools/b/0-31", "pools/a", "pools/b"):
        store.set_ref(name, first)
    store.set_ref("pools/a", second)
    assert {name: store.get_ref(name) for name in store.iter_names()} == {
        "pools/a": second,
        "pools/b": first,
        "pools/b/0-31": first,
    }
    assert set(store.iter_digests()) == {first, second}


@pytest.mark.parametrize("digest", ["", "../secret", "A" * 64, "0" * 64 + "/x"])
def test_what_is_no_digest_is_never_asked_for(store: BlobStore, digest: str) -> None:
    for call in (store.get, store.has, store.open, store.count_bytes):
        with pytest.raises(ValueError, match="not a SHA-256 digest"):
            call(digest)


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../up", "a/../b", "a//b", ".hidden"])
def test_no_name_leaves_the_store(store: BlobStore, name: str) -> None:
    for call in (store.get_ref, lambda name: store.set_ref(name, "0" * 64)):
        with pytest.raises(ValueError, match="not a name"):
            call(name)


def test_a_store_can_be_written_before_anything_is(store: BlobStore) -> None:
    store.check_writable()
    assert (list(store.iter_digests()), list(store.iter_names())) == ([], [])


def test_a_blob_moves_between_kinds_of_store(open_bucket: Callable[..., BucketStore], tmp_path: Path) -> None:
    folder, bucket = FolderStore(tmp_path / "folder"), open_bucket()
    digest = folder.put(b"bytes")
    assert copy_blob(folder, bucket, digest)
    assert bucket.get(digest) == b"bytes"
    assert not copy_blob(bucket, folder, "0" * 64)


def test_hosts_see_what_the_others_wrote(open_bucket: Callable[..., BucketStore]) -> None:
    here, there = open_bucket("here"), open_bucket("there")
    digest = here.put(b"bytes")
    here.set_ref("pools/a", digest)
    assert there.get(str(there.get_ref("pools/a"))) == b"bytes"


def test_a_damaged_object_is_refused_and_healed(bucket: Bucket, open_bucket: Callable[..., BucketStore]) -> None:
    digest = open_bucket("writer").put(b"whole")
    reader = open_bucket("reader")
    bucket.write(f"blobs/{digest[:2]}/{digest}", b"hole")
    assert not reader.is_intact(digest)
    with pytest.raises(BlobMissing, match="is damaged"):
        reader.get(digest)
    reader.put(b"whole")
    assert open_bucket("third").get(digest) == b"whole"


def test_a_damaged_name_is_told_from_none(bucket: Bucket, open_bucket: Callable[..., BucketStore]) -> None:
    store = open_bucket()
    bucket.write("refs/pools/a", b"no digest")
    with pytest.raises(BlobMissing, match="is damaged"):
        store.get_ref("pools/a")


def test_what_was_read_is_read_here_again(bucket: Bucket, open_bucket: Callable[..., BucketStore]) -> None:
    store = open_bucket()
    digest = store.put(b"bytes")
    bucket.remove()
    assert store.get(digest) == b"bytes"


def test_a_damaged_copy_is_fetched_again(open_bucket: Callable[..., BucketStore], tmp_path: Path) -> None:
    store = open_bucket("here")
    digest = store.put(b"bytes")
    FolderStore(tmp_path / "here").locate(digest).write_bytes(b"byteS")
    assert store.get(digest) == b"bytes"


def test_a_cache_keeps_what_was_read_lately_within_its_limit(
    open_bucket: Callable[..., BucketStore], tmp_path: Path
) -> None:
    store, kept = open_bucket("here", limit_bytes=8 * KIB), FolderStore(tmp_path / "here")
    digests = [store.put(bytes([number]) * KIB) for number in range(8)]
    store.get(digests[0])
    store.put(bytes([8]) * KIB)
    held = set(kept.iter_digests())
    assert digests[0] in held
    assert digests[1] not in held
    assert sum(map(kept.count_bytes, held)) <= 8 * KIB
    assert store.get(digests[1]) == bytes([1]) * KIB  # from the bucket


def test_a_cache_without_room_costs_nothing_but_time(open_bucket: Callable[..., BucketStore], tmp_path: Path) -> None:
    store = open_bucket("here", limit_bytes=0)
    assert store.get(store.put(b"bytes")) == b"bytes"
    assert list(FolderStore(tmp_path / "here").iter_digests()) == []


def test_a_bucket_that_is_away_has_lost_nothing(bucket: Bucket, open_bucket: Callable[..., BucketStore]) -> None:
    store = open_bucket()
    digest = open_bucket("elsewhere").put(b"kept")
    bucket.remove()
    for call in (
        lambda: store.get(digest),
        lambda: store.has(digest),
        lambda: store.is_intact(digest),
        lambda: store.get_ref("pools/a"),
        lambda: store.put(b"more"),
        lambda: store.put_stream(BytesIO(b"more")),
        lambda: store.set_ref("pools/a", digest),
        lambda: list(store.iter_names()),
        store.check_writable,
        open_bucket,
    ):
        with pytest.raises(StoreUnavailable, match=r"^the store s3://[^\n]*$"):
            call()


def test_a_host_that_does_not_answer_is_unavailable(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(StoreUnavailable, match="does not answer"):
        BucketStore(bucket.url, BlobCache(tmp_path / "cache", limit_bytes=0))


def test_a_setting_chooses_the_store(bucket: Bucket, tmp_path: Path) -> None:
    assert isinstance(open_store(Settings(data_folder=tmp_path, store_url=bucket.url)), BucketStore)
    assert isinstance(open_store(Settings(data_folder=tmp_path)), FolderStore)


def test_a_wrong_folder_is_named_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no platform is here"):
        require_store(Settings(data_folder=tmp_path / "wrong"))
    assert not (tmp_path / "wrong").exists()


@pytest.mark.parametrize("url", ["ftp://host/x", "s3://", "/a/folder", "https://host/x"])
def test_an_address_that_is_no_bucket_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="store_url"):
        Settings(store_url=url)
