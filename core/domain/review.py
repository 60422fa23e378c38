"""What a person may make of a flag, and what an entry waits for until a person did."""

from collections.abc import Collection
from enum import StrEnum

# The score may be read off a table, or off models of ours: such an entry has no rank before somebody looked.
# `swap_ignored` is no reason to hold: its two replicas leave noise, and it fires for honest entries of small problems.
HOLDING = frozenset({"brought_table", "copied_member"})


class FlagVerdict(StrEnum):
    DISMISSED = "dismissed"  # looked at, and honest
    UPHELD = "upheld"  # the check was right; what follows is decided apart


class FlagState(StrEnum):
    """Which flagged entries are asked for."""

    OPEN = "open"  # one flag at least that nobody decided on
    DECIDED = "decided"
    ALL = "all"


def is_held(fired: Collection[str], dismissed: Collection[str]) -> bool:
    """Whether an entry waits for a look: codes of flags that fired, and of those found honest."""
    return not HOLDING.intersection(fired) <= frozenset(dismissed)
