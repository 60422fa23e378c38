"""What was typed into a form or an address, read into values; what cannot be read is refused in plain words."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from api.decisions import Decision
from api.validation import OWN_WORDS, put_in_words
from core.domain.errors import InvalidInput

Model = TypeVar("Model", bound=BaseModel)


def read_model(kind: type[Model], values: Mapping[str, Any], rule: str = "") -> Model:
    """rule: what a refused value should have been; without one each field that is refused says so itself."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise InvalidInput(rule or _describe_first(error), fields=find_wrong(error, rule)) from None


def find_wrong(error: ValidationError, rule: str = "") -> dict[str, str]:
    """What is wrong, by field; a rule between several has none."""
    named = [(str(found["loc"][0]), found) for found in reversed(error.errors()) if found["loc"]]
    return {name: rule or put_in_words(found) for name, found in named}


def read_decision(reason: str) -> Decision:
    rule = "give a reason of 3 to 500 characters; it is shown to the author and kept"
    return read_model(Decision, {"reason": reason}, rule)


def clean_next(target: str) -> str:
    """A path of this site; anything that could lead elsewhere becomes the first page."""
    is_local = target.startswith("/") and not target.startswith("//") and "\\" not in target and target.isprintable()
    return target if is_local else "/"


def unify_lines(text: str) -> str:
    """A browser ends lines as no other way of saying the same does."""
    return text.replace("\r\n", "\n")


def _describe_first(error: ValidationError) -> str:
    first = error.errors()[0]
    name = _name_field(error).replace("_", " ")
    return first["msg"] if first["type"] == OWN_WORDS or not name else f"{name}: {first['msg']}"


def _name_field(error: ValidationError) -> str:
    """Of the first value that was refused; a rule between several has none."""
    return next((str(part) for part in error.errors()[0]["loc"]), "")
