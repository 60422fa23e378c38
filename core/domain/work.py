"""Where a piece of leased work is: a shard, a chunk of a pool, a data set to read."""

from enum import StrEnum


class WorkState(StrEnum):
    PENDING = "pending"
    LEASED = "leased"  # one worker holds it until its lease runs out
    DONE = "done"
    ABANDONED = "abandoned"  # nobody needs what would come out
