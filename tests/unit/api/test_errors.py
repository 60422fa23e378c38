from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from api.errors import STATUS_OF_ERROR
from core.domain.errors import ContestError

SHAPE = {"type", "title", "status", "detail", "instance", "code", "request_id", "errors"}


def iter_errors(root: type[ContestError] = ContestError) -> Iterator[type[ContestError]]:
    yield root
    for child in root.__subclasses__():
        yield from iter_errors(child)


@pytest.mark.parametrize("error", list(iter_errors()), ids=lambda error: error.__name__)
def test_every_domain_error_has_its_status(error: type[ContestError]) -> None:
    if error.__module__.startswith("core.domain"):
        assert error in STATUS_OF_ERROR


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/nothing", 404, "NOT_FOUND"),
        ("GET", "/api/v1/competitions/none", 404, "NOT_FOUND"),
        ("PUT", "/api/v1/competitions", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/api/v1/me", 401, "NOT_AUTHENTICATED"),
        ("POST", "/api/v1/users", 422, "INVALID_INPUT"),
    ],
)
def test_errors_have_one_shape(client: TestClient, method: str, path: str, status: int, code: str) -> None:
    answer = client.request(method, path)
    body = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(body) == SHAPE
    assert (answer.status_code, body["status"], body["code"], body["instance"]) == (status, status, code, path)
    assert body["request_id"] == answer.headers["x-request-id"]


def test_refused_values_are_named_by_json_pointers(client: TestClient) -> None:
    body = client.post("/api/v1/users", json={"name": "a b", "password": "short"}).json()
    assert [error["pointer"] for error in body["errors"]] == ["/name", "/password"]


def test_a_refused_password_is_not_repeated(client: TestClient) -> None:
    answer = client.post("/api/v1/users", json={"name": "ann", "password": "tiny7!"})
    assert answer.status_code == 422
    assert "tiny7!" not in answer.text


def test_what_nobody_expected_is_a_500_without_a_traceback(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("api.competitions.service.competitions.fetch_competitions", explode)
    answer = client.get("/api/v1/competitions")
    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL_ERROR")
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["content-security-policy"]


def test_a_fault_of_the_platform_does_not_name_its_folders(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.domain.errors import PlatformFault

    def fail(*_: object) -> None:
        raise PlatformFault("cannot write to the store /secret/place")

    monkeypatch.setattr("api.competitions.service.competitions.fetch_competitions", fail)
    answer = client.get("/api/v1/competitions")
    assert (answer.status_code, answer.json()["code"]) == (503, "PLATFORM_FAULT")
    assert "/secret/place" not in answer.text


def test_a_browser_gets_a_page(client: TestClient) -> None:
    answer = client.get("/competitions/none", headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "<h1>Not Found</h1>" in answer.text


def test_an_error_page_escapes_what_it_repeats(client: TestClient) -> None:
    answer = client.get("/competitions/<script>", headers={"Accept": "text/html"})
    assert "&lt;script&gt;" in answer.text
    assert "<script>" not in answer.text


def test_the_api_answers_a_browser_with_problem_json_too(client: TestClient) -> None:
    answer = client.get("/api/v1/nothing", headers={"Accept": "text/html"})
    assert answer.headers["content-type"] == "application/problem+json"
