"""The pages in a real browser."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select, update

from api.security import hash_token
from core.db.base import utc_now
from core.db.models.accounts import BrowserSession
from core.db.models.contests import Competition
from core.db.models.submissions import Evaluation, Scorecard, Shard, Submission
from core.db.queries import evaluations
from core.db.session import transaction
from core.domain.submission import Status, Verdict
from tests import factories
from tests.chromium import CHROMIUM, open_browser
from tests.integration.api.conftest import Site

pytestmark = pytest.mark.integration

PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    with open_browser() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails the test if the browser complains, about its policy among others."""
    page = browser.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    page.close()
    assert complaints == []


@pytest.fixture
def competition(site: Site) -> Competition:
    with transaction(site.engine) as session:
        competition = factories.make_competition(session, "digits")
        staff = factories.make_user(session, "staff", role="organizer")
        factories.make_scored(session, competition, factories.make_user(session, "ann"), 0.6)
        factories.make_scored(
            session, competition, staff, 0.97, runtime=1.0, purpose="reference", filename="retrain.py"
        )
        greedy = factories.make_user(session, "greedy")
        factories.make_scored(session, competition, greedy, 0.9, runtime=0.3, verdict="over_budget")
    return competition


def make_running(site: Site, competition: Competition) -> Submission:
    with transaction(site.engine) as session:
        row = factories.make_submission(session, competition, factories.make_user(session, "bob"))
        factories.make_evaluation(session, row, status="running", finished=3)
    return row


def test_the_board_reads_from_top_to_bottom(site: Site, competition: Competition, page: Page) -> None:
    page.goto(f"{site.url}/competitions/digits/leaderboard")
    rows = page.locator("table.board tbody th[scope=row] > :first-child")
    assert rows.all_text_contents()[1:] == ["retrain", "ann", "greedy"]
    assert page.locator("details.over").get_attribute("open") is None
    bar = page.locator("tr.ranked svg.bar .fill").bounding_box()
    assert bar is not None
    assert bar["width"] == pytest.approx(120, abs=1)


@pytest.mark.parametrize("path", ["/", "/competitions/digits", "/submissions/{id}"])
def test_no_page_is_wider_than_a_phone(site: Site, competition: Competition, page: Page, path: str) -> None:
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.goto(f"{site.url}/competitions/digits")
    link = page.locator("tr.ranked a").first.get_attribute("href") or ""
    page.goto(site.url + path.format(id=link.rsplit("/", 1)[-1]))
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_dark_and_light_differ_and_keep_their_contrast(site: Site, competition: Competition, page: Page) -> None:
    colors = set()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.goto(f"{site.url}/competitions/digits/leaderboard")
        colors.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(colors) == 2


def test_a_new_entry_appears_without_a_reload(site: Site, competition: Competition, page: Page) -> None:
    page.goto(f"{site.url}/competitions/digits/leaderboard")
    page.evaluate("window.stays = true")
    with transaction(site.engine) as session:
        factories.make_scored(session, competition, factories.make_user(session, "newcomer"), 0.8)
    expect(page.get_by_role("region", name="Lines of the board").get_by_role("link", name="newcomer")).to_be_visible(
        timeout=30_000
    )
    assert page.evaluate("window.stays")


def test_a_renewed_board_leaves_to_its_reader_what_is_typed_opened_and_focused(
    site: Site, competition: Competition, page: Page
) -> None:
    page.goto(f"{site.url}/competitions/digits/leaderboard")
    table = page.locator("#page details").first
    table.locator("summary").click()
    moment = page.get_by_label("The board as it stood at (UTC)")
    moment.fill("2026-11-01T12:00")
    page.get_by_role("link", name="All changes").focus()
    with transaction(site.engine) as session:
        factories.make_scored(session, competition, factories.make_user(session, "newcomer"), 0.8)
    expect(page.locator("table.board").get_by_role("link", name="newcomer")).to_be_visible(timeout=30_000)
    assert table.get_attribute("open") is not None
    assert moment.input_value() == "2026-11-01T12:00"
    assert page.evaluate("document.activeElement.textContent") == "All changes"


def test_a_table_renews_itself_around_a_reason_that_is_being_typed(site: Site, page: Page) -> None:
    with transaction(site.engine) as session:
        admin = factories.make_user(session, "root", role="admin")
        until = utc_now() + timedelta(days=1)
        session.add(BrowserSession(user_id=admin.id, secret_sha256=hash_token("cookie"), expires_at=until))
        factories.make_node(session, "m")
    page.context.add_cookies([{"name": "lacuna", "value": "cookie", "url": site.url}])
    page.goto(f"{site.url}/admin/nodes")
    reason = page.get_by_placeholder("reason")
    reason.press_sequentially("a broken")
    with transaction(site.engine) as session:
        factories.make_node(session, "a")  # comes to stand above
    expect(page.locator("tbody tr")).to_have_count(2, timeout=30_000)
    page.keyboard.type(" disk")
    assert page.locator("#node-m").get_by_placeholder("reason").input_value() == "a broken disk"


def test_a_submission_is_followed_to_its_end_without_a_reload(site: Site, competition: Competition, page: Page) -> None:
    row = make_running(site, competition)
    page.goto(f"{site.url}/submissions/{row.id}")
    page.evaluate("window.stays = true")
    expect(page.locator("#finished")).to_have_text("3")
    with transaction(site.engine) as session:
        session.execute(update(Shard).values(finished_replicas=200))
    expect(page.locator("#finished")).to_have_text("200", timeout=30_000)
    finish(site, row)
    expect(page.locator("#score")).to_be_visible(timeout=30_000)
    expect(page.locator("figure.plot svg")).to_have_count(2)
    expect(page.locator("#moves li").last).to_contain_text("scored")
    assert page.evaluate("window.stays")


def finish(site: Site, row: Submission) -> None:
    with transaction(site.engine) as session:
        loaded = evaluations.fetch_submission(session, row.id)
        assert loaded is not None
        evaluation: Evaluation = loaded.evaluations[0]
        evaluation.score, evaluation.score_low, evaluation.score_high = 0.5, 0.47, 0.53
        factories.make_scorecard(session, evaluation)
        evaluations.move(session, evaluation, Status.SCORING)
        evaluations.move(session, evaluation, Status.FINISHED, verdict=Verdict.SCORED)


def test_pages_tell_everything_without_scripts(site: Site, competition: Competition, browser: Browser) -> None:
    row = make_running(site, competition)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site.url}/submissions/{row.id}")
    assert page.locator("#finished").inner_text() == "3"
    page.goto(f"{site.url}/competitions/digits/leaderboard")
    assert page.locator("tr.ranked td.score .figure").inner_text() == "0.600"
    context.close()


def test_pointing_at_a_mark_tells_whose_it_is(site: Site, competition: Competition, page: Page) -> None:
    page.goto(f"{site.url}/competitions/digits/leaderboard")
    page.locator("svg[data-points] .mark.ranked .dot").first.hover()
    bubble = page.locator(".bubble")
    expect(bubble).to_contain_text("ann")
    expect(bubble).to_contain_text("score 0.600")
    page.mouse.move(1, 1)
    expect(bubble).to_be_hidden()


def test_a_chart_is_read_by_the_arrow_keys_alone(site: Site, competition: Competition, page: Page) -> None:
    page.goto(f"{site.url}/competitions/digits/leaderboard")
    charts = page.locator("svg[data-points]")
    charts.first.focus()
    bubble = page.locator(".chart").first.get_by_role("status")
    expect(bubble).to_be_hidden()
    told = []
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight", "Home", "End"):  # as dear as right
        page.keyboard.press(key)
        expect(bubble).to_be_visible()
        told.append(bubble.locator("strong").inner_text())
    assert told == ["ann", "greedy", "retrain.py", "retrain.py", "ann", "retrain.py"]
    page.keyboard.press("ArrowDown")  # the next worse one
    expect(bubble).to_contain_text("greedy")
    page.keyboard.press("Escape")
    expect(bubble).to_be_hidden()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_url("**/submissions/*")


def test_examples_of_a_score_are_read_by_the_arrow_keys_and_the_threshold_is_dragged(
    site: Site, competition: Competition, page: Page
) -> None:
    row = make_running(site, competition)
    finish(site, row)
    keep_examples(site)
    page.goto(f"{site.url}/submissions/{row.id}")
    heading = page.locator(".one-example h3")
    expect(heading).to_contain_text("Number 1 from the worst")
    page.locator("svg.dots").focus()
    for key, rank in (("ArrowRight", 2), ("End", 3), ("ArrowRight", 3), ("ArrowLeft", 2), ("Home", 1)):
        page.keyboard.press(key)
        expect(heading).to_contain_text(f"Number {rank} from the worst")
    expect(page.locator(".told")).to_contain_text("Number 1 from the worst")
    slider, rates = page.get_by_label("Threshold on the confidence"), page.locator(".one-example [role=status]")
    before = rates.inner_text()
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(rates).not_to_have_text(before)
    box = page.locator(".threshold").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"], box["y"] + 20)
    page.mouse.up()
    assert slider.input_value() == slider.get_attribute("max")


def keep_examples(site: Site) -> None:
    shared = {"label": "seven", "clean_label": "seven", "image": "", "attack": "one threshold", "words": "Above 2."}
    values = {"unlearned": [0.5, 1.0, 3.0, 4.0], "retrained": [0.0, 0.5, 1.0, 2.0]}
    with transaction(site.engine) as session:
        for card in session.scalars(select(Scorecard)):
            card.examples = [
                {"rank": rank, "example_id": rank, "epsilon": 3.0 / rank, **shared, **values} for rank in (1, 2, 3)
            ]


def test_markdown_is_read_beside_where_it_is_typed(site: Site, competition: Competition, page: Page) -> None:
    with transaction(site.engine) as session:
        until = utc_now() + timedelta(days=1)
        ann = factories.make_user(session, "a-reader")
        session.add(BrowserSession(user_id=ann.id, secret_sha256=hash_token("cookie"), expires_at=until))
    page.context.add_cookies([{"name": "lacuna", "value": "cookie", "url": site.url}])
    page.goto(f"{site.url}/competitions/digits/discussion")
    page.get_by_label("Text").fill("like **this** <img src=x onerror=alert(1)>")
    expect(page.locator(".reads strong")).to_have_text("this")
    assert page.locator(".reads img").count() == 0
    expect(page.get_by_role("button", name="Preview")).to_be_hidden()
    page.get_by_label("Text").fill("")
    expect(page.locator(".reads")).to_be_hidden()


def test_a_column_is_explained_on_a_tap_without_a_script(
    site: Site, competition: Competition, browser: Browser
) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{site.url}/competitions/digits/leaderboard")
        page.get_by_role("button", name="What Runtime means").click()
        expect(page.get_by_text("as a share of one retraining")).to_be_visible()
