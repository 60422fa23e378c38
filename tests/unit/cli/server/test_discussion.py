from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.cli.fakes import FakeServer

Run = Callable[..., Any]
THREAD = {
    "id": "t1",
    "title": "May I?",
    "author": "ann",
    "by_staff": False,
    "posts": 2,
    "last_post_at": "2026-11-21T10:00:00Z",
    "is_pinned": True,
    "is_closed": False,
    "is_hidden": False,
}
POST = {"id": "p1", "author": "olga", "by_staff": True, "text": "Yes.", "created_at": "2026-11-21T10:00:00Z"}
PATH = "/competitions/digits/discussion"


@pytest.fixture(autouse=True)
def answers(server: FakeServer) -> None:
    server.on("GET", PATH, {"items": [THREAD], "next_cursor": None})
    server.on("GET", f"{PATH}/t1", {"thread": THREAD, "items": [POST, POST | {"text": ""}], "next_after": None})
    server.on("POST", PATH, THREAD)
    server.on("POST", f"{PATH}/t1/posts", POST)


def test_threads_are_listed_with_the_words_that_read_them(run: Run) -> None:
    output = run("discussion", "digits").output
    assert "May I? [pinned]" in output
    assert "--thread t1" in output


def test_a_thread_is_read_and_hidden_words_are_named(run: Run) -> None:
    output = run("discussion", "digits", "--thread", "t1").output
    assert "olga (organizer)" in output
    assert "(hidden by an organizer)" in output


def test_one_answers_and_begins(run: Run, server: FakeServer) -> None:
    assert run("discussion", "digits", "--thread", "t1", "--say", "Thanks").exit_code == 0
    assert [each.content for each in server.requests if each.method == "POST"] == [b'{"text":"Thanks"}']
    assert run("discussion", "digits", "--title", "May I?", "--say", "Well?").exit_code == 0
    assert b'"title":"May I?"' in [each for each in server.requests if each.method == "POST"][1].content


@pytest.mark.parametrize("words", [["--say", "x"], ["--title", "x"], ["--title", "x", "--thread", "t1", "--say", "y"]])
def test_words_without_a_place_are_refused(run: Run, words: list[str]) -> None:
    assert run("discussion", "digits", *words).exit_code == 2
