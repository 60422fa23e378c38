"""Every page by axe-core, in both schemes and at both widths; by keyboard; and on a phone."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from fastapi.routing import APIRoute, iter_route_contexts
from playwright.sync_api import Browser, BrowserContext, Page, expect

from api.main import create_app
from core import jobs
from core.db.session import transaction
from core.settings import Settings
from tests import gallery
from tests.chromium import CHROMIUM, open_browser
from tests.integration.api.conftest import SilentBroker, Site, serve
from tests.looks import Look
from tests.screenshots import WIDTHS, open_context

pytestmark = pytest.mark.integration

GRAVE = ("minor", "moderate", "serious", "critical")
PHONES = (360, WIDTHS["phone"])  # the last is what stays
COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"]}  # all that another scheme can break
SIZES = {"runOnly": ["target-size", "scrollable-region-focusable", "color-contrast"]}  # that another width can
AXE = Axe().axe_script
RUN = """options => axe.run(document, options).then(found => found.violations.map(each => (
  { id: each.id, impact: each.impact, where: each.nodes.map(node => node.html.slice(0, 160)).join(' ') })))"""
FOCUS_RING = """() => {
  const style = getComputedStyle(document.activeElement);
  const box = document.activeElement.getBoundingClientRect();
  return { ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0,
           tag: document.activeElement.tagName, text: document.activeElement.outerHTML.slice(0, 80),
           seen: box.width > 0 && box.left >= 0 };
}"""

NAME_OF_FOCUS = """() => {
  const here = document.activeElement;
  return here.getAttribute('aria-label') || (here.labels && here.labels[0] ? here.labels[0] : here).innerText;
}"""


@dataclass
class Tour:
    site: Site
    looks: dict[str, Look]
    contexts: dict[str | None, BrowserContext]

    def visit(self, name: str) -> Page:
        look = self.looks[name]
        page = self.contexts[look.role].new_page()
        page.set_viewport_size({"width": WIDTHS["desktop"], "height": 900})
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        answer = page.goto(look.path, wait_until="load")
        assert answer is not None
        assert answer.status == look.status
        return page


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tour]:
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    patch = pytest.MonkeyPatch()
    patch.setattr(jobs, "celery_app", SilentBroker())
    with serve(Settings(data_folder=tmp_path_factory.mktemp("gallery"))) as site, open_browser() as browser:
        with transaction(site.engine) as session:
            filled = gallery.fill(session)
        roles = {look.role for look in filled.looks}
        contexts = {role: _open(browser, site, filled.secrets.get(role or "")) for role in roles}
        yield Tour(site, {look.name: look for look in filled.looks}, contexts)
    patch.undo()


def _open(browser: Browser, site: Site, secret: str | None) -> BrowserContext:
    return open_context(browser, site.url, secret=secret, width=WIDTHS["desktop"], scheme="light")


def find_faults(page: Page, options: dict[str, Any] | None = None) -> list[str]:
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found = page.evaluate(RUN, {"resultTypes": ["violations"], **(options or {})})
    return [f"{each['id']} ({each['impact']}): {each['where']}" for each in found if each["impact"] in GRAVE]


LOOKS = (
    *("home", "board", "board-own", "board-empty", "board-preparing", "runtime", "start", "login"),
    *("competition", "competition-own", "competition-preparing", "data", "entries", "announcements", "score"),
    *("board-found", "board-final", "home-own", "code"),
    *("register", "nothing"),
    *("account", "own-submissions", "submit", "team", "team-invited", "compare", "compare-nothing"),
    *("organize-submissions", "organize-settings", "organize-grant", "organize-announcements"),
    "organize-presentation",
    *("set-ups", "set-up", "set-up-name", "set-up-data", "set-up-request", "set-up-judging", "set-up-running"),
    *("organize", "audit", "changes", "rules", "rules-writing", "selection", "final", "private", "rejudges"),
    *("ledger", "ledger-of-team", "leaks", "final-preview", "private-scoring"),
    *("rejudge-plan", "rejudge-promoted", "rejudge-running"),
    *(
        "admin",
        "flags",
        "alike",
        "queue",
        "nodes",
        "costs",
        "data-sets",
        "data-set",
        "competition-form",
        "pools",
        "preview",
    ),
    *("notifications", "security", "confirm-mail", "unsubscribe"),
    *("provider", "provider-callback", "provider-name", "connect", "logged-out"),
    *("submission-second", "submission-queued", "submission-running", "submission-failed", "submission-rejected"),
    "submission-practised",
    "submission-ended",
    *("discussion", "discussion-empty", "thread", "thread-moderating", "inbox", "users", "reset", "new-password"),
    *("login-code", "factor", "factor-offer", "reference", "status", "profile", "team-profile"),
)


def test_the_tour_visits_every_page_of_the_site(tour: Tour, tmp_path: Path) -> None:
    app = create_app(Settings(data_folder=tmp_path))
    pages = {
        str(each.path)
        for each in iter_route_contexts(app.routes)
        if isinstance(each.route, APIRoute) and "GET" in each.route.methods and not each.route.include_in_schema
    }
    assert len(pages) > 10
    assert pages - {look.route for look in tour.looks.values()} == set()
    assert set(tour.looks) == set(LOOKS)


# scores beside one another are what these are for: they keep their columns and scroll in their frames
WIDE = (
    "board",
    "board-own",
    "board-found",
    "board-final",
    "board-preparing",
    "compare",
    "final",
    "final-preview",
    "runtime",
    "changes",
)
HIDDEN = """() => [...document.querySelectorAll('main table')].map(each => each.parentElement)
  .filter(each => each.scrollWidth > each.clientWidth + 1)
  .map(each => each.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize("name", LOOKS)
def test_a_page_keeps_nobody_out(tour: Tour, name: str) -> None:
    page = tour.visit(name)
    assert page.title().endswith(" · Lacuna")
    assert page.locator("h1").count() == 1
    faults = find_faults(page)
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    faults += find_faults(page, COLOURS)
    page.set_viewport_size({"width": WIDTHS["phone"], "height": 900})
    faults += find_faults(page, SIZES)
    assert faults == []
    for width in PHONES:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, width
    if name not in WIDE:
        assert page.evaluate(HIDDEN) == []
    page.close()


def test_a_page_that_keeps_somebody_out_is_found(tour: Tour) -> None:
    page = tour.visit("login")
    page.evaluate("document.querySelector('label').remove()")
    assert {fault.split()[0] for fault in find_faults(page)} >= {"label"}
    page.close()


@pytest.mark.parametrize("name", ["board-own", "submit", "account", "organize", "compare"])
def test_the_keyboard_reaches_everything_and_shows_where_it_is(tour: Tour, name: str) -> None:
    page = tour.visit(name)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    for _ in range(25):
        page.keyboard.press("Tab")
        now = page.evaluate(FOCUS_RING)
        if now["tag"] == "BODY":
            break
        assert now["ring"], now["text"]
        assert now["seen"], now["text"]
    page.close()


def test_a_notebook_is_shown_before_it_counts_and_stays_chosen(tour: Tour, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("# %%\n!pip install nothing\ndef unlearning(net, a, b, c):\n    return net\n")
    page = tour.visit("submit")
    page.get_by_label("File").set_input_files(path)
    page.get_by_role("button", name="Submit", exact=True).click()
    expect(page.get_by_text("Nothing was submitted yet")).to_be_visible()
    assert page.get_by_label("File").input_value().endswith("mine.py")
    assert find_faults(page) == []
    page.get_by_role("button", name="Submit", exact=True).click()
    expect(page.get_by_role("heading", name="mine.py")).to_be_visible()
    expect(page.locator("#queue")).to_contain_text("in the queue")
    page.close()


def test_the_skip_link_leads_past_the_navigation(tour: Tour) -> None:
    page = tour.visit("board")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")
    page.close()


def press_to(page: Page, name: str) -> None:
    """By Tab alone, to what a screen reader would call so; wherever it goes on the way, one sees where one is."""
    for _ in range(120):
        page.keyboard.press("Tab")
        now = page.evaluate(FOCUS_RING)
        assert now["tag"] != "BODY", f"{name} is nowhere"
        assert now["ring"], now["text"]
        if page.evaluate(NAME_OF_FOCUS).strip() == name:
            return
    raise AssertionError(f"{name} is too far away")


def test_a_participant_joins_a_team_and_makes_a_token_by_keyboard(tour: Tour) -> None:
    page = tour.visit("team-invited")
    press_to(page, "Join the others")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="the others")).to_be_visible()
    page.goto("/account")
    press_to(page, "Label")
    page.keyboard.type("laptop of the keyboard")
    press_to(page, "Make a token")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your new token")).to_be_visible()
    page.close()


def test_an_organizer_corrects_a_refused_setting_by_keyboard(tour: Tour) -> None:
    page = tour.visit("organize")
    page.goto("/competitions/empty/organize")  # the other one is over, and its deadline stands
    press_to(page, "Settings")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Settings", exact=True)).to_be_visible()
    press_to(page, "Members of a team")
    page.keyboard.type("7")
    press_to(page, "Because")
    page.keyboard.type("    ")  # long enough for the browser, and no reason
    press_to(page, "Save")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Because")).to_be_focused()
    assert find_faults(page) == []
    page.keyboard.type("teams asked for it")
    press_to(page, "Save")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The settings are saved.")).to_be_visible()
    expect(page.get_by_label("Members of a team")).to_have_value("7")
    page.close()


def test_on_a_phone_the_pages_of_staff_are_one_folded_line(tour: Tour) -> None:
    page = tour.visit("organize")
    page.set_viewport_size({"width": WIDTHS["phone"], "height": 900})
    staff = page.get_by_role("navigation", name="Staff")
    expect(staff.get_by_role("link", name="Settings")).to_have_count(0)
    staff.get_by_text("all staff pages").click()
    staff.get_by_role("link", name="Settings").click()
    expect(page.get_by_role("heading", name="Settings", exact=True)).to_be_visible()
    page.close()
