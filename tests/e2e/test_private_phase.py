"""The end of a competition as its organizer clicks through it: disqualify, rejudge, close, score, preview, publish."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from cli.here.processes import LocalPlatform
from client.http import LacunaClient
from core.db.queries.users import set_role
from core.db.session import get_engine, transaction
from core.domain.access import Role
from core.domain.errors import NotFound
from core.problems import ProblemSpec
from tests.e2e.conftest import PASSWORD, TWO_BOXES, make_settings, make_small_problem
from tests.e2e.test_browser_journeys import SCORED_WITHIN, Reader
from tests.e2e.test_submit_to_leaderboard import finish, submit, wait_until_open

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
IDLE = b"def unlearning(net, retain_loader, forget_loader, val_loader):\n    return net\n"
PRIVATE = {
    "forget": {"kind": "random", "fraction": 0.1, "seed": 2**64 + 771},
    "split_seed": 2**64 + 772,
    "pool_seed": 2**64 + 773,
}
HERE = "/competitions/digits"


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalPlatform]:
    """With a budget that no busy neighbour can exhaust: this is about pages, not about the gate."""
    problem = make_small_problem().model_dump()
    problem["recipe"]["epochs"], problem["pools"]["replicas"] = 4, 16
    problem["evaluation"] |= TWO_BOXES | {"compute_budget": 1.0}
    spec = ProblemSpec.model_validate(problem | {"private": PRIVATE})
    with LocalPlatform(make_settings(tmp_path_factory.mktemp("private")), [spec]) as running:
        yield running


@pytest.fixture
def rival(platform: LocalPlatform) -> Iterator[LacunaClient]:
    with LacunaClient(platform.url) as client:
        client.register("rival", PASSWORD)
        client.create_token("rival", PASSWORD)
        yield client


@pytest.fixture
def organizer(browser: Browser, platform: LocalPlatform) -> Iterator[Reader]:
    reader = Reader(browser, platform.url)
    with transaction(get_engine(platform.settings.resolved_database_url)) as session:
        set_role(session, reader.name, Role.ORGANIZER)
    yield reader
    assert reader.complaints == []
    reader.page.context.close()


def moderate(organizer: Reader, submission_id: str, deed: str, reason: str) -> None:
    """On the page *Organize*."""
    row = organizer.page.get_by_role("row").filter(
        has=organizer.page.locator(f"a[href='/submissions/{submission_id}']")
    )
    row.get_by_text(deed).first.click()
    row.get_by_label("Reason").fill(reason)
    row.get_by_role("button", name=deed).click()


def rejudge(organizer: Reader, submission_id: str) -> None:
    """Once more, aside from the board, and then it counts."""
    page = organizer.page
    organizer.follow("Rejudges")
    organizer.fill({"Only these submissions (ids, spaces between them; empty: all)": submission_id})
    organizer.press("Show what it would do")
    organizer.fill({"Start, because": "a node had a broken disk"})
    organizer.press("Start")
    expect(page.get_by_role("heading", name="Rejudge", exact=True)).to_be_visible()
    deadline = time.monotonic() + SCORED_WITHIN / 1000
    while page.get_by_role("button", name="Promote").is_disabled():
        assert time.monotonic() < deadline, "the rejudge did not end"
        page.wait_for_timeout(1000)
        page.reload()
    organizer.fill({"Because": "compared"})
    organizer.press("Promote")
    expect(page.locator(".chip")).to_have_text("promoted")


def close(organizer: Reader) -> None:
    page = organizer.page
    page.goto(f"{HERE}/organize")
    page.get_by_label("Make it").select_option("closed")
    page.get_by_label("because", exact=True).first.fill("the end")
    organizer.press("Change")
    expect(page.locator(".chip.closed")).to_be_visible()


def score_privately(organizer: Reader) -> None:
    page = organizer.page
    page.get_by_role("link", name="Private phase").first.click()
    expect(page.locator(".chip").first).to_have_text("ready", timeout=SCORED_WITHIN)  # without a reload
    page.reload()
    organizer.fill({"Because": "the end"})
    organizer.press("Start the private scoring")
    expect(page.locator("#page")).to_contain_text("All 2 finalists have ended", timeout=SCORED_WITHIN)


def publish(organizer: Reader) -> None:
    """What was looked at, and nothing else."""
    page = organizer.page
    organizer.follow("Look at the preview and publish")
    expect(page.get_by_text("A preview for organizers")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="chosen.py")).to_be_visible()
    organizer.fill({"Because": "checked"})
    organizer.press("Publish this board")
    expect(page.get_by_text("A preview for organizers")).to_have_count(0)


def test_an_organizer_disqualifies_rejudges_scores_privately_and_publishes(
    platform: LocalPlatform, client: LacunaClient, rival: LacunaClient, organizer: Reader
) -> None:
    page = organizer.page
    wait_until_open(platform, client)
    chosen, other = submit(client, "chosen.py", IDLE), submit(rival, "other.py", IDLE + b"# mine\n")
    assert [finish(platform, client, chosen)["verdict"], finish(platform, rival, other)["verdict"]] == ["scored"] * 2
    client.select("digits", [chosen])

    page.goto(HERE)
    expect(page.locator("tr[id^=s-]")).to_have_count(2)
    organizer.follow("Organize")
    moderate(organizer, other, "Disqualify", "copied from the starter")
    assert rival.get_submission(other)["disqualified_reason"] == "copied from the starter"
    page.goto(HERE)
    expect(page.locator(f"#s-{other}")).to_have_count(0)
    organizer.follow("Organize")
    moderate(organizer, other, "Reinstate", "it is the starter")
    page.goto(HERE)
    expect(page.locator("tr[id^=s-]")).to_have_count(2)
    organizer.follow("Organize")
    rejudge(organizer, chosen)
    assert client.get_submission(chosen)["rejudged"]["reason"] == "a node had a broken disk"

    close(organizer)
    score_privately(organizer)
    with pytest.raises(NotFound):
        client.get_leaderboard("digits", phase="private")
    publish(organizer)
    final, public = client.get_leaderboard("digits"), client.get_leaderboard("digits", phase="public")
    assert {entry["submission_id"] for entry in final["entries"]} == {chosen, other}
    assert final["spec_digest"] != public["spec_digest"]

    page.goto(f"{HERE}/organize")
    moderate(organizer, other, "Disqualify", "it uses the test labels")
    page.goto(f"{HERE}/final")
    expect(page.get_by_text("It changed after it was published")).to_be_visible()
    assert [entry["submission_id"] for entry in client.get_leaderboard("digits", phase="private")["entries"]] == [
        chosen
    ]
    page.goto("/audit")
    expect(page.get_by_text("is intact").first).to_be_visible()
    for deed in ("private.publish", "rejudge.promote", "it uses the test labels"):
        expect(page.get_by_role("row").filter(has_text=deed).first).to_contain_text(organizer.name)
