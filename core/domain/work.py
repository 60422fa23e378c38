"""Where a piece of leased work is: a shard, a chunk of a pool, a data set to read. When a node that fails rests."""

from datetime import timedelta
from enum import StrEnum

STRIKES = 3  # failures in a row on our side, after which a node rests
FIRST_REST, LONGEST_REST = timedelta(seconds=15), timedelta(minutes=10)


class WorkState(StrEnum):
    PENDING = "pending"
    LEASED = "leased"  # one worker holds it until its lease runs out
    DONE = "done"
    ABANDONED = "abandoned"  # nobody needs what would come out


def find_rest(strikes: int) -> timedelta | None:
    """How long a node rests that failed so often in a row; None while it goes on."""
    if strikes < STRIKES:
        return None
    doublings = min(strikes - STRIKES, 10)  # the longest rest is reached long before
    return min(FIRST_REST * (1 << doublings), LONGEST_REST)
