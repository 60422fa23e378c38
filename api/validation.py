"""Refusals of a value in our own words instead of those of the constraint."""

from typing import Any

from pydantic import ValidationError, WrapValidator
from pydantic.functional_validators import ModelWrapValidatorHandler
from pydantic_core import PydanticCustomError

OWN_WORDS = "own_words"  # the kind of an error that says all there is to say


def say(rule: str) -> WrapValidator:
    """Refuse in these words instead of the constraint's."""

    def check(value: Any, keep: ModelWrapValidatorHandler[str]) -> str:
        try:
            return keep(value)
        except ValidationError:
            raise PydanticCustomError(OWN_WORDS, "{rule}", {"rule": rule}) from None

    return WrapValidator(check)
