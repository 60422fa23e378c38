"""Logging out where a provider let one in."""

from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient

from api.users import provider as provider_module
from core.settings import Settings
from tests.unit.api.users.oidc import CLIENT, OidcProvider


@pytest.fixture(autouse=True)
def nothing_is_known_of_earlier_providers() -> None:
    provider_module._ways_out.clear()


@pytest.fixture
def visitor(visitor: TestClient, provider: OidcProvider) -> TestClient:
    """Somebody whom the provider let in."""
    asked = visitor.get("/login/provider").headers["location"]
    visitor.get("/login/provider/callback", params=provider.log_in(asked, "s1"))
    assert visitor.post("/login/provider/name", data={"name": "ann"}).status_code == 303
    return visitor


def test_the_way_out_leads_past_the_provider(visitor: TestClient, provider: OidcProvider) -> None:
    provider.document["end_session_endpoint"] = f"{provider.issuer}/leave?tenant=1"
    answer = visitor.post("/logout")
    assert (answer.status_code, answer.headers["location"]) == (303, "/logout/provider")
    assert visitor.get("/api/v1/me").status_code == 401
    page = visitor.get("/logout/provider").text
    assert "Log out of The Academy, too" in page
    place = next(part for part in page.split('"') if "/leave" in part).replace("&amp;", "&")
    query = parse_qs(urlsplit(place).query)
    assert query == {"tenant": ["1"], "client_id": [CLIENT], "post_logout_redirect_uri": ["https://lacuna.example/"]}


def test_whoever_asks_for_the_way_out_again_and_again_asks_the_provider_once(
    visitor: TestClient, provider: OidcProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.document["end_session_endpoint"] = f"{provider.issuer}/leave"
    pages = {visitor.get("/logout/provider").text.count("/leave?")}
    provider.document["end_session_endpoint"] = f"{provider.issuer}/elsewhere"
    pages |= {visitor.get("/logout/provider").text.count("/leave?") for _ in range(2)}
    assert pages == {1}
    monkeypatch.setattr(provider_module, "WAY_OUT_SECONDS", 0.0)
    provider_module._ways_out.clear()
    assert ["/elsewhere?" in visitor.get("/logout/provider").text for _ in range(2)] == [True, True]


def test_a_provider_without_such_a_place_is_only_named(visitor: TestClient) -> None:
    visitor.post("/logout")
    page = visitor.get("/logout/provider").text
    assert "Log out there, too" in page
    assert "Log out of The Academy" not in page


def test_logging_out_does_not_wait_for_a_provider_that_is_away(
    visitor: TestClient, provider: OidcProvider, settings: Settings
) -> None:
    provider.document["issuer"] = "https://somebody.else"
    assert visitor.post("/logout").status_code == 303
    assert visitor.get("/logout/provider").status_code == 200


def test_an_end_that_is_not_encrypted_is_not_led_to(visitor: TestClient, provider: OidcProvider) -> None:
    provider.document["end_session_endpoint"] = "http://academy.example/leave"
    assert "academy.example" not in visitor.get("/logout/provider").text


def test_whom_a_password_let_in_is_out_at_once(visitor: TestClient) -> None:
    visitor.cookies.clear()
    form = {"name": "bob", "password": "correct horse"}
    assert visitor.post("/register", data=form).status_code == 303
    assert visitor.post("/logout").headers["location"] == "/"


def test_the_last_way_in_stays_and_the_page_says_why(visitor: TestClient) -> None:
    page = visitor.get("/account/security").text
    assert "cannot be disconnected" in page
    (identity,) = [part.split("/")[3] for part in page.split('"') if part.startswith("/account/identities/0")]
    answer = visitor.post(f"/account/identities/{identity}/remove")
    assert answer.status_code == 409
    assert "nobody could log in" in answer.text
    assert "Where you are logged in" in answer.text
