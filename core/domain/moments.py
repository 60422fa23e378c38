"""Points in time that people type, in files, forms, addresses and the terminal: read in one way, kept in UTC."""

from datetime import UTC, datetime

from core.domain.errors import InvalidInput


def parse_moment(text: str) -> datetime:
    """Without a zone it is UTC."""
    try:
        return to_utc(datetime.fromisoformat(text))
    except ValueError:
        raise InvalidInput(f"{text!r} is not a time such as 2026-01-31T12:00") from None


def has_time(text: str) -> bool:
    """Whether more than a day was typed."""
    return len(text.strip()) > len("2026-01-31")


def to_utc(moment: datetime) -> datetime:
    """Raise ValueError where the zone moves the time out of the years that there are."""
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{moment.isoformat()} is outside the years 1 to 9999 in UTC") from None


def write_local(moment: datetime | None) -> str:
    """As the field of a form holds it: UTC, and no zone; empty if there is none."""
    return "" if moment is None else to_utc(moment).replace(tzinfo=None).isoformat(timespec="seconds")
