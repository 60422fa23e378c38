"""Exit codes, the same for local and remote scoring: docs/cli.md lists them."""

from enum import IntEnum

from core.domain.errors import ContestError, ParticipantFault, PlatformFault, QuotaExceeded, TooLarge
from core.domain.submission import Verdict


class Exit(IntEnum):
    SCORED = 0
    REFUSED = 1  # the request made no sense: no such file, problem, competition, no token
    REJECTED = 2  # the submission cannot be run
    FAILED = 3  # it ran and failed, or costs too much
    ERRORED = 4  # ours: the server or the sandbox
    CANCELLED = 5
    LIMIT = 6  # the quota is used up
    TIMEOUT = 7  # waited long enough; the submission goes on
    INTERRUPTED = 130


class CommandFailed(ContestError):
    """A command that ends with a certain exit code; the hint says what to do next."""

    def __init__(self, message: str, *, exit_code: Exit, hint: str = "") -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.hint = hint


_EXIT_OF_VERDICT = {
    Verdict.SCORED: Exit.SCORED,
    Verdict.REJECTED: Exit.REJECTED,
    Verdict.WITHDRAWN: Exit.CANCELLED,
    Verdict.PLATFORM_ERROR: Exit.ERRORED,
}


def get_exit_of_verdict(verdict: Verdict) -> Exit:
    return _EXIT_OF_VERDICT.get(verdict, Exit.FAILED)


def get_exit_of_error(error: ContestError) -> Exit:
    if isinstance(error, CommandFailed):
        return error.exit_code
    if isinstance(error, ParticipantFault | TooLarge):
        return Exit.REJECTED
    if isinstance(error, QuotaExceeded):
        return Exit.LIMIT
    return Exit.ERRORED if isinstance(error, PlatformFault) else Exit.REFUSED
