"""What staff may change while a competition runs, each setting declared once.

The competition file, the API, both forms and `lacuna organize set` are made from this list; the value itself is the
column of that name in `core/db/models/contests.py`. docs/decisions/0004-a-setting-is-declared-once.md shows one added.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from core.domain.phases import PhaseKind


class Lock(StrEnum):
    """What may not be changed any more once there is something to know from the private phase."""

    NONE = "none"
    ONCE_SCORED = "once_scored"  # who is in the final ranking, and until when anybody could submit
    NOT_LESS = "not_less"  # while it is scored, only more of it


class Topic(StrEnum):
    """Under which heading forms ask for it, in this order."""

    DATES = "Dates"
    SUBMISSIONS = "Submissions"
    TEAMS = "Teams"
    FINAL = "Final ranking"
    PRACTICE = "Practice phase"


@dataclass(frozen=True, slots=True)
class Setting:
    name: str  # of the column, in the file and in the API; with dashes, of the option
    topic: Topic
    label: str  # of the field in forms
    hint: str = ""
    kind: type[int] | type[datetime] = int
    least: int = 1
    most: int = 100_000
    none: str = ""  # what it means that there is none; empty: there always is one
    phase: PhaseKind | None = None  # without this phase the form of organizers does not ask
    lock: Lock = Lock.NONE
    is_advanced: bool = False  # folded in forms: most competitions leave it as it is

    def hint_at(self, none_is: str) -> str:
        """What is said beside the label. none_is: how none is written there; empty: it is not."""
        about_none = f"{none_is}: {self.none}" if none_is and self.none else ""
        return "; ".join(filter(None, (self.hint, about_none)))

    def describe(self, none_is: str) -> str:
        return "; ".join(filter(None, (self.label, self.hint_at(none_is))))

    def read_number(self, value: Any) -> Any:
        """Where nothing but a number can be written, 0 is none."""
        return None if self.none and value == 0 else value

    def write_number(self, value: Any) -> Any:
        return 0 if value is None and self.kind is int else value


SETTINGS = (
    Setting(
        "closes_at",
        Topic.DATES,
        "Deadline, UTC",
        "submissions after it are refused",
        kind=datetime,
        none="until somebody closes it",
        lock=Lock.ONCE_SCORED,
    ),
    Setting("daily_limit", Topic.SUBMISSIONS, "Submissions of a team a UTC day"),
    Setting("total_limit", Topic.SUBMISSIONS, "Submissions of a team in all", none="as many as the days hold"),
    Setting(
        "daily_refunds",
        Topic.SUBMISSIONS,
        "Platform errors of a team that a UTC day gives back, and as many refused files",
        least=0,
        is_advanced=True,
    ),
    Setting(
        "leak_bits",
        Topic.SUBMISSIONS,
        "Bits that a hidden problem may tell a team",
        "then its submissions wait for staff",
        least=0,
        most=100_000_000,
        is_advanced=True,
    ),
    Setting("concurrent_limit", Topic.SUBMISSIONS, "Unfinished submissions of a team", is_advanced=True),
    Setting("selection_limit", Topic.FINAL, "Submissions of a team in the final ranking", lock=Lock.ONCE_SCORED),
    Setting("team_size", Topic.TEAMS, "Members of a team", most=1_000),
    Setting(
        "practice_daily_limit",
        Topic.PRACTICE,
        "Practice submissions of a team a UTC day",
        "0 closes the practice phase",
        least=0,
        phase=PhaseKind.PRACTICE,
    ),
    Setting(
        "practice_concurrent_limit",
        Topic.PRACTICE,
        "Unfinished practice submissions of a team",
        phase=PhaseKind.PRACTICE,
        is_advanced=True,
    ),
    Setting(
        "publish_approvals",
        Topic.FINAL,
        "Staff it takes to publish the final board",
        "2: one proposes, another one publishes",
        most=2,
        phase=PhaseKind.PRIVATE,
        lock=Lock.NOT_LESS,
        is_advanced=True,
    ),
)
