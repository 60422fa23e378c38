"""A backup goes to an address and comes back from it; an archive brings nothing but a backup."""

import io
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from sqlalchemy import Engine

from core.backup.archive import unpack
from core.backup.restoring import restore_backup
from core.backup.sending import fetch_backup, send_backup
from core.db.base import utc_now
from core.db.migrate import upgrade_database
from core.db.session import get_engine
from core.domain.errors import InvalidInput, PlatformFault
from core.storage import FolderStore
from tests.backups import fill, read_all


class Bucket(ThreadingHTTPServer):
    """Keeps what is put, if its length was said, and signs for one address."""

    signed = "/lacuna.tar?signature=s3cret"

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.kept = b""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{self.signed}"


class _Handler(BaseHTTPRequestHandler):
    server: Bucket

    def do_PUT(self) -> None:
        if self.path != self.server.signed or "Transfer-Encoding" in self.headers:
            self._answer(403)
            return
        self.server.kept = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(200)

    def do_GET(self) -> None:
        self._answer(200 if self.path == self.server.signed else 403, self.server.kept)

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with Bucket() as bucket:
        thread = threading.Thread(target=bucket.serve_forever)
        thread.start()
        yield bucket
        bucket.shutdown()
        thread.join()


@pytest.fixture
def filled(tmp_path: Path) -> Engine:
    url = f"sqlite:///{tmp_path / 'lacuna.sqlite'}"
    upgrade_database(url)
    fill(get_engine(url), FolderStore(tmp_path / "store"))
    return get_engine(url)


def test_a_platform_comes_back_from_an_address(filled: Engine, bucket: Bucket, tmp_path: Path) -> None:
    sent = send_backup(filled, FolderStore(tmp_path / "store"), bucket.address, utc_now())
    new = get_engine(f"sqlite:///{tmp_path / 'new' / 'lacuna.sqlite'}")
    with fetch_backup(bucket.address) as folder:
        restored = restore_backup(new, lambda: FolderStore(tmp_path / "new" / "store"), folder)
    assert (restored.manifest, restored.breaks, restored.boards) == (sent, (), 1)
    assert read_all(new)["users"] == read_all(filled)["users"]
    assert FolderStore(tmp_path / "new" / "store").get_ref("pools/digits/0-31") is not None


def test_what_was_sent_is_a_tar_of_a_backups_folder(filled: Engine, bucket: Bucket, tmp_path: Path) -> None:
    send_backup(filled, FolderStore(tmp_path / "store"), bucket.address, utc_now())
    with tarfile.open(fileobj=io.BytesIO(bucket.kept)) as archive:
        archive.extractall(tmp_path / "kept")
    new = get_engine(f"sqlite:///{tmp_path / 'new' / 'lacuna.sqlite'}")
    assert restore_backup(new, lambda: FolderStore(tmp_path / "new" / "store"), tmp_path / "kept").boards == 1


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://backup.example/lacuna.tar", "holds secrets"),
        ("s3://bucket/lacuna", "sign an https:// address"),
        ("file:///srv/lacuna", "begins with https://"),
        ("https://", "begins with https://"),
    ],
)
def test_an_address_that_will_not_do_is_refused(filled: Engine, tmp_path: Path, address: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        send_backup(filled, FolderStore(tmp_path / "store"), address, utc_now())


def test_a_refusal_on_the_way_is_told_without_the_signature(filled: Engine, bucket: Bucket, tmp_path: Path) -> None:
    bucket.signed = "/another"
    address = bucket.address.replace("/another", "/lacuna.tar?signature=s3cret")
    with pytest.raises(PlatformFault, match="answered 403") as caught:
        send_backup(filled, FolderStore(tmp_path / "store"), address, utc_now())
    assert "s3cret" not in caught.value.message
    with pytest.raises(PlatformFault, match="answered 403"), fetch_backup(address):
        pass


def test_nobody_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(PlatformFault, match=r"127\.0\.0\.1 cannot be reached"), fetch_backup("http://127.0.0.1:1/x"):
        pass


def make_archive(name: str, kind: bytes = tarfile.REGTYPE) -> bytes:
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, "/etc/passwd"
        archive.addfile(member)
    return body.getvalue()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("../manifest.json", tarfile.REGTYPE),
        ("store/../../x", tarfile.REGTYPE),
        ("/tmp/x", tarfile.REGTYPE),
        ("else", tarfile.REGTYPE),
        ("store", tarfile.SYMTYPE),
        ("rows-1/users.jsonl", tarfile.LNKTYPE),
        ("store/blobs", tarfile.FIFOTYPE),
    ],
)
def test_an_archive_writes_nothing_but_files_of_a_backup(tmp_path: Path, name: str, kind: bytes) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(InvalidInput, match="damaged"):
        unpack(io.BytesIO(make_archive(name, kind)), tmp_path / "in")
    assert list(tmp_path.rglob("*")) == [tmp_path / "in"]


def test_an_archive_that_was_cut_off_is_no_backup(filled: Engine, bucket: Bucket, tmp_path: Path) -> None:
    send_backup(filled, FolderStore(tmp_path / "store"), bucket.address, utc_now())
    bucket.kept = bucket.kept[: len(bucket.kept) // 2 - 100]
    with (
        pytest.raises(InvalidInput, match=r"damaged|interrupted"),
        fetch_backup(bucket.address) as folder,
    ):
        restore_backup(
            get_engine(f"sqlite:///{tmp_path / 'new.sqlite'}"),
            lambda: FolderStore(tmp_path / "new" / "store"),
            folder,
        )
    assert not (tmp_path / "new").exists()
    assert not (tmp_path / "new.sqlite").exists()
