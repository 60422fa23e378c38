"""docs/guides/admin.md, followed on the pages with the files printed there, on the real platform."""

import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from cli.here.processes import LocalPlatform
from client.http import LacunaClient
from core.db.queries.users import set_role
from core.db.session import get_engine, transaction
from core.domain.access import Role
from core.domain.errors import RequestRefused
from core.starter import STARTER
from tests.e2e.conftest import PASSWORD, make_settings, wait

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
GUIDE = (Path(__file__).parents[2] / "docs/guides/admin.md").read_text()
WITHIN = 240_000  # milliseconds, on a machine that does other things too


def read_block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalPlatform]:
    with LocalPlatform(make_settings(tmp_path_factory.mktemp("platform")), []) as running:
        yield running


@pytest.fixture
def page(browser: Browser, platform: LocalPlatform) -> Iterator[Page]:
    """An admin who is logged in."""
    with LacunaClient(platform.url) as client:
        client.register("root", PASSWORD)
    with transaction(get_engine(platform.settings.resolved_database_url)) as session:
        set_role(session, "root", Role.ADMIN)
    context = browser.new_context(base_url=platform.url)
    page = context.new_page()
    page.goto("/login")
    page.get_by_label("Name").fill("root")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    yield page
    context.close()


def upload(page: Page, path: Path) -> None:
    page.goto("/admin/data-sets")
    page.get_by_label("Data set", exact=True).fill("shapes")
    page.get_by_label("Format", exact=True).select_option("npz")
    page.get_by_label("File").set_input_files(path)
    page.get_by_role("button", name="Upload").click()
    expect(page.locator(".chip.ready")).to_be_visible(timeout=WITHIN)
    expect(page.locator(".samples img").first).to_have_js_property("naturalWidth", 8)


def apply(page: Page, text: str) -> None:
    page.goto("/admin")
    page.get_by_label("Or its text").fill(text)
    page.get_by_role("button", name="Show what would change").click()
    expect(page.get_by_text("split.seed")).to_be_visible()
    page.get_by_role("button", name="Apply", exact=True).click()
    preview(page)
    page.goto("/admin")
    page.get_by_role("button", name="Prepare").click()
    expect(page.get_by_text("Retrained pool")).to_be_visible(timeout=WITHIN)
    expect(page.locator(".chip.open")).to_be_visible(timeout=WITHIN)
    expect(page.get_by_text("processor seconds").first).to_be_visible()


def preview(page: Page) -> None:
    page.goto("/admin/competitions/shapes/preview")
    page.get_by_role("button", name="Look").click()
    expect(page.get_by_text("48 examples are to be forgotten")).to_be_visible(timeout=WITHIN)
    expect(page.locator(".samples img").first).to_have_js_property("naturalWidth", 8)


def check_form(page: Page) -> None:
    """What was applied from a file is what the form says, and pools are what was sealed."""
    page.goto("/admin/competitions/new?start=competition:shapes")
    expect(page.get_by_label("Share of them").first).to_have_value("0.1")
    page.get_by_role("button", name="Show what would change").click()
    expect(page.get_by_text("Nothing changes.")).to_be_visible()
    page.goto("/admin/competitions/shapes/pools")
    page.get_by_role("button", name="Verify every digest").click()
    expect(page.get_by_text("as it was sealed")).to_have_count(3)


def revoke(page: Page) -> None:
    page.goto("/admin/data-sets/shapes/1")
    page.get_by_text("Revoke this version").click()
    page.get_by_label("because").fill("one person objected")
    page.get_by_role("button", name="Revoke for good").click()
    expect(page.locator(".chip.revoked")).to_be_visible()


def test_an_admin_sets_up_a_hidden_problem_and_takes_its_data_back(
    platform: LocalPlatform, page: Page, client: LacunaClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "make.py").write_text(read_block("python"))
    runpy.run_path("make.py")
    upload(page, tmp_path / "shapes.npz")
    apply(page, read_block("toml"))
    check_form(page)
    assert "shapes@" not in str(client.get_competition("shapes"))
    client.accept_rules("shapes", 1)
    source = STARTER.read_text().replace("EPOCHS = 3", "EPOCHS = 1").encode()
    submission = str(client.submit("shapes", "submission.py", source)["id"])
    wait(platform, lambda: client.get_submission(submission)["status"] == "finished")
    scored = client.get_submission(submission)
    assert (scored["verdict"], scored["relative_runtime"] < 0.5) == ("scored", True)  # the guide's own gate
    revoke(page)
    with pytest.raises(RequestRefused, match="revoked"):
        client.submit("shapes", "submission.py", source + b"\n")
