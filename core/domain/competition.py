"""Where a competition is, and the only moves there are."""

from datetime import datetime
from enum import StrEnum

from core.domain.errors import IllegalTransition, PhaseClosed


class CompetitionState(StrEnum):
    DRAFT = "draft"  # seen by staff alone; nothing is trained for it yet
    PREPARING = "preparing"  # pools are trained, retraining is measured
    OPEN = "open"
    FROZEN = "frozen"  # takes no submissions; what runs goes on
    CLOSED = "closed"  # its result stands
    ARCHIVED = "archived"  # read only, left out of the list of competitions


class PreparationStage(StrEnum):
    """How far a competition is from being open."""

    WAITING = "waiting"
    POOLS = "pools"
    CALIBRATION = "calibration"
    PREPARED = "prepared"  # it opens by hand
    DONE = "done"


# from preparing to open only when everything is prepared; a closed one may be opened again until it is archived
COMPETITION_MOVES: dict[CompetitionState, frozenset[CompetitionState]] = {
    CompetitionState.DRAFT: frozenset({CompetitionState.PREPARING, CompetitionState.ARCHIVED}),
    CompetitionState.PREPARING: frozenset({CompetitionState.OPEN, CompetitionState.ARCHIVED}),
    CompetitionState.OPEN: frozenset({CompetitionState.FROZEN, CompetitionState.CLOSED}),
    CompetitionState.FROZEN: frozenset({CompetitionState.OPEN, CompetitionState.CLOSED}),
    CompetitionState.CLOSED: frozenset({CompetitionState.OPEN, CompetitionState.ARCHIVED}),
    CompetitionState.ARCHIVED: frozenset(),
}
# nothing more is submitted to it; the result stands
ENDED = (CompetitionState.CLOSED, CompetitionState.ARCHIVED)


def check_move(current: CompetitionState, target: CompetitionState) -> None:
    """Raise IllegalTransition for a move that an organizer may not make."""
    if target not in COMPETITION_MOVES[current]:
        allowed = ", ".join(sorted(COMPETITION_MOVES[current])) or "nothing"
        raise IllegalTransition(
            f"a competition that is {current} cannot become {target}; it can become: {allowed}", field="state"
        )


def find_state(state: CompetitionState, closes_at: datetime | None, now: datetime) -> CompetitionState:
    """Where a competition is at this moment: its deadline closes it, whether anybody wrote that down yet or not."""
    is_over = closes_at is not None and now >= closes_at
    takes_part = state in (CompetitionState.OPEN, CompetitionState.FROZEN)
    return CompetitionState.CLOSED if is_over and takes_part else state


def check_taking(slug: str, state: CompetitionState, closes_at: datetime | None, now: datetime) -> None:
    """Refuse what may only be done while submissions are taken."""
    found = find_state(state, closes_at, now)
    if found is CompetitionState.OPEN:
        return
    when = f": its deadline was {closes_at:%Y-%m-%d %H:%M} UTC" if closes_at is not None and now >= closes_at else ""
    raise PhaseClosed(f"{slug} is {found} and takes no submissions now{when}")
