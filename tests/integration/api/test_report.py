"""The report in a real browser: as served, as a file without a network, on a phone, in the dark."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, Request

from core.db.session import transaction
from core.domain.submission import Verdict
from core.storage import FolderStore
from tests import factories
from tests.integration.api.conftest import Site
from tests.integration.api.test_pages import PHONE, browser
from tests.unit.worker.reports import describe_tiny
from worker.report.page import Report, render_report

__all__ = ["browser"]  # the fixture, for this module too

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def html() -> str:
    _, record, detail = describe_tiny()
    return render_report(Report("mine.py", "Tiny digits", Verdict.SCORED, record=record, detail=detail))


@pytest.fixture
def file(html: str, tmp_path: Path) -> str:
    path = tmp_path / "report.html"
    path.write_text(html, encoding="utf-8")
    return path.as_uri()


class Watched:
    """A page that keeps what the browser complained about, its policy's violations too, and what it asked for."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.addresses: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._keep)

    def _keep(self, request: Request) -> None:
        if not request.url.startswith("data:"):
            self.addresses.append(request.url)


@pytest.fixture
def offline(browser: Browser) -> Iterator[Watched]:
    context = browser.new_context(offline=True, java_script_enabled=True)
    watched = Watched(context.new_page())
    yield watched
    context.close()
    assert watched.complaints == []


def test_the_file_works_without_a_network_and_asks_for_nothing(offline: Watched, file: str) -> None:
    offline.page.goto(file)
    assert offline.addresses == [file]
    images = offline.page.locator("img")
    assert images.count() == 9
    assert images.evaluate_all("all => all.every(image => image.complete && image.naturalWidth === 8)")


def test_the_file_fits_a_phone(offline: Watched, file: str) -> None:
    offline.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    offline.page.goto(file)
    for summary in offline.page.locator("summary").all():
        summary.click()
    assert offline.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_text_in_pictures_can_be_read_on_a_phone(offline: Watched, file: str) -> None:
    offline.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    offline.page.goto(file)
    labels = offline.page.locator(".plot svg text")
    heights = labels.evaluate_all("all => all.map(label => label.getBoundingClientRect().height)")
    assert min(heights) > 9


def test_light_and_dark_differ_and_text_keeps_its_contrast(offline: Watched, file: str) -> None:
    colors = {}
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        offline.page.emulate_media(color_scheme=scheme)
        offline.page.goto(file)
        colors[scheme] = offline.page.evaluate(
            """() => ['body', '.note', 'a', '.kicker'].map(name => {
                const style = getComputedStyle(document.querySelector(name))
                return style.color
            }).concat(getComputedStyle(document.body).backgroundColor)"""
        )
    assert colors["light"] != colors["dark"]
    for *inks, paper in colors.values():
        assert min(measure_contrast(ink, paper) for ink in inks) >= 4.5


def measure_contrast(first: str, second: str) -> float:
    """WCAG contrast of two `rgb(r, g, b)` colours."""

    def luminance(color: str) -> float:
        parts = [float(part) / 255 for part in color.removeprefix("rgb(").removesuffix(")").split(",")]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def test_tables_stand_beside_pictures_for_those_who_open_them(offline: Watched, file: str) -> None:
    offline.page.goto(file)
    table = offline.page.get_by_role("region", name="Points by bucket")
    assert not table.is_visible()
    offline.page.locator("#points ~ details summary").click()
    assert table.is_visible()
    assert "0.6250" in table.inner_text()


def test_the_served_report_is_the_same_file_and_breaks_no_policy(
    site: Site, browser: Browser, html: str, tmp_path: Path
) -> None:
    digest = FolderStore(tmp_path / "store").put(html.encode())
    with transaction(site.engine) as session:
        competition = factories.make_competition(session, "digits")
        ann = factories.make_user(session, "ann")
        row = factories.make_scored(session, competition, ann, 0.6, report_digest=digest)
    page = browser.new_page()
    page.goto(f"{site.url}/submissions/{row.id}")
    address = site.url + (page.get_by_role("link", name="Read the report").get_attribute("href") or "")
    page.close()
    watched = Watched(browser.new_page())
    watched.page.goto(address)
    assert watched.page.locator("h1").inner_text() == "mine.py"
    assert watched.page.locator("img").first.evaluate("image => image.naturalWidth") == 8
    assert watched.page.locator("main").evaluate("main => getComputedStyle(main).maxWidth") == "960px"
    watched.page.get_by_role("link", name="difficulty").click()
    assert watched.page.locator("#difficulty").bounding_box() is not None
    assert {name.partition("#")[0] for name in watched.addresses} == {address}
    # the sandbox stops scripts, those of the test's own driver too
    assert [line for line in watched.complaints if not line.startswith("Blocked script execution")] == []
    assert watched.page.request.get(address).text() == html
    watched.page.close()
