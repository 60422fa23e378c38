"""What a person may make of a flag."""

from enum import StrEnum


class FlagVerdict(StrEnum):
    DISMISSED = "dismissed"  # looked at, and honest
    UPHELD = "upheld"  # the check was right; what follows is decided apart


class FlagState(StrEnum):
    """Which flagged entries are asked for."""

    OPEN = "open"  # one flag at least that nobody decided on
    DECIDED = "decided"
    ALL = "all"
