import pytest

from api.pages.kit.reading import clean_next, read_decision, read_model
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
