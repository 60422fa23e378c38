import httpx2
import pytest

from client.http import LacunaClient, ServerUnreachable
from client.problem_details import read_retry_after
from core.domain.errors import (
    Conflict,
    ContestError,
    InvalidInput,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    PlatformFault,
    QuotaExceeded,
    TooLarge,
)
from tests.unit.cli.fakes import FakeServer, make_problem, make_state


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


def test_a_new_token_is_used_for_the_next_call(server: FakeServer) -> None:
    server.on("POST", "/tokens", {"token": "fresh"})
    server.on("GET", "/submissions/s1", make_state())
    client = server.client(None)
    assert client.create_token("ada", "password") == "fresh"
    client.get_submission("s1")
    assert server.requests[-1].headers["Authorization"] == "Bearer fresh"


def test_an_upload_carries_file_note_purpose_and_key(server: FakeServer) -> None:
    server.on("POST", "/competitions/digits/submissions", make_state())
    server.client().submit("digits", "a.py", b"code here", note="first", purpose="reference", key="k1")
    request = server.requests[-1]
    assert request.headers["Idempotency-Key"] == "k1"
    for part in (b"code here", b'filename="a.py"', b"first", b"reference"):
        assert part in request.content


def test_an_upload_that_is_repeated_keeps_its_key_and_content(server: FakeServer) -> None:
    server.on("POST", "/competitions/digits/submissions", make_problem(503, "busy"), make_state())
    assert server.client().submit("digits", "a.py", b"code")["id"] == "s1"
    first, second = server.requests
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
    assert b"code" in second.content


def test_an_account_is_never_asked_for_twice(server: FakeServer) -> None:
    server.on("POST", "/users", make_problem(503, "busy"))
    with pytest.raises(PlatformFault):
        server.client().register("ada", "password")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, NotAuthenticated),
        (403, NotAllowed),
        (404, NotFound),
        (409, Conflict),
        (413, TooLarge),
        (422, InvalidInput),
        (429, QuotaExceeded),
        (500, PlatformFault),
    ],
)
def test_a_problem_document_becomes_the_error_it_was(server: FakeServer, status: int, kind: type[ContestError]) -> None:
    server.on("GET", "/competitions/digits", make_problem(status, "what is wrong"))
    with pytest.raises(kind) as caught:
        server.client().get_competition("digits")
    assert type(caught.value) is kind
    assert caught.value.message == "what is wrong"
    assert len(server.requests) == 1


def test_a_missing_token_comes_with_the_way_to_get_one(server: FakeServer) -> None:
    server.on("GET", "/submissions", make_problem(401, "needs an account"))
    with pytest.raises(NotAuthenticated) as caught:
        server.client().list_submissions()
    assert "lacuna login" in caught.value.hint  # type: ignore[attr-defined]


def test_an_error_that_is_no_problem_document_is_still_one_line(server: FakeServer) -> None:
    server.on("GET", "/competitions/digits", httpx2.Response(500, text="<html>\nboom\n</html>"))
    with pytest.raises(PlatformFault, match="answered 500"):
        server.client().get_competition("digits")


def test_an_answer_that_is_not_json_is_refused(server: FakeServer) -> None:
    server.on("GET", "/competitions/digits", httpx2.Response(200, text="welcome to the router"))
    with pytest.raises(PlatformFault, match="does not answer like a Lacuna server"):
        server.client().get_competition("digits")


def test_a_gateway_error_is_repeated_until_it_passes(server: FakeServer) -> None:
    busy = make_problem(502, "busy")
    server.on("GET", "/competitions/digits", busy, busy, {"slug": "digits"})
    assert server.client().get_competition("digits")["slug"] == "digits"


def test_repeating_ends_with_the_servers_own_words(server: FakeServer) -> None:
    server.on("GET", "/competitions/digits", make_problem(503, "still busy"))
    with pytest.raises(PlatformFault, match="still busy"):
        server.client().get_competition("digits")
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    ("status", "named", "expected"),
    [
        (429, "7", (7, 8)),
        (429, None, None),
        (429, "86400", None),
        (503, None, (0, 0)),
        (409, "1", (1, 2)),
        (404, "7", None),
        (422, None, None),
    ],
)
def test_a_pause_follows_what_the_server_asks_for(
    status: int, named: str | None, expected: tuple[float, float] | None
) -> None:
    response = httpx2.Response(status, headers={"Retry-After": named} if named else {})
    pause = read_retry_after(response)
    if expected is None:
        assert pause is None
    else:
        assert pause is not None
        assert expected[0] <= pause <= expected[1]


def test_nobody_at_the_address_is_said_at_once_with_a_cure() -> None:
    calls = []

    def refuse(request: httpx2.Request) -> httpx2.Response:
        calls.append(request)
        raise httpx2.ConnectError("[Errno 111] Connection refused")

    client = LacunaClient("http://127.0.0.1:1", transport=httpx2.MockTransport(refuse))
    with pytest.raises(ServerUnreachable, match="connection refused") as caught:
        client.list_competitions()
    assert "lacuna up" in caught.value.hint
    assert len(calls) == 1


def test_a_broken_connection_is_repeated(server: FakeServer) -> None:
    def drop(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadError("gone")

    server.on("GET", "/competitions/digits", drop, {"slug": "digits"})
    assert server.client().get_competition("digits")["slug"] == "digits"


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://host", "http://"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="not a server address"):
        LacunaClient(url)


def test_a_list_is_read_page_by_page(server: FakeServer) -> None:
    server.on(
        "GET",
        "/submissions",
        {"items": [make_state(id="s1")], "next_cursor": "c"},
        {"items": [make_state(id="s2")], "next_cursor": None},
    )
    assert [item["id"] for item in server.client().list_submissions()] == ["s1", "s2"]
    assert server.requests[-1].url.params["cursor"] == "c"
