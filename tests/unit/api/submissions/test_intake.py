"""Who asks for too much reading waits, and keeps nobody else waiting."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient

from api.submissions import intake
from api.submissions.intake import MOST_WAITING, Readings
from core.domain.intake.reading import read_submission
from core.domain.intake.report import SubmissionFiles
from core.domain.quota import READING_SECONDS, READINGS, LimitCode, LimitReached
from tests import factories
from tests.unit.api.conftest import Login

READ = ("a.py", factories.SOURCE)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr(intake, "read_apart", read_submission)
    return Clock()


def test_an_account_has_so_many_readings_a_minute(clock: Clock) -> None:
    readings = Readings(clock)
    for _ in range(READINGS):
        readings.read("ann", 10_000, *READ)
    clock.now = 20
    with pytest.raises(LimitReached) as refusal:
        readings.read("ann", 10_000, *READ)
    assert (refusal.value.code, refusal.value.retry_after) == (LimitCode.READING_LIMIT, 40)
    assert readings.read("bob", 10_000, *READ).files
    clock.now = 61
    assert readings.read("ann", 10_000, *READ).files


def test_dear_readings_count_by_their_time(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_slowly(filename: str, content: bytes, *, limit_bytes: int) -> SubmissionFiles:
        clock.now += READING_SECONDS / 2
        return read_submission(filename, content, limit_bytes=limit_bytes)

    monkeypatch.setattr(intake, "read_apart", read_slowly)
    readings = Readings(clock)
    readings.read("ann", 10_000, *READ)
    readings.read("ann", 10_000, *READ)
    with pytest.raises(LimitReached):
        readings.read("ann", 10_000, *READ)


def test_one_account_is_read_one_upload_after_the_other_and_others_beside_it(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, most, go = [], [], threading.Event()

    def read_and_wait(filename: str, content: bytes, *, limit_bytes: int) -> SubmissionFiles:
        inside.append(1)
        most.append(len(inside))
        if content == b"slow":
            go.wait(10)
        inside.pop()
        return read_submission("a.py", factories.SOURCE, limit_bytes=limit_bytes)

    monkeypatch.setattr(intake, "read_apart", read_and_wait)
    readings = Readings(clock)
    with ThreadPoolExecutor(MOST_WAITING) as pool:
        held = [pool.submit(readings.read, "ann", 10_000, "a.py", b"slow") for _ in range(MOST_WAITING - 1)]
        assert readings.read("bob", 10_000, *READ).files
        go.set()
        assert all(each.result(10).files for each in held)
    assert max(most) == 2


def test_when_all_places_are_taken_the_next_is_refused_at_once(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()

    def read_and_wait(filename: str, content: bytes, *, limit_bytes: int) -> SubmissionFiles:
        go.wait(10)
        return read_submission(filename, content, limit_bytes=limit_bytes)

    monkeypatch.setattr(intake, "read_apart", read_and_wait)
    readings = Readings(clock)
    with ThreadPoolExecutor(MOST_WAITING + 1) as pool:
        held = [pool.submit(readings.read, f"{name}", 10_000, *READ) for name in range(MOST_WAITING)]
        while sum(each.inside for each in readings._accounts.values()) < MOST_WAITING:
            pass
        with pytest.raises(LimitReached, match="at this moment"):
            readings.read("bob", 10_000, *READ)
        go.set()
        assert all(each.result(10).files for each in held)
    assert readings.read("bob", 10_000, *READ).files
    assert set(readings._accounts) > {"bob"}


def test_the_limit_is_told_over_http(
    client: TestClient, login: Callable[..., Login], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "read_apart", read_submission)
    ann = login("ann")
    answers = [client.post("/api/v1/check", headers=ann.headers, files={"file": READ}) for _ in range(READINGS + 1)]
    assert {answer.status_code for answer in answers[:-1]} == {200}
    assert (answers[-1].status_code, answers[-1].json()["code"]) == (429, "READING_LIMIT")
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 60
