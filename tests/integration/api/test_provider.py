"""Logging in by a provider in a real browser, from the first click to the last."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.chromium import CHROMIUM, open_browser
from tests.integration.api.conftest import Site
from tests.ports import find_free_port
from tests.unit.api.users.oidc import CLIENT, SECRET, OidcProvider

pytestmark = pytest.mark.integration
PASSWORD = "correct horse battery"


@pytest.fixture
def provider() -> Iterator[OidcProvider]:
    provider = OidcProvider(inside="ann")
    provider.start()
    provider.document["end_session_endpoint"] = f"{provider.issuer}/leave"
    yield provider
    provider.stop()


@pytest.fixture
def page(start_site: Callable[..., Site], provider: OidcProvider) -> Iterator[Page]:
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    port = find_free_port()
    site = start_site(
        api_port=port,
        oidc_issuer=provider.issuer,
        oidc_client_id=CLIENT,
        oidc_client_secret=SECRET,
        oidc_name="The Academy",
    )
    with open_browser() as browser:
        page = browser.new_context(base_url=site.url).new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        yield page
        assert complaints == []


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def follow(page: Page, name: str) -> None:
    page.get_by_role("link", name=name, exact=True).first.click()


def test_in_by_the_provider_under_a_chosen_name_and_out_at_both(page: Page, provider: OidcProvider) -> None:
    page.goto("/login")
    follow(page, "Log in with The Academy")
    page.get_by_label("Name").fill("ada")
    page.get_by_role("button").last.click()
    expect(page.get_by_role("link", name="ada")).to_be_visible()
    press(page, "Log out")
    follow(page, "Log out of The Academy, too")
    expect(page.get_by_role("link", name="Log in", exact=True)).to_be_visible()
    assert [each["client_id"] for each in provider.left] == [CLIENT]
    page.goto("/login")
    follow(page, "Log in with The Academy")
    expect(page.get_by_role("link", name="ada")).to_be_visible()


def test_an_account_with_a_password_is_connected_and_disconnected(page: Page, provider: OidcProvider) -> None:
    page.goto("/register")
    page.get_by_label("Name").fill("bob")
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Register")
    follow(page, "bob")
    follow(page, "Security")
    expect(page.get_by_text("Not connected")).to_be_visible()
    follow(page, "Connect The Academy")
    page.get_by_role("button", name="Connect").click()
    expect(page.get_by_role("button", name="Disconnect ann")).to_be_visible()
    press(page, "Log out")
    page.goto("/login")
    follow(page, "Log in with The Academy")
    expect(page.get_by_role("link", name="bob")).to_be_visible()
    page.goto("/account/security")
    page.get_by_role("button", name="Disconnect ann").click()
    expect(page.get_by_text("Not connected")).to_be_visible()
