"""Wrong passwords slow down whoever sends them, and not the owner of the account."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select

from api.users import logins
from api.users.sources import tell_network
from core.db import base
from core.db.models.accounts import LoginFailure
from core.db.session import reading, transaction
from core.domain.quota import LOGIN_FAILURES, LONGEST_WAIT, STUFFING_FAILURES
from tests import factories

OURS = {"Sec-Fetch-Site": "same-origin"}
PASSWORD = "correct horse"
STRANGER, HOME = "203.0.113.7", "198.51.100.20"
HASH = "its hash"


class Clock:
    def __init__(self) -> None:
        self.now = base.utc_now()

    def __call__(self) -> datetime:
        return self.now

    def go_on(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(logins, "utc_now", clock)
    monkeypatch.setattr(logins, "is_password", lambda password, stored: stored == HASH and password == PASSWORD)
    return clock


@pytest.fixture
def at(client: TestClient, engine: Engine, clock: Clock) -> Callable[[str], TestClient]:
    """A browser at an address; Ann has an account."""
    with transaction(engine) as session:
        for name in ("ann", "bob"):
            factories.make_user(session, name).password_hash = HASH
    return lambda address: TestClient(client.app, client=(address, 50_000), headers=OURS, raise_server_exceptions=False)


def log_in(browser: TestClient, password: str = PASSWORD, name: str = "ann") -> int:
    return browser.post("/api/v1/auth/login", json={"name": name, "password": password}).status_code


def guess(browser: TestClient, clock: Clock, count: int, names: tuple[str, ...] = ("ann",)) -> list[float]:
    """The seconds that had to go by before each guess was looked at."""
    waits = []
    for number in range(count):
        waited = 0.0
        body = {"name": names[number % len(names)], "password": f"wrong {number}"}
        while (answer := browser.post("/api/v1/auth/login", json=body)).status_code == 429:
            seconds = float(answer.headers["Retry-After"])
            clock.go_on(seconds)
            waited += seconds
        assert answer.status_code == 401
        waits.append(waited)
    return waits


def test_each_further_wrong_password_doubles_the_wait(at: Callable[[str], TestClient], clock: Clock) -> None:
    waits = guess(at(STRANGER), clock, LOGIN_FAILURES + 13)
    assert waits[:LOGIN_FAILURES] == [0] * LOGIN_FAILURES
    assert waits[LOGIN_FAILURES : LOGIN_FAILURES + 5] == [1, 2, 4, 8, 16]
    assert max(waits) == waits[-1] == LONGEST_WAIT.total_seconds()


@pytest.mark.parametrize("path", ["/api/v1/auth/login", "/api/v1/tokens"])
def test_whoever_guessed_waits_with_the_right_password_too(
    at: Callable[[str], TestClient], clock: Clock, path: str
) -> None:
    guess(at(STRANGER), clock, LOGIN_FAILURES)
    answer = at(STRANGER).post(path, json={"name": "ann", "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (429, "LOGIN_LIMIT")
    clock.go_on(float(answer.headers["Retry-After"]))
    assert at(STRANGER).post(path, json={"name": "ann", "password": PASSWORD}).status_code in (200, 201)


def test_the_owner_elsewhere_gets_in_at_once(at: Callable[[str], TestClient], clock: Clock) -> None:
    guess(at(STRANGER), clock, LOGIN_FAILURES + 5)
    assert log_in(at(HOME)) == 200
    assert log_in(at(STRANGER), "again wrong") == 429  # and the stranger's count goes on


def test_the_owner_behind_the_same_address_gets_in_with_a_browser_that_was_in_before(
    at: Callable[[str], TestClient], clock: Clock
) -> None:
    browser = at(STRANGER)
    assert log_in(browser) == 200
    assert browser.post("/api/v1/auth/logout").status_code == 204
    guess(at(STRANGER), clock, LOGIN_FAILURES + 5)
    assert log_in(at(STRANGER)) == 429
    assert log_in(browser) == 200


def test_a_browser_is_known_for_its_own_account_alone_and_slowed_too(
    at: Callable[[str], TestClient], clock: Clock
) -> None:
    browser = at(STRANGER)
    assert log_in(browser, name="bob") == 200
    browser.post("/api/v1/auth/logout")
    guess(at(STRANGER), clock, LOGIN_FAILURES)
    assert log_in(browser, name="ann") == 429
    assert max(guess(browser, clock, LOGIN_FAILURES + 3, ("bob",))) == 4


def test_an_account_that_is_in_is_not_slowed_by_its_network(at: Callable[[str], TestClient], clock: Clock) -> None:
    token = at(HOME).post("/api/v1/tokens", json={"name": "ann", "password": PASSWORD}).json()["token"]
    guess(at(STRANGER), clock, LOGIN_FAILURES + 5)
    headers = {"Authorization": f"Bearer {token}"}
    asked = {"name": "ann", "password": PASSWORD}
    assert at(STRANGER).post("/api/v1/tokens", json=asked, headers=headers).status_code == 201


def test_one_address_that_tries_many_accounts_is_slowed(at: Callable[[str], TestClient], clock: Clock) -> None:
    names = tuple(f"user-{number}" for number in range(40))
    waits = guess(at(STRANGER), clock, STUFFING_FAILURES + 3, names)
    assert waits[:STUFFING_FAILURES] == [0] * STUFFING_FAILURES
    assert waits[STUFFING_FAILURES:] == [1, 2, 4]


def test_many_guesses_at_once_gain_nothing(at: Callable[[str], TestClient], clock: Clock) -> None:
    with ThreadPoolExecutor(12) as pool:
        statuses = list(pool.map(lambda number: log_in(at(STRANGER), f"wrong {number}"), range(12)))
    assert statuses.count(401) == LOGIN_FAILURES


def test_the_right_password_ends_the_count_of_its_place(
    at: Callable[[str], TestClient], engine: Engine, clock: Clock
) -> None:
    guess(at(STRANGER), clock, 2)
    guess(at(HOME), clock, 2)
    assert log_in(at(HOME)) == 200
    with reading(engine) as session:
        assert {row.source for row in session.scalars(select(LoginFailure))} == {tell_network(STRANGER)}


def test_old_guesses_are_forgotten(at: Callable[[str], TestClient], clock: Clock) -> None:
    guess(at(STRANGER), clock, LOGIN_FAILURES + 5)
    clock.go_on(25 * 3600)
    assert guess(at(STRANGER), clock, LOGIN_FAILURES) == [0] * LOGIN_FAILURES


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("203.0.113.7", "203.0.113.7", True),
        ("203.0.113.7", "203.0.113.8", False),
        ("::ffff:203.0.113.7", "203.0.113.7", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("testclient", "", False),
    ],
)
def test_a_network_is_what_one_customer_has(one: str, other: str, is_same: bool) -> None:
    assert (tell_network(one) == tell_network(other)) is is_same
