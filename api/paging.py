"""Lists a page at a time, newest first: where a page ends, and what to send to go on from there."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import Field
from pydantic.fields import FieldInfo

from core.domain.errors import InvalidInput

Row = TypeVar("Row")
Mark = TypeVar("Mark", int, str)

NEXT_BEFORE: FieldInfo = Field(description="send it as `before` for older ones; null when there are none")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row, Mark]):
    rows: list[Row]
    next: Mark | None  # of the last row shown; none when there are no more


def cut_page(rows: Sequence[Row], limit: int, mark: Callable[[Row], Mark]) -> Page[Row, Mark]:
    """rows: one more than `limit`, where there are as many; the one too many is not shown but tells of more."""
    shown = list(rows[:limit])
    return Page(shown, mark(shown[-1]) if len(rows) > limit else None)


def encode_cursor(place: str) -> str:
    """A place in a list as something to send back, not to read anything into."""
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> str:
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        raise refuse_cursor() from None


def refuse_cursor() -> InvalidInput:
    return InvalidInput("the cursor is not one this server gave")
