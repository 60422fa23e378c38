from typing import Any

import httpx2
import pytest

from client.failures import CommandFailed
from client.http import ServerUnreachable
from client.progress import StageProgress
from client.waiting import wait_until_finished
from tests.unit.cli.fakes import FakeServer, make_ended, make_state


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def wait(server: FakeServer, clock: Clock, timeout: float | None = None) -> dict[str, Any]:
    return wait_until_finished(
        server.client(), "s1", timeout=timeout, progress=StageProgress(quiet=True), sleep=clock.sleep, clock=clock
    )


def refuse(_request: httpx2.Request) -> httpx2.Response:
    raise httpx2.ConnectError("Connection refused")


def test_a_server_that_restarts_is_waited_for() -> None:
    server = FakeServer()
    server.on("GET", "/submissions/s1", make_state(), refuse, refuse, make_ended("scored"))
    assert wait(server, Clock())["verdict"] == "scored"


def test_a_server_that_stays_away_is_given_up() -> None:
    server, clock = FakeServer(), Clock()
    server.on("GET", "/submissions/s1", make_state(), refuse)
    with pytest.raises(ServerUnreachable):
        wait(server, clock)
    assert 60 < clock.now < 70


def test_the_time_out_is_kept_and_pauses_grow() -> None:
    server, clock = FakeServer(), Clock()
    server.on("GET", "/submissions/s1", make_state())
    with pytest.raises(CommandFailed, match="has not ended after 100 s"):
        wait(server, clock, timeout=100)
    assert 90 < clock.now <= 100
    assert len(server.requests) < 45
