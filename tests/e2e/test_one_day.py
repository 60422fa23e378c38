"""A whole competition of one day on the pages: from nothing, in five steps, to winners that every page names."""

import re
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from cli.here.processes import LocalPlatform
from client.http import LacunaClient
from core.db.queries.users import set_role
from core.db.session import get_engine, transaction
from core.domain.access import Role
from core.domain.errors import NotFound
from core.starter import STARTER
from tests.e2e.conftest import make_settings
from tests.e2e.test_browser_journeys import SCORED_WITHIN, Reader

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
IDLE = "def unlearning(net, retain_loader, forget_loader, val_loader):\n    return net\n"
HERE = "/competitions/digits"
ROWS = "tr[id^=s-]"


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalPlatform]:
    with LocalPlatform(make_settings(tmp_path_factory.mktemp("day")), []) as running:
        yield running


@pytest.fixture
def organizer(browser: Browser, platform: LocalPlatform) -> Iterator[Reader]:
    """An admin, who alone may set a competition up."""
    reader = Reader(browser, platform.url)
    with transaction(get_engine(platform.settings.resolved_database_url)) as session:
        set_role(session, reader.name, Role.ADMIN)
    yield reader
    assert reader.complaints == []
    reader.page.context.close()


def set_up(organizer: Reader) -> None:
    """With numbers so small that a day takes a minute, and a budget that no busy neighbour can exhaust."""
    page = organizer.page
    page.goto("/admin")
    organizer.follow("Set up a competition")
    page.get_by_label("Begin with").select_option("problem:digits")
    organizer.press("Begin")
    organizer.fill({"Title": "One day"})
    organizer.press("Save and go on")
    page.locator("fieldset").filter(has_text="Training recipe").get_by_text("Advanced").click()
    organizer.fill({"Epochs": "many"})
    organizer.press("Save and go on")
    expect(page.get_by_label("Epochs", exact=True)).to_be_focused()
    expect(page.get_by_text("This must be a whole number.", exact=True)).to_be_visible()
    organizer.complaints.clear()  # the browser reports the refused form
    organizer.fill({"Epochs": "4"})
    organizer.press("Save and go on")
    expect(page.get_by_role("heading", name="What must go")).to_be_visible()
    organizer.press("Save for later")
    organizer.follow("One day")
    organizer.follow("4 Judging")
    organizer.fill({"Retrained models": "16", "Replicas of a submission": "16", "Compute budget": "1.0"})
    page.locator("fieldset").filter(has_text="Of them in").first.get_by_text("Advanced").click()
    organizer.fill(
        {"Of them in the canary": "4", "Of them in a shard, at most": "10", "Replicas of a calibration": "2"}
    )
    organizer.press("Save and go on")
    page.get_by_label(re.compile("Another forget request")).check()
    page.get_by_label("Which examples must go").select_option("random")
    organizer.fill({"Share of them": "0.1", "Rules": "Be *fair*."})
    organizer.press("Save and look it over")
    organizer.press("Make it")
    expect(page.get_by_text("The competition is made.")).to_be_visible()


def move(organizer: Reader, state: str) -> None:
    page = organizer.page
    page.goto(f"{HERE}/organize")
    page.get_by_label("Make it").select_option(state)
    page.get_by_label("because", exact=True).first.fill("its time has come")
    organizer.press("Change")
    expect(page.get_by_text(f"The competition is {state} now.")).to_be_visible()


def enter(browser: Browser, platform: LocalPlatform, team: str) -> Reader:
    """Somebody who registers, accepts the rules and makes a team."""
    reader = Reader(browser, platform.url)
    page = reader.page
    page.goto(HERE)
    expect(page.locator(".chip.open")).to_be_visible(timeout=SCORED_WITHIN)
    page.goto(f"{HERE}/rules")
    reader.press("I accept version 1")
    page.goto(f"{HERE}/team")
    reader.fill({"Name": team})
    reader.press("Make it")
    expect(page.get_by_role("heading", name=team)).to_be_visible()
    return reader


def submit(reader: Reader, path: Path, source: str) -> str:
    """The id, once it is scored."""
    path.write_text(source)
    reader.submit(path)
    expect(reader.page.locator("#status")).to_have_text("scored", timeout=SCORED_WITHIN)
    return reader.page.url.rsplit("/", 1)[1]


def moderate(organizer: Reader, submission_id: str, deed: str, reason: str) -> None:
    page = organizer.page
    page.goto(f"{HERE}/organize/submissions")
    row = page.get_by_role("row").filter(has=page.locator(f"a[href='/submissions/{submission_id}']"))
    row.get_by_text(deed).first.click()
    row.get_by_label("Reason").fill(reason)
    row.get_by_role("button", name=deed).click()


def rejudge(organizer: Reader, submission_id: str) -> None:
    """Once more, aside from the board, and then it counts."""
    page = organizer.page
    page.goto(f"{HERE}/organize")
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


def score_privately(organizer: Reader, finalists: int) -> None:
    page = organizer.page
    organizer.follow("Private phase")
    expect(page.locator(".chip").first).to_have_text("ready", timeout=SCORED_WITHIN)  # without a reload
    page.reload()
    organizer.fill({"Because": "the end"})
    organizer.press("Start the private scoring")
    expect(page.locator("#page")).to_contain_text(f"All {finalists} finalists have ended", timeout=SCORED_WITHIN)


def publish(organizer: Reader) -> None:
    """What was looked at, and nothing else."""
    page = organizer.page
    organizer.follow("Look at the preview and publish")
    expect(page.get_by_text("A preview for organizers")).to_be_visible()
    organizer.fill({"Because": "checked"})
    organizer.press("Publish this board")
    expect(page.get_by_text("A preview for organizers")).to_have_count(0)


def check_winner(organizer: Reader, client: LacunaClient) -> None:
    """The first of the final board, wherever somebody looks."""
    winner = client.get_leaderboard("digits")["entries"][0]["name"]
    page = organizer.page
    page.goto("/")
    expect(page.locator(".leaders strong").first).to_have_text(winner)
    page.goto(f"{HERE}/leaderboard")
    expect(page.locator(ROWS).first).to_contain_text(winner)
    page.goto(f"{HERE}/organize")
    page.get_by_text("Archive it", exact=True).click()
    organizer.fill({"Because": "a day is over"})
    organizer.press("Archive")
    expect(page.locator(".chip.archived")).to_be_visible()
    page.goto(f"{HERE}/leaderboard")
    expect(page.locator(ROWS).first).to_contain_text(winner)


def test_an_organizer_runs_a_competition_from_nothing_to_published_winners(
    browser: Browser, platform: LocalPlatform, organizer: Reader, tmp_path: Path
) -> None:
    page = organizer.page
    set_up(organizer)
    move(organizer, "preparing")
    ann, bob = (enter(browser, platform, f"{name} {secrets.token_hex(2)}") for name in ("the sieve", "lethe"))
    chosen = submit(ann, tmp_path / "chosen.py", STARTER.read_text().replace("EPOCHS = 3", "EPOCHS = 1"))
    other, copied = (submit(bob, tmp_path / f"{name}.py", f"{IDLE}# {name}\n") for name in ("other", "copied"))

    moderate(organizer, copied, "Disqualify", "copied from the starter")
    moderate(organizer, other, "Disqualify", "so is this")
    page.goto(f"{HERE}/leaderboard")
    expect(page.locator(ROWS)).to_have_count(1)
    moderate(organizer, other, "Reinstate", "it is not")
    page.goto(f"{HERE}/leaderboard")
    expect(page.locator(ROWS)).to_have_count(2)
    rejudge(organizer, chosen)
    ann.page.goto(f"/submissions/{chosen}")
    expect(ann.page.get_by_text("a node had a broken disk")).to_be_visible()

    with LacunaClient(platform.url) as client:
        move(organizer, "frozen")
        move(organizer, "closed")
        score_privately(organizer, finalists=2)
        with pytest.raises(NotFound):
            client.get_leaderboard("digits", phase="private")
        publish(organizer)
        final, public = client.get_leaderboard("digits"), client.get_leaderboard("digits", phase="public")
        assert {entry["submission_id"] for entry in final["entries"]} == {chosen, other}
        assert final["spec_digest"] != public["spec_digest"]
        loser = final["entries"][1]["submission_id"]
        moderate(organizer, loser, "Disqualify", "it uses the test labels")
        page.goto(f"{HERE}/final")
        expect(page.get_by_text("It changed after it was published")).to_be_visible()
        assert len(client.get_leaderboard("digits")["entries"]) == 1
        check_winner(organizer, client)
    page.goto("/audit")
    expect(page.get_by_text("is intact").first).to_be_visible()
    for deed in ("private.publish", "rejudge.promote", "it uses the test labels"):
        expect(page.get_by_role("row").filter(has_text=deed).first).to_contain_text(organizer.name)
    assert ann.complaints + bob.complaints == []
