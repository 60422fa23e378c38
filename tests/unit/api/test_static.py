"""What pages load: once, compressed, and never a page of somebody logged in."""

import re
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from api.static import FOR_A_WHILE, FOR_EVER, STATIC_FOLDER, make_address
from tests.unit.api.conftest import Login

HTML = {"Accept": "text/html"}


def test_every_file_that_a_page_loads_is_kept_for_ever_and_compressed(client: TestClient) -> None:
    text = client.get("/", headers=HTML).text
    loaded = re.findall(r'(?:href|src)="(/static/[^"]+\.(?:css|js)[^"]*)"', text)
    assert len(loaded) >= 3
    for address in loaded:
        answer = client.get(address)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, FOR_EVER)
        large = len(answer.content) >= 1000
        assert (answer.headers.get("content-encoding") == "gzip") is large


def test_a_file_without_its_digest_is_asked_for_again_soon(client: TestClient) -> None:
    assert client.get("/static/style.css").headers["cache-control"] == FOR_A_WHILE
    assert "cache-control" not in client.get("/static/none.css").headers
    tag = client.get("/static/style.css").headers["etag"]
    assert client.get("/static/style.css", headers={"If-None-Match": tag}).status_code == 304


def test_the_address_changes_with_the_content() -> None:
    assert re.fullmatch(r"/static/style\.css\?v=[0-9a-f]{12}", make_address("style.css"))
    assert make_address("style.css") != make_address("people.css")
    assert (STATIC_FOLDER / "people.css").exists()


@pytest.mark.parametrize("kind", ["cookie", "authorization"])
def test_a_page_of_somebody_logged_in_is_not_compressed(
    client: TestClient, login: Callable[..., Login], kind: str
) -> None:
    assert client.get("/", headers=HTML).headers.get("content-encoding") == "gzip"
    headers = HTML | (login("ann").headers if kind == "authorization" else {"Cookie": "lacuna=x"})
    assert "content-encoding" not in client.get("/", headers=headers).headers
