from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient


@pytest.mark.parametrize("path", ["/", "/api/v1/competitions", "/static/style.css", "/nothing"])
def test_every_answer_carries_a_strict_policy(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"


def test_a_request_id_of_the_caller_comes_back(client: TestClient) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": "abc-1"}).headers["x-request-id"] == "abc-1"


def test_a_request_id_that_could_forge_log_lines_is_replaced(client: TestClient) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": "a b{}"}).headers["x-request-id"] != "a b{}"


def test_a_body_that_declares_too_much_gets_413_and_is_dropped(client: TestClient) -> None:
    answer = client.post("/api/v1/users", content=b"x" * 1_000_000)
    assert (answer.status_code, answer.json()["code"]) == (413, "TOO_LARGE")


def test_a_body_that_does_not_tell_its_size_is_cut_off_at_the_limit(client: TestClient) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(100):
            yield b"x" * 10_000

    answer = client.post("/api/v1/users", content=endless(), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "TOO_LARGE")


def test_pages_load_nothing_from_elsewhere(client: TestClient) -> None:
    text = client.get("/").text
    assert "http://" not in text
    assert "https://" not in text
