import unicodedata

import pytest

from core.domain.visible import make_visible


@pytest.mark.parametrize(
    "letter", ["\u202e", "\u2066", "\u200b", "\u061c", "\ufeff", "\u2028", "\x1b", "\x00", "\x9b", "\ud800"]
)
def test_what_cannot_be_seen_is_an_escape(letter: str) -> None:
    shown = make_visible(f"a{letter}b")
    assert shown.startswith("a\\")
    assert shown.isascii()
    assert shown.isprintable()


def test_every_mark_of_direction_is_one() -> None:
    marks = [chr(code) for code in range(0x110000) if unicodedata.bidirectional(chr(code)) in BIDIRECTIONAL]
    assert len(marks) >= 9
    assert not [mark for mark in marks if make_visible(mark) == mark]


BIDIRECTIONAL = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


@pytest.mark.parametrize(
    "text", ["", "plain", "two\nlines\tand\r\n", "naïve – „Wörter“ 日本語 עברית العربية", "👩‍🚀 ❤️"]
)
def test_writing_stays_as_it_is(text: str) -> None:
    assert make_visible(text) == text
