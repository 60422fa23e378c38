"""The rules of teams: who may join whom, and what their joint history may hold."""

from datetime import datetime

from core.domain.competition import CompetitionState
from core.domain.errors import Conflict, PhaseClosed
from core.domain.quota import start_of_day

TEAMS_CHANGE_IN = (CompetitionState.PREPARING, CompetitionState.OPEN)


def check_open(slug: str, state: CompetitionState) -> None:
    """Teams are made, joined and left while submissions are or will be taken, and not after."""
    if state not in TEAMS_CHANGE_IN:
        raise PhaseClosed(f"{slug} is {state}: teams can no longer change")


def check_size(members: int, limit: int) -> None:
    if members > limit:
        raise Conflict(f"that would be a team of {members}; {limit} may be in one")


def check_joint_history(
    submitted: int, *, daily_limit: int, total_limit: int | None, granted: int, opened_at: datetime, now: datetime
) -> None:
    """Two teams may become one only if, all along, one team could have submitted what both did."""
    days = (start_of_day(now) - start_of_day(opened_at)).days + 1
    by_days = days * daily_limit
    allowed = granted + (by_days if total_limit is None else min(by_days, total_limit))
    if submitted > allowed:
        raise Conflict(
            f"together you have submitted {submitted} times, and one team could have submitted {allowed} times so far;"
            " wait until the days have caught up"
        )
