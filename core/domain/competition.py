"""Where a competition is, and the only moves there are."""

from enum import StrEnum

from core.domain.errors import IllegalTransition


class CompetitionState(StrEnum):
    PREPARING = "preparing"  # pools are trained, retraining is measured
    OPEN = "open"
    FROZEN = "frozen"  # takes no submissions; what runs goes on
    CLOSED = "closed"  # its result stands
    ARCHIVED = "archived"  # read only, left out of the list of competitions


# open by the worker alone, when everything is prepared; a closed one may be opened again until it is archived
COMPETITION_MOVES: dict[CompetitionState, frozenset[CompetitionState]] = {
    CompetitionState.PREPARING: frozenset({CompetitionState.ARCHIVED}),
    CompetitionState.OPEN: frozenset({CompetitionState.FROZEN, CompetitionState.CLOSED}),
    CompetitionState.FROZEN: frozenset({CompetitionState.OPEN, CompetitionState.CLOSED}),
    CompetitionState.CLOSED: frozenset({CompetitionState.OPEN, CompetitionState.ARCHIVED}),
    CompetitionState.ARCHIVED: frozenset(),
}


def check_move(current: CompetitionState, target: CompetitionState) -> None:
    """Raise IllegalTransition for a move that an organizer may not make."""
    if target not in COMPETITION_MOVES[current]:
        allowed = ", ".join(sorted(COMPETITION_MOVES[current])) or "nothing"
        raise IllegalTransition(f"a competition that is {current} cannot become {target}; it can become: {allowed}")
