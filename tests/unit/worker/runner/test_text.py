from hypothesis import given
from hypothesis import strategies as st

from worker.runner.text import clean_line, clean_text


@given(st.text())
def test_nothing_a_terminal_or_a_database_obeys_is_left(text: str) -> None:
    cleaned = clean_text(text)
    cleaned.encode()
    assert all(
        character in "\t\n" or (ord(character) >= 32 and not 127 <= ord(character) < 160) for character in cleaned
    )


def test_surrogates_and_escapes_are_replaced() -> None:
    assert clean_text("a\x1b[2Jb\x00\ud800c\r\nd\re") == "a\ufffd[2Jb\ufffd?c\nd\ne"


def test_a_line_is_one_line_and_short() -> None:
    assert clean_line("a\n  b\tc") == "a b c"
    assert len(clean_line("x" * 5000)) == 300
