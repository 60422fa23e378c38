"""Machines that take work over HTTP and hold no key of ours but their own token."""

from datetime import timedelta
from enum import StrEnum

TOKEN_PREFIX = "lcn_"  # noqa: S105 (a recognisable beginning, for secret scanners)
REMOTE = "remote-"  # begins the instance in the row of a node that came with a key
ASK_SECONDS = 20.0  # an answer to a node that asks for work comes after this long at most
FORGOTTEN_AFTER = timedelta(minutes=10)  # of a lease that nobody holds any more
MOST_SENT = 12  # outputs of a lease: three, and each of them again after a connection that broke
LARGEST_SKEW = timedelta(seconds=30)
NAME_PATTERN = r"^[a-z0-9][a-z0-9.-]{0,62}$"
NAME_RULE = "a node's name has small letters, digits, dots and dashes, at most 63"


class LeaseState(StrEnum):
    """Of what one slot of a node asked for."""

    ASKED = "asked"  # the node waits for work
    HELD = "held"  # it was given a shard
    RETURNED = "returned"  # what came of it waits to be judged


class Ending(StrEnum):
    """How a node says that a shard ended."""

    RAN = "ran"
    PARTICIPANT = "participant"  # the submission is at fault
    PLATFORM = "platform"  # the node is, or what it was given
    UNAVAILABLE = "unavailable"  # it could not be served: nobody is charged
    STOPPED = "stopped"  # nobody wanted it any more
