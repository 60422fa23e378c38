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


@pytest.mark.parametrize("text", ["3\n1\n2\n", "id,name\n3,ann\n1,bob\n2,eve\n", '\ufeff"id"\r\n"3"\r\n"1"\r\n"2"\r\n'])
def test_ids_are_the_first_column(text: str) -> None:
    assert parse_ids(text) == [3, 1, 2]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no ids"),
        ("id\n", "no ids"),
        ("1\n1\n", "twice"),
        ("1\n-2\n", "not an id"),
        ("1\n2.5\n", "not an id"),
        ("1\n²\n", "not an id"),
        ("1\n" + "9" * 5000 + "\n", "not an id"),
    ],
)
def test_a_list_that_is_no_list_of_ids_is_refused(text: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        parse_ids(text)
