"""What people may say about a competition, how often, and what moderators do about it."""

import math
from datetime import datetime, timedelta
from enum import StrEnum

from core.domain.errors import Conflict
from core.domain.quota import LimitCode, LimitReached

MOST_TITLE = 120
MOST_TEXT = 10_000
POSTS_AN_HOUR = 20  # of an account, threads included; staff are not counted
POST_WINDOW = timedelta(hours=1)
SAME_WORDS_WINDOW = timedelta(days=1)


class ThreadDeed(StrEnum):
    PIN = "pin"
    UNPIN = "unpin"
    CLOSE = "close"
    REOPEN = "reopen"
    HIDE = "hide"
    SHOW = "show"


class PostDeed(StrEnum):
    HIDE = "hide"
    SHOW = "show"


DONE = {  # after what happened to it, in words
    ThreadDeed.PIN: "pinned",
    ThreadDeed.UNPIN: "not pinned",
    ThreadDeed.CLOSE: "closed",
    ThreadDeed.REOPEN: "open",
    ThreadDeed.HIDE: "hidden",
    ThreadDeed.SHOW: "shown",
}


def check_posts(recent: int, *, oldest: datetime | None, now: datetime) -> None:
    """Refuse one more post of an account that wrote `recent` ones in the last hour, the first at `oldest`."""
    if recent < POSTS_AN_HOUR:
        return
    left = ((oldest or now) + POST_WINDOW - now).total_seconds()
    raise LimitReached(
        f"an account writes at most {POSTS_AN_HOUR} posts an hour; try again later",
        code=LimitCode.POST_LIMIT,
        retry_after=max(math.ceil(left), 1),
    )


def check_new_words(text: str, recent: list[str]) -> None:
    """Refuse what the same account said a little before: a form sent twice, or the same words everywhere."""
    if _fold(text) in map(_fold, recent):
        raise Conflict("you said exactly this within the last day already", field="text")


def _fold(text: str) -> str:
    return " ".join(text.split()).casefold()
