"""What was typed into a form or an address, read into values; what cannot be read is refused in plain words."""

from pydantic import ValidationError

from api.decisions import Decision
from core.domain.errors import InvalidInput


def read_decision(reason: str) -> Decision:
    try:
        return Decision(reason=reason)
    except ValidationError:
        raise InvalidInput("give a reason of 3 to 500 characters; it is shown to the author and kept") from None


def clean_next(target: str) -> str:
    """A path of this site; anything that could lead elsewhere becomes the first page."""
    is_local = target.startswith("/") and not target.startswith("//") and "\\" not in target and target.isprintable()
    return target if is_local else "/"
