"""What a node says to a server, over what, and what it makes of the answers."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from core.domain.errors import Conflict, ContestError, InvalidInput, NotAuthenticated
from worker.agent import patience
from worker.agent.link import Link, ServerAway, check_address
from worker.agent.node import describe_skew
from worker.agent.patience import Standing

NOW = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.mark.parametrize("url", ["https://lacuna.example.org/", "http://127.0.0.1:8400", "http://localhost:1"])
def test_a_key_goes_over_https_or_stays_on_this_machine(url: str) -> None:
    assert check_address(url) == url.rstrip("/")


@pytest.mark.parametrize("url", ["lacuna.example.org", "ftp://x", "http://", "http://10.0.0.1:8400", "http://[::2]"])
def test_any_other_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        check_address(url)


def test_who_trusts_a_network_says_so() -> None:
    assert check_address("http://10.0.0.1:8400", allow_http=True) == "http://10.0.0.1:8400"


def ask(handler: Callable[[httpx2.Request], httpx2.Response]) -> None:
    Link("http://127.0.0.1:1", "lcn_x", transport=httpx2.MockTransport(handler)).fetch("lease", "0" * 64)


def answer(status: int, detail: str = "why") -> httpx2.Response:
    return httpx2.Response(status, json={"detail": detail, "request_id": "r"})


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, NotAuthenticated), (409, Conflict), (422, InvalidInput), (503, ServerAway), (429, ServerAway)],
)
def test_a_refusal_keeps_its_words_and_what_may_pass_is_told_apart(status: int, kind: type[ContestError]) -> None:
    with pytest.raises(kind, match="why"):
        ask(lambda _request: answer(status))


def test_a_server_of_another_kind_is_named() -> None:
    with pytest.raises(InvalidInput, match="does not answer like a Lacuna server"):
        ask(lambda _request: httpx2.Response(404, text="<h1>Not found</h1>"))


def test_a_certificate_that_is_not_trusted_is_no_outage() -> None:
    def fail(_request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate")

    with pytest.raises(InvalidInput, match="--ca FILE"):
        ask(fail)


def test_a_server_that_is_away_is_said_once_and_asked_until_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_PAUSE", 0.001)
    said: list[str] = []
    left = [ServerAway("no answer"), ServerAway("no answer"), ServerAway("no answer")]

    def act() -> str:
        if left:
            raise left.pop()
        return "here"

    assert Standing(said.append).call(act) == "here"
    assert said == ["no answer; trying again", "the server answers again"]


def test_a_node_that_is_to_end_asks_no_more() -> None:
    standing = Standing(lambda _line: None)
    standing.end("its key was revoked")
    standing.end("another reason")
    assert standing.call(lambda: json.loads("nothing")) is None
    assert standing.reason == "its key was revoked"


def test_clocks_that_differ_are_named_with_the_side() -> None:
    assert describe_skew(NOW, NOW + timedelta(seconds=5)) == ""
    assert "95 s ahead of the server's" in describe_skew(NOW, NOW + timedelta(seconds=95))
    assert "3 min behind the server's" in describe_skew(NOW, NOW - timedelta(minutes=3))
