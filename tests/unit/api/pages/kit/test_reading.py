import pytest

from api.organize.schemas import Grant
from api.pages.kit.reading import clean_next, read_decision, read_model, unify_lines
from api.users.schemas import NAME_RULE, NewName
from core.domain.errors import InvalidInput


def test_a_refused_value_is_told_in_the_rule_that_is_given() -> None:
    with pytest.raises(InvalidInput, match="choose another name"):
        read_model(NewName, {"name": "?"}, "choose another name")


def test_a_refused_value_is_told_in_the_model_s_own_words() -> None:
    with pytest.raises(InvalidInput) as refused:
        read_model(NewName, {"name": "?"})
    assert refused.value.message == NAME_RULE


def test_a_decision_needs_a_reason() -> None:
    assert read_decision(" it is so ").reason == "it is so"
    with pytest.raises(InvalidInput, match="3 to 500 characters"):
        read_decision("  x ")


@pytest.mark.parametrize(
    ("target", "cleaned"),
    [
        ("/submissions", "/submissions"),
        ("//elsewhere.example", "/"),
        ("https://elsewhere.example", "/"),
        ("/\\elsewhere.example", "/"),
        ("/\nx", "/"),
        ("", "/"),
    ],
)
def test_logging_in_leads_nowhere_but_here(target: str, cleaned: str) -> None:
    assert clean_next(target) == cleaned


def test_a_refused_value_without_words_of_its_own_is_told_with_its_field() -> None:
    with pytest.raises(InvalidInput, match="amount: Input should be less than or equal to 1000"):
        read_model(Grant, {"team": "ann", "amount": "1001", "reason": "a test"})


def test_lines_end_as_they_do_elsewhere() -> None:
    assert unify_lines("one\r\ntwo\n") == "one\ntwo\n"
