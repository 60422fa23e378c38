import pytest

from api.paging import cut_page, decode_cursor, encode_cursor
from core.domain.errors import InvalidInput


def test_a_page_that_is_not_the_last_says_where_to_go_on() -> None:
    page = cut_page([9, 8, 7], 2, lambda row: f"row {row}")
    assert page.rows == [9, 8]
    assert page.next == "row 8"


@pytest.mark.parametrize("rows", [[], [9], [9, 8]])
def test_the_last_page_ends(rows: list[int]) -> None:
    page = cut_page(rows, 2, str)
    assert page.rows == rows
    assert page.next is None


def test_a_cursor_comes_back_as_the_place_it_was_made_of() -> None:
    assert decode_cursor(encode_cursor("12.100")) == "12.100"


@pytest.mark.parametrize("cursor", ["*", "a", "_-8", "é"])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidInput):
        decode_cursor(cursor)
