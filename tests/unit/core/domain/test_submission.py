import itertools

import pytest

from core.domain.errors import IllegalTransition
from core.domain.faults import HINTS, FaultCode
from core.domain.submission import TRANSITIONS, VERDICT_OF_FAULT, FaultOwner, Status, Verdict, advance, get_fault_owner


def test_every_status_has_a_row_in_the_table() -> None:
    assert set(TRANSITIONS) == set(Status)


def test_finished_is_for_ever() -> None:
    assert TRANSITIONS[Status.FINISHED] == frozenset()


@pytest.mark.parametrize(("current", "target"), list(itertools.product(Status, Status)))
def test_only_moves_of_the_table_are_made(current: Status, target: Status) -> None:
    verdict = Verdict.WITHDRAWN if target is Status.FINISHED else None
    if target in TRANSITIONS[current]:
        assert advance(current, target, verdict=verdict) is target
    else:
        with pytest.raises(IllegalTransition):
            advance(current, target, verdict=verdict)


def test_a_verdict_comes_with_finished_only() -> None:
    with pytest.raises(IllegalTransition):
        advance(Status.QUEUED, Status.CANARY, verdict=Verdict.SCORED)
    with pytest.raises(IllegalTransition):
        advance(Status.SCORING, Status.FINISHED)


def test_a_cancelled_evaluation_cannot_end_scored() -> None:
    with pytest.raises(IllegalTransition):
        advance(Status.CANCELLING, Status.FINISHED, verdict=Verdict.SCORED)


def test_every_fault_has_a_hint_and_a_verdict_that_blames_the_participant() -> None:
    for code in FaultCode:
        assert HINTS[code].endswith(".")
        assert get_fault_owner(VERDICT_OF_FAULT[code]) is FaultOwner.PARTICIPANT


def test_only_platform_error_is_ours() -> None:
    assert [verdict for verdict in Verdict if get_fault_owner(verdict) is FaultOwner.PLATFORM] == [
        Verdict.PLATFORM_ERROR
    ]
