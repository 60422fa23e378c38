"""What only a real server shows: large bodies, streams that are left, requests side by side."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
from sqlalchemy import func, select

from api.submissions import events
from core.db.models.submissions import Submission
from core.db.session import reading, transaction
from tests import factories
from tests.integration.api.conftest import Site

pytestmark = pytest.mark.integration


def upload(site: Site, headers: dict[str, str], content: bytes) -> httpx2.Response:
    url = f"{site.url}/api/v1/competitions/digits/submissions"
    return httpx2.post(url, headers=headers, files={"file": ("a.py", content)}, timeout=60)


def test_fifty_megabytes_get_an_answer_and_not_a_broken_connection(site: Site) -> None:
    with transaction(site.engine) as session:
        factories.make_competition(session, "digits")
    answer = upload(site, site.make_headers("ann"), b"#" * (50 << 20))
    assert (answer.status_code, answer.json()["code"]) == (413, "TOO_LARGE")


def test_a_stream_that_is_left_stops_asking_the_database(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []
    look = events._look
    monkeypatch.setattr(events, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(events, "_look", lambda *args: (looks.append(1), look(*args))[1])
    with transaction(site.engine) as session:
        row = factories.make_submission(session, factories.make_competition(session), factories.make_user(session))
        factories.make_evaluation(session, row)
    with httpx2.stream("GET", f"{site.url}/api/v1/submissions/{row.id}/events", timeout=30) as answer:
        next(answer.iter_lines())
    time.sleep(1)
    after_leaving = len(looks)
    time.sleep(1)
    assert 0 < after_leaving == len(looks)


def test_thirty_viewers_do_not_keep_others_waiting(site: Site) -> None:
    with transaction(site.engine) as session:
        row = factories.make_submission(session, factories.make_competition(session), factories.make_user(session))
        factories.make_evaluation(session, row)
    leave = threading.Event()

    def view() -> None:
        with httpx2.stream("GET", f"{site.url}/api/v1/submissions/{row.id}/events", timeout=60) as answer:
            next(answer.iter_lines())
            leave.wait(60)

    viewers = [threading.Thread(target=view) for _ in range(30)]
    for viewer in viewers:
        viewer.start()
    try:
        assert httpx2.get(f"{site.url}/api/v1/competitions", timeout=20).status_code == 200
    finally:
        leave.set()
        for viewer in viewers:
            viewer.join()


def test_parallel_uploads_do_not_slip_past_the_limit_on_postgresql(
    start_site: Callable[..., Site], postgres_url: str
) -> None:
    site = start_site(database_url=postgres_url)
    with transaction(site.engine) as session:
        factories.make_competition(session, "digits", concurrent_limit=3)
    headers = site.make_headers("ann")
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: upload(site, headers, factories.SOURCE).status_code, range(8)))
    assert sorted(statuses) == [202] * 3 + [429] * 5
    with reading(site.engine) as session:
        assert session.scalars(select(func.count()).select_from(Submission)).one() == 3


def test_what_postgresql_cannot_keep_is_the_senders_mistake(start_site: Callable[..., Site], postgres_url: str) -> None:
    site = start_site(database_url=postgres_url)
    with transaction(site.engine) as session:
        factories.make_competition(session, "digits")
    headers = site.make_headers("ann")
    for path in ("/api/v1/competitions/%00", "/api/v1/submissions/a%00b", "/competitions/%00"):
        assert httpx2.get(site.url + path, headers=headers, timeout=20).status_code == 422
    url = f"{site.url}/api/v1/competitions/digits/submissions"
    body = {"files": {"file": ("a.py", factories.SOURCE)}, "data": {"note": "a\0b"}}
    assert httpx2.post(url, headers=headers, timeout=20, **body).status_code == 422
