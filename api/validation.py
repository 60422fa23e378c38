"""Refusals of a value in our own words instead of those of the constraint."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError, WrapValidator
from pydantic.functional_validators import ModelWrapValidatorHandler
from pydantic_core import PydanticCustomError

OWN_WORDS = "own_words"  # the kind of an error that says all there is to say
PLAIN = re.compile(r"^(Input|String|Value|List|Data) should")


def say(rule: str) -> WrapValidator:
    """Refuse in these words instead of the constraint's."""

    def check(value: Any, keep: ModelWrapValidatorHandler[str]) -> str:
        try:
            return keep(value)
        except ValidationError:
            raise PydanticCustomError(OWN_WORDS, "{rule}", {"rule": rule}) from None

    return WrapValidator(check)


def put_in_words(found: Mapping[str, Any]) -> str:
    """One error of a validation for who reads it beside the field: no words of the library."""
    if found["type"] == OWN_WORDS:
        return str(found["msg"])
    if found["type"] == "missing":
        return "this is missing"
    return PLAIN.sub("this must", str(found["msg"]).removeprefix("Value error, "))
