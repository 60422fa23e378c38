"""Where a piece of leased work is: a shard, a chunk of a pool, a data set to read. When a node that fails rests."""

from datetime import timedelta
from enum import StrEnum

STRIKES = 3  # failures in a row on our side, after which a node rests
FIRST_REST, LONGEST_REST = timedelta(seconds=15), timedelta(minutes=10)
SCORE_TRIES = 10  # six minutes of pauses between them
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=1)


class WorkState(StrEnum):
    PENDING = "pending"
    LEASED = "leased"  # one worker holds it until its lease runs out
    DONE = "done"
    ABANDONED = "abandoned"  # nobody needs what would come out


def find_rest(strikes: int) -> timedelta | None:
    """How long a node rests that failed so often in a row; None while it goes on."""
    if strikes < STRIKES:
        return None
    return _double(FIRST_REST, strikes - STRIKES, LONGEST_REST)


def find_pause(failures: int) -> timedelta:
    """How long a score waits that failed so often, at least once, before it is tried again."""
    return _double(FIRST_PAUSE, failures - 1, LONGEST_PAUSE)


def _double(first: timedelta, times: int, longest: timedelta) -> timedelta:
    return min(first * (1 << min(times, 10)), longest)  # the longest is reached long before
