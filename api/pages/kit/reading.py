"""What was typed into a form or an address, read into values; what cannot be read is refused in plain words."""

from datetime import UTC, datetime

from pydantic import ValidationError

from api.decisions import Decision
from core.domain.errors import InvalidInput


def read_decision(reason: str) -> Decision:
    try:
        return Decision(reason=reason)
    except ValidationError:
        raise InvalidInput("give a reason of 3 to 500 characters; it is shown to the author and kept") from None


def read_moment(text: str) -> datetime | None:
    """A time of the form, which is UTC like every time on the pages, or one with its zone; empty is now."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput(f"{text!r} is not a time such as 2026-01-31T12:00") from None


def clean_next(target: str) -> str:
    """A path of this site; anything that could lead elsewhere becomes the first page."""
    is_local = target.startswith("/") and not target.startswith("//") and "\\" not in target and target.isprintable()
    return target if is_local else "/"
