"""Uploads that mean to keep others waiting do not."""

import io
import threading
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

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
