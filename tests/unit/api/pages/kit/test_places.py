"""What stands in the side navigation of staff, for whom, and which link is marked."""

import re
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from api.pages.kit.places import OF_A_COMPETITION, OF_THE_PLATFORM
from core.db.session import transaction
from tests import factories
from tests.unit.api.conftest import Login

HTML = {"Accept": "text/html"}


@pytest.fixture
def pages(client: TestClient, engine: Engine, login: Callable[..., Login]) -> Callable[[str, str], str]:
    people = {role: login(role, role).headers | HTML for role in ("organizer", "admin")}
    with transaction(engine) as session:
        factories.make_competition(session, "digits")

    def read(path: str, role: str) -> str:
        page = client.get(path, headers=people[role]).text
        return page[page.index('<nav class="side"') : page.index("</nav>", page.index('<nav class="side"'))]

    return read


def find_current(nav: str) -> list[str]:
    return re.findall(r'aria-current="(?:page|true)">([^<]+)<', nav)


@pytest.mark.parametrize(
    ("path", "marked"),
    [
        ("/competitions/digits/organize", "Next step"),
        ("/competitions/digits/organize/settings", "Settings"),
        ("/competitions/digits/rejudges", "Rejudges"),
        ("/competitions/digits/organize/private", "Private phase"),
        ("/admin/queue", "Queue"),
        ("/admin/flags", "Flags"),
        ("/admin/flags?competition=digits", "Its flags"),
        ("/audit", "Audit log"),
    ],
)
def test_the_page_one_is_on_is_marked_in_both_lists(pages: Callable[[str, str], str], path: str, marked: str) -> None:
    nav = pages(path, "organizer")
    assert find_current(nav) == [marked, marked]  # the folded one of a phone, and that of a wide screen
    assert f"<summary>{marked}" in nav


def test_a_page_below_another_marks_that_one(pages: Callable[[str, str], str]) -> None:
    assert find_current(pages("/admin/set-up", "admin")) == ["Set up a competition"] * 2
    assert find_current(pages("/admin/competitions/digits/pools", "admin")) == ["Pools"] * 2


def test_a_competition_s_pages_come_first_and_are_its_own(pages: Callable[[str, str], str]) -> None:
    nav = pages("/competitions/digits/organize", "organizer")
    assert nav.index(">digits</p>") < nav.index(">Platform</p>")
    assert ">digits</p>" not in pages("/admin/queue", "organizer")


def test_nobody_is_led_to_a_page_that_is_refused(
    pages: Callable[[str, str], str], client: TestClient, login: Callable[..., Login]
) -> None:
    for role in ("organizer", "admin"):
        links = set(re.findall(r'href="([^"]+)"', pages("/competitions/digits/organize", role)))
        headers = login(f"another-{role}", role).headers | HTML
        assert [client.get(link, headers=headers).status_code for link in sorted(links)] == [200] * len(links)
    assert len(links) == len(OF_A_COMPETITION) + len(OF_THE_PLATFORM)


def test_the_name_of_a_competition_is_text(pages: Callable[[str, str], str]) -> None:
    assert "<b>" not in pages("/admin/queue?competition=%3Cb%3E", "organizer")
