"""Uploads that mean to keep others waiting do not."""

import io
import socket
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx2
import pytest

from api.middleware import BodyDeadline
from tests import factories
from tests.integration.api.conftest import Site

pytestmark = pytest.mark.integration

SIX = 6
MOST_SECONDS = 1.0


def make_small_bomb() -> bytes:
    """7 KiB of zip that hold 4 MiB of Python, each file just below the limit of one."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("submission.py", factories.SOURCE)
        for number in range(18):
            archive.writestr(f"m{number}.py", "x=[" + "1," * 120_000 + "]\n")
    return packed.getvalue()


def make_dear_script() -> bytes:
    """One file within every limit that has to be parsed again for each of its shell lines."""
    shell = "\n".join(f"!pip install x{number}" for number in range(12))
    return f"{shell}\nx = [{'1,' * 120_000}]\n".encode() + factories.SOURCE


@pytest.mark.parametrize(
    ("name", "make"), [("a.zip", make_small_bomb), ("a.py", make_dear_script)], ids=["zips", "shell lines"]
)
def test_the_health_of_the_server_is_told_while_hostile_uploads_are_read(
    site: Site, name: str, make: Callable[[], bytes]
) -> None:
    content = make()
    accounts = [site.make_headers(account) for account in ("eve", "mallory")]
    done = threading.Event()
    httpx2.get(f"{site.url}/healthz", timeout=60)  # a server's first answer takes longer

    def check(number: int) -> int:
        files = {"file": (name, content)}
        answer = httpx2.post(f"{site.url}/api/v1/check", headers=accounts[number % 2], files=files, timeout=120)
        return answer.status_code

    def watch() -> list[float]:
        waits = []
        while not done.is_set():
            begin = time.monotonic()
            assert httpx2.get(f"{site.url}/healthz", timeout=60).status_code == 200
            waits.append(time.monotonic() - begin)
            time.sleep(0.05)
        return waits

    with ThreadPoolExecutor(SIX + 1) as pool:
        watcher = pool.submit(watch)
        statuses = set(pool.map(check, range(SIX)))
        done.set()
        assert max(watcher.result()) < MOST_SECONDS
    assert statuses <= {200, 429}


@pytest.mark.parametrize("declared", [1_000, 90 << 20], ids=["small", "too large"])
@pytest.mark.parametrize("path", ["/api/v1/check", "/api/v1/tokens", "/login"])
def test_a_body_that_trickles_is_cut_off_and_others_are_served(
    start_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch, declared: int, path: str
) -> None:
    monkeypatch.setattr(BodyDeadline.__init__, "__defaults__", (0.6,))
    site = start_site()
    host, port = site.url.removeprefix("http://").split(":")
    kind = (
        f"multipart/form-data; boundary={60 * '-'}" if path.endswith("check") else "application/x-www-form-urlencoded"
    )
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {kind}\r\nContent-Length: {declared}\r\n"
    token = site.make_headers("eve")["Authorization"]
    begin = time.monotonic()
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(f"{head}Authorization: {token}\r\n\r\n".encode())
        answer = trickle(connection)
        assert httpx2.get(f"{site.url}/healthz", timeout=20).status_code == 200
    assert answer.startswith(b"HTTP/1.1 408"), answer[:200]
    assert time.monotonic() - begin < 30  # a byte each tenth of a second would take 100 s


def trickle(connection: socket.socket) -> bytes:
    """Send a byte now and then until there is an answer; all that is said until the connection is closed."""
    connection.setblocking(False)
    while True:
        with suppress(ConnectionError):
            connection.send(b"-")
        time.sleep(0.1)
        try:
            said = connection.recv(1 << 16)
        except BlockingIOError:
            continue
        connection.setblocking(True)
        with suppress(ConnectionError):
            while more := connection.recv(1 << 16):
                said += more
        return said


def test_a_slow_but_steady_upload_is_taken(start_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BodyDeadline.__init__, "__defaults__", (0.3,))
    site = start_site()
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.py"\r\n\r\n' + factories.SOURCE
    body += b"#" * (60 << 10) + b"\r\n--x--\r\n"

    def drip() -> Iterator[bytes]:
        for start in range(0, len(body), 8 << 10):
            yield body[start : start + (8 << 10)]
            time.sleep(0.2)

    headers = site.make_headers("ann") | {"Content-Type": "multipart/form-data; boundary=x"}
    answer = httpx2.post(f"{site.url}/api/v1/check", headers=headers, content=drip(), timeout=60)
    assert (answer.status_code, answer.json()["ok"]) == (200, True)
