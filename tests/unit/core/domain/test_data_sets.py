import pytest

from core.domain.data_sets import Reference, parse_ids, parse_reference
from core.domain.errors import InvalidInput

DIGEST = "12345678" * 8


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("faces@3", Reference("faces", 3, None)),
        (f"faces@{DIGEST}", Reference("faces", None, DIGEST)),
        ("faces@12345678", Reference("faces", None, "12345678")),
    ],
)
def test_a_version_is_named_by_number_or_digest(text: str, meant: Reference) -> None:
    assert parse_reference(text) == meant


@pytest.mark.parametrize("text", ["faces", "faces@", "Faces@1", "faces@0", "../x@1", "faces@abc", "faces@1\n"])
def test_what_names_no_version_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="names no data set version"):
        parse_reference(text)


@pytest.mark.parametrize(
    "text",
    [
        "3\n1\n2\n",
        "id,name\n3,ann\n1,bob\n2,eve\n",
        ",id\n0,3\n1,1\n2,2\n",
        "label;image_id\n0;3\n1;1\n1;2\n",
        '\ufeff"id"\r\n"3"\r\n"1"\r\n"2"\r\n',
    ],
)
def test_ids_are_one_a_line_or_the_column_of_that_name(text: str) -> None:
    assert parse_ids(text) == [3, 1, 2]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no ids"),
        ("id\n", "no ids"),
        ("1\n1\n", "twice"),
        ("1\n-2\n", "not an id"),
        ("1\n2.5\n", "line 2: '2.5' is not an id"),
        ("-1\n5\n", "line 1: '-1' is not an id"),
        ("5;\n17\n", "line 1: '5;' is not an id"),
        ("0,5\n1,17\n", "line 1 has 2 columns, and no header"),
        ("label,place\n0,5\n", "none of the columns"),
        ("id,index\n0,5\n", "2 of the columns"),
        ("id,name\n3\n", "line 2 has 1 columns, not 2"),
        ("1\n²\n", "not an id"),
        ("1\n" + "9" * 5000 + "\n", "not an id"),
    ],
)
def test_a_list_that_is_no_list_of_ids_is_refused(text: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        parse_ids(text)


@pytest.mark.parametrize("first", ["1e3", "0x10", "img_7", "7th", "nan", "NaN", "inf"])
def test_a_first_line_that_is_meant_as_an_id_is_no_header(first: str) -> None:
    with pytest.raises(InvalidInput, match="line 1"):
        parse_ids(f"{first}\n2\n3")


@pytest.mark.parametrize("header", ["id", "example", "Index of the example"])
def test_a_name_in_the_first_line_is_a_header(header: str) -> None:
    assert parse_ids(f"{header}\n2\n3") == [2, 3]
