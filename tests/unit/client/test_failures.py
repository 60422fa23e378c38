import pytest

from client.failures import CommandFailed, Exit, get_exit_of_error, get_exit_of_verdict
from core.domain.errors import (
    ContestError,
    InvalidInput,
    NotFound,
    ParticipantFault,
    PlatformFault,
    QuotaExceeded,
    TooLarge,
)
from core.domain.faults import FaultCode
from core.domain.submission import Verdict

CODES = {
    Verdict.SCORED: 0,
    Verdict.REJECTED: 2,
    Verdict.OVER_BUDGET: 3,
    Verdict.RUNTIME_ERROR: 3,
    Verdict.TIME_LIMIT: 3,
    Verdict.MEMORY_LIMIT: 3,
    Verdict.OUTPUT_LIMIT: 3,
    Verdict.BAD_OUTPUT: 3,
    Verdict.PLATFORM_ERROR: 4,
    Verdict.WITHDRAWN: 5,
}


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_has_its_exit_code(verdict: Verdict) -> None:
    assert get_exit_of_verdict(verdict) == CODES[verdict]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ParticipantFault(FaultCode.SYNTAX_ERROR, "x"), 2),
        (TooLarge("x"), 2),
        (PlatformFault("x"), 4),
        (QuotaExceeded("x"), 6),
        (NotFound("x"), 1),
        (InvalidInput("x"), 1),
        (CommandFailed("x", exit_code=Exit.TIMEOUT), 7),
    ],
)
def test_every_kind_of_error_has_its_exit_code(error: ContestError, code: int) -> None:
    assert get_exit_of_error(error) == code
