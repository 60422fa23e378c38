from datetime import UTC, datetime, timedelta

import pytest

from core.domain.competition import COMPETITION_MOVES, CompetitionState, check_move, check_taking, find_state
from core.domain.errors import IllegalTransition, PhaseClosed

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PAST, FUTURE = NOW - timedelta(seconds=1), NOW + timedelta(seconds=1)


@pytest.mark.parametrize("state", CompetitionState)
@pytest.mark.parametrize("closes_at", [None, FUTURE])
def test_before_the_deadline_a_competition_is_where_it_was_put(
    state: CompetitionState, closes_at: datetime | None
) -> None:
    assert find_state(state, closes_at, NOW) is state


@pytest.mark.parametrize("closes_at", [PAST, NOW])
def test_the_deadline_closes_what_takes_part(closes_at: datetime) -> None:
    closed = {state for state in CompetitionState if find_state(state, closes_at, NOW) is CompetitionState.CLOSED}
    assert closed == {CompetitionState.OPEN, CompetitionState.FROZEN, CompetitionState.CLOSED}


def test_only_an_open_competition_before_its_deadline_takes_submissions() -> None:
    check_taking("digits", CompetitionState.OPEN, FUTURE, NOW)
    for state in set(CompetitionState) - {CompetitionState.OPEN}:
        with pytest.raises(PhaseClosed, match=f"digits is {state}"):
            check_taking("digits", state, None, NOW)
    with pytest.raises(PhaseClosed, match="its deadline was 2025-12-31 23:59 UTC"):
        check_taking("digits", CompetitionState.OPEN, PAST, NOW)


def test_nothing_becomes_a_draft_and_a_draft_cannot_skip_its_preparation() -> None:
    assert all(CompetitionState.DRAFT not in moves for moves in COMPETITION_MOVES.values())
    with pytest.raises(IllegalTransition):
        check_move(CompetitionState.DRAFT, CompetitionState.OPEN)
