"""What participants do on the pages, from the first to the last click, on the real platform."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from cli.here.processes import LocalPlatform
from core.asked_parts import PrivatePart
from core.problem_parts import ForgetPart
from core.starter import STARTER
from tests.e2e.conftest import PASSWORD, make_settings, make_small_problem

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

SCORED_WITHIN = 180_000  # milliseconds, on a machine that does other things too


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalPlatform]:
    """With a budget that no busy neighbour can exhaust: these journeys are about pages, not about the gate."""
    problem = make_small_problem()
    evaluation = problem.evaluation.model_copy(update={"compute_budget": 1.0})
    request = ForgetPart(kind="random", fraction=0.1, seed=2**64 + 771)
    private = PrivatePart(forget=request, split_seed=2**64 + 772, pool_seed=2**64 + 773)
    roomy = problem.model_copy(update={"evaluation": evaluation, "private": private})
    with LocalPlatform(make_settings(tmp_path_factory.mktemp("platform")), [roomy]) as running:
        yield running


@pytest.fixture
def starter(tmp_path: Path) -> Path:
    """What `lacuna init` writes, cheap enough for a problem whose networks are trained for 20 epochs only."""
    path = tmp_path / "submission.py"
    path.write_text(STARTER.read_text().replace("EPOCHS = 3", "EPOCHS = 1"))
    return path


class Reader:
    """Somebody with a browser of their own, registered by the form; what the browser complains about is a failure."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.name, self.url = f"user{secrets.token_hex(4)}", url
        self.complaints: list[str] = []
        self.page: Page = browser.new_context(base_url=url).new_page()
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._listen)
        self.page.goto("/register")
        self.fill({"Name": self.name, "Password": PASSWORD})
        self.press("Register")
        expect(self.page.get_by_role("button", name="Log out")).to_be_visible()

    def _listen(self, message: object) -> None:
        if getattr(message, "type", "") == "error":
            self.complaints.append(str(getattr(message, "text", "")))

    def fill(self, values: dict[str, str]) -> None:
        for label, value in values.items():
            self.page.get_by_label(label, exact=True).fill(value)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def follow(self, name: str) -> None:
        self.page.get_by_role("link", name=name, exact=True).first.click()

    def find_line(self, name: str) -> Locator:
        """Of the board, and not of what changed on it."""
        return self.page.locator("tr[id^=s-]").filter(has_text=name)

    def submit(self, path: Path, note: str = "") -> None:
        self.page.goto("/competitions/digits")
        expect(self.page.locator(".chip.open")).to_be_visible(timeout=SCORED_WITHIN)  # prepared while we look on
        self.page.goto("/competitions/digits/submit")
        self.page.get_by_label("File").set_input_files(path)
        self.fill({"Note": note})
        self.press("Submit")


@pytest.fixture
def participant(browser: Browser, platform: LocalPlatform) -> Iterator[Reader]:
    reader = Reader(browser, platform.url)
    yield reader
    assert reader.complaints == []
    reader.page.context.close()


def test_a_participant_registers_submits_watches_and_reads_the_report(participant: Reader, starter: Path) -> None:
    page = participant.page
    page.goto("/competitions/digits")
    participant.submit(starter, "my first")
    expect(page.get_by_role("heading", name="submission.py")).to_be_visible()
    expect(page.locator("#status")).to_have_text("scored", timeout=SCORED_WITHIN)  # without a reload
    expect(page.get_by_role("heading", name="Score", exact=True)).to_be_visible()
    page.goto("/competitions/digits")
    expect(participant.find_line(participant.name)).to_contain_text("my first")
    participant.follow("My submissions")
    expect(page.get_by_role("row").filter(has_text="submission.py")).to_contain_text("scored")
    participant.follow("submission.py")
    participant.follow("Read the report")
    expect(page.get_by_role("heading", name="Where the points were won and lost")).to_be_visible()
    page.goto("/competitions/digits")
    participant.follow("Final selection")
    page.get_by_role("checkbox", name="Select submission.py").check()
    participant.press("Save the selection")
    expect(page.get_by_role("checkbox", name="Select submission.py")).to_be_checked()


def test_two_people_become_a_team_and_stand_on_the_board_as_one(
    browser: Browser, platform: LocalPlatform, participant: Reader, starter: Path
) -> None:
    friend = Reader(browser, platform.url)
    page = participant.page
    page.goto("/competitions/digits/team")
    participant.fill({"Name": f"team of {participant.name}"})
    participant.press("Make it")
    participant.fill({"Account": friend.name})
    participant.press("Invite")
    friend.page.goto("/competitions/digits/team")
    friend.press(f"Join team of {participant.name}")
    expect(friend.page.get_by_role("heading", name=f"team of {participant.name}")).to_be_visible()
    friend.submit(starter)
    expect(friend.page.locator("#status")).to_have_text("scored", timeout=SCORED_WITHIN)
    page.goto("/submissions")
    expect(page.get_by_role("row").filter(has_text="submission.py")).to_contain_text("scored")
    page.goto("/competitions/digits")
    expect(participant.find_line(f"team of {participant.name}")).to_have_count(1)
    friend.page.context.close()
