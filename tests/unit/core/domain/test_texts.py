import pytest

from core.domain.errors import InvalidInput
from core.domain.texts import decode_text


@pytest.mark.parametrize("content", ["a = 'ü'\n".encode(), "a = 'ü'\n".encode("utf-8-sig"), "a = 'ü'\r\n".encode()])
def test_utf_8_is_read_with_and_without_a_mark(content: bytes) -> None:
    assert decode_text(content, "x") == "a = 'ü'\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a\nü".encode("cp1252"), r"byte 0xfc in line 2; Windows-1252\?"),
        ("ab".encode("utf-16"), "is UTF-16, not UTF-8"),
        ("ab".encode("utf-16-le"), "UTF-16 without its mark"),
        ("ab".encode("utf-32"), "is UTF-32"),
        (b"PK\x03\x04", "a zip archive"),
    ],
)
def test_anything_else_is_one_line_that_names_it(content: bytes, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        decode_text(content, "rules.md")
    assert caught.value.message.startswith("rules.md is ")
    assert "\n" not in caught.value.message
