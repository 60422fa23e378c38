"""What a participant may still spend, and what the answer is when nothing is left."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NoReturn

from core.domain.errors import QuotaExceeded


class LimitCode(StrEnum):
    DAILY_LIMIT = "DAILY_LIMIT"
    TOTAL_LIMIT = "TOTAL_LIMIT"
    CONCURRENT_LIMIT = "CONCURRENT_LIMIT"
    REGISTRATION_LIMIT = "REGISTRATION_LIMIT"
    LOGIN_LIMIT = "LOGIN_LIMIT"
    MESSAGE_LIMIT = "MESSAGE_LIMIT"
    READING_LIMIT = "READING_LIMIT"
    POST_LIMIT = "POST_LIMIT"
    IMAGE_LIMIT = "IMAGE_LIMIT"


class LimitReached(QuotaExceeded):
    """A window is full; `retry_after` says in how many seconds it is worth asking again."""

    def __init__(self, message: str, *, code: LimitCode, retry_after: int) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Allowance:
    """A participant's submissions to one competition, counted by the UTC day and from its beginning.

    granted: what organizers gave in all; of it, `granted_today` also stretches this day.
    """

    daily_limit: int
    used: int
    concurrent_limit: int
    running: int
    resets_at: datetime
    total_limit: int | None = None  # None: as many as the days hold
    total_used: int = 0
    granted: int = 0
    granted_today: int = 0
    noun: str = "submissions"  # what is counted, in words

    @property
    def left_today(self) -> int:
        return max(self.daily_limit + self.granted_today - self.used, 0)

    @property
    def total_left(self) -> int | None:
        return None if self.total_limit is None else max(self.total_limit + self.granted - self.total_used, 0)

    @property
    def left(self) -> int:
        """How many may still be submitted today."""
        return self.left_today if self.total_left is None else min(self.left_today, self.total_left)


CONCURRENT_RETRY_SECONDS = 10
LOGIN_FAILURES = 5  # wrong passwords from one place for one account; each further one doubles the wait
STUFFING_FAILURES = 30  # and for all accounts together
LOGIN_WINDOW = timedelta(hours=24)
LONGEST_WAIT = timedelta(minutes=15)
READING_WINDOW_SECONDS = 60.0
READINGS = 60  # uploads of one account that are read in a window, checked or submitted
READING_SECONDS = 20.0  # and how long that may take in all; an honest one takes a hundredth of one
BUSY_RETRY_SECONDS = 5


def start_of_day(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def next_reset(now: datetime) -> datetime:
    return start_of_day(now) + timedelta(days=1)


def check_allowance(allowance: Allowance, now: datetime) -> None:
    """Refuse one more submission when the day or the places side by side are used up."""
    if allowance.total_left == 0:
        raise LimitReached(
            f"all {allowance.total_used} {allowance.noun} of this competition are used; an organizer may grant more",
            code=LimitCode.TOTAL_LIMIT,
            retry_after=_seconds_until(allowance.resets_at, now),
        )
    if allowance.left_today == 0:
        limit = allowance.daily_limit + allowance.granted_today
        raise LimitReached(
            f"all {limit} {allowance.noun} of this UTC day are used; the count starts again at 00:00 UTC",
            code=LimitCode.DAILY_LIMIT,
            retry_after=_seconds_until(allowance.resets_at, now),
        )
    if allowance.running >= allowance.concurrent_limit:
        raise LimitReached(
            f"{allowance.running} of your {allowance.noun} are not finished yet and {allowance.concurrent_limit}"
            " may be; wait for one or cancel one",
            code=LimitCode.CONCURRENT_LIMIT,
            retry_after=CONCURRENT_RETRY_SECONDS,
        )


def check_registrations(recent: int, limit: int, *, oldest: datetime | None, now: datetime) -> None:
    """Refuse one more account when `recent` accounts of the last hour, the first made at `oldest`, fill the limit."""
    if recent < limit:
        return
    until = (oldest or now) + timedelta(hours=1)
    raise LimitReached(
        "too many accounts were made in the last hour; try again later",
        code=LimitCode.REGISTRATION_LIMIT,
        retry_after=_seconds_until(until, now),
    )


@dataclass(frozen=True, slots=True)
class Guesses:
    """Wrong passwords of a window that came from one place."""

    count: int
    newest: datetime | None


def check_guesses(guesses: Guesses, *, free: int, now: datetime) -> None:
    """Refuse to compare one more password before the wait is over, which doubles with every wrong one beyond `free`."""
    beyond = guesses.count - free
    if beyond < 0 or guesses.newest is None:
        return
    wait = min(timedelta(seconds=2.0 ** min(beyond, 20)), LONGEST_WAIT)
    if now < guesses.newest + wait:
        raise LimitReached(
            "too many wrong passwords from where you are; wait a little, each further one doubles the wait",
            code=LimitCode.LOGIN_LIMIT,
            retry_after=_seconds_until(guesses.newest + wait, now),
        )


def check_messages(recent: int, limit: int, *, window: timedelta) -> None:
    """Refuse to send one more message on demand: the recipient may be somebody who never asked."""
    if recent < limit:
        return
    raise LimitReached(
        "too many messages of this kind were asked for; try again later",
        code=LimitCode.MESSAGE_LIMIT,
        retry_after=math.ceil(window.total_seconds()),
    )


def check_readings(recent: int, seconds: float, *, retry_after: float) -> None:
    """Refuse to read one more upload of an account that had `recent` of them read in the window, for `seconds`."""
    if recent < READINGS and seconds < READING_SECONDS:
        return
    raise LimitReached(
        "your uploads of the last minute took all the reading that one account gets; try again later",
        code=LimitCode.READING_LIMIT,
        retry_after=max(math.ceil(retry_after), 1),
    )


def refuse_busy_readers() -> NoReturn:
    raise LimitReached(
        "too many uploads are being read at this moment; nothing was stored, try again in a few seconds",
        code=LimitCode.READING_LIMIT,
        retry_after=BUSY_RETRY_SECONDS,
    )


def _seconds_until(moment: datetime, now: datetime) -> int:
    return max(math.ceil((moment - now).total_seconds()), 1)
