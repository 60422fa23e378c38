"""Where an evaluation is, why it ended, and the only moves there are."""

from enum import StrEnum

from core.domain.errors import IllegalTransition
from core.domain.faults import FaultCode


class Status(StrEnum):
    QUEUED = "queued"
    CANARY = "canary"
    RUNNING = "running"
    SCORING = "scoring"
    CANCELLING = "cancelling"
    FINISHED = "finished"


class Verdict(StrEnum):
    SCORED = "scored"
    OVER_BUDGET = "over_budget"
    RUNTIME_ERROR = "runtime_error"
    TIME_LIMIT = "time_limit"
    MEMORY_LIMIT = "memory_limit"
    OUTPUT_LIMIT = "output_limit"
    BAD_OUTPUT = "bad_output"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    PLATFORM_ERROR = "platform_error"


class Hold(StrEnum):
    """Why a submission waits until staff have looked."""

    FAILURES = "failures"  # the platform failed at its author's last ones
    LEAKS = "leaks"  # its team was told as much of a hidden problem as a competition's `leak_bits` allow


HELD_AFTER = 3  # platform errors in a row of one author, in one competition: then staff look before the next one runs


class FaultOwner(StrEnum):
    """Whose fault a verdict is."""

    NOBODY = "nobody"
    PARTICIPANT = "participant"
    PLATFORM = "platform"


TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.QUEUED: frozenset({Status.CANARY, Status.CANCELLING, Status.FINISHED}),
    Status.CANARY: frozenset({Status.RUNNING, Status.SCORING, Status.CANCELLING, Status.FINISHED}),
    Status.RUNNING: frozenset({Status.SCORING, Status.CANCELLING, Status.FINISHED}),
    # back to running: outputs were lost from the store, and their shards run again
    Status.SCORING: frozenset({Status.RUNNING, Status.CANCELLING, Status.FINISHED}),
    Status.CANCELLING: frozenset({Status.FINISHED}),
    Status.FINISHED: frozenset(),
}

VERDICT_OF_FAULT: dict[FaultCode, Verdict] = {
    FaultCode.ARCHIVE_INVALID: Verdict.REJECTED,
    FaultCode.TOO_LARGE: Verdict.REJECTED,
    FaultCode.FORBIDDEN_FILE: Verdict.REJECTED,
    FaultCode.SYNTAX_ERROR: Verdict.REJECTED,
    FaultCode.NOTEBOOK_INVALID: Verdict.REJECTED,
    FaultCode.ENTRYPOINT_MISSING: Verdict.REJECTED,
    FaultCode.SIGNATURE_MISMATCH: Verdict.REJECTED,
    FaultCode.IMPORT_MISSING: Verdict.REJECTED,
    FaultCode.FILE_MISSING: Verdict.REJECTED,
    FaultCode.CERTAIN_FAILURE: Verdict.REJECTED,
    FaultCode.IMPORT_FAILED: Verdict.RUNTIME_ERROR,
    FaultCode.EXCEPTION: Verdict.RUNTIME_ERROR,
    FaultCode.PROCESS_LIMIT: Verdict.RUNTIME_ERROR,
    FaultCode.TIME_LIMIT: Verdict.TIME_LIMIT,
    FaultCode.COMPUTE_BUDGET: Verdict.OVER_BUDGET,
    FaultCode.MEMORY_LIMIT: Verdict.MEMORY_LIMIT,
    FaultCode.OUTPUT_LIMIT: Verdict.OUTPUT_LIMIT,
    FaultCode.OUTPUT_MISSING: Verdict.BAD_OUTPUT,
    FaultCode.OUTPUT_SCHEMA: Verdict.BAD_OUTPUT,
    FaultCode.OUTPUT_NOT_FINITE: Verdict.BAD_OUTPUT,
    FaultCode.FAILED_ON_HIDDEN_DATA: Verdict.RUNTIME_ERROR,
}
VERDICT_TEXT: dict[Verdict, str] = {
    Verdict.SCORED: "Every replica ran and was scored.",
    Verdict.OVER_BUDGET: "Unlearning cost more than its allowed share of retraining.",
    Verdict.RUNTIME_ERROR: "The code failed while running.",
    Verdict.TIME_LIMIT: "A replica ran past its time limit.",
    Verdict.MEMORY_LIMIT: "A replica needed more memory than it may use.",
    Verdict.OUTPUT_LIMIT: "A replica wrote more than it may.",
    Verdict.BAD_OUTPUT: "What the code returned cannot be scored.",
    Verdict.REJECTED: "The file cannot be run.",
    Verdict.WITHDRAWN: "Cancelled before it ended.",
    Verdict.PLATFORM_ERROR: "The platform failed; this does not count against the quota, up to a number a day.",
}


def get_fault_owner(verdict: Verdict) -> FaultOwner:
    """Say whose fault a verdict is; only the platform's own is retried and refunded."""
    if verdict is Verdict.PLATFORM_ERROR:
        return FaultOwner.PLATFORM
    if verdict in (Verdict.SCORED, Verdict.WITHDRAWN):
        return FaultOwner.NOBODY
    return FaultOwner.PARTICIPANT


def advance(current: Status, target: Status, *, verdict: Verdict | None = None) -> Status:
    """Check one move: a verdict comes with `finished` and with nothing else."""
    if target not in TRANSITIONS[current]:
        raise IllegalTransition(f"an evaluation cannot go from {current} to {target}")
    if (target is Status.FINISHED) != (verdict is not None):
        raise IllegalTransition("a verdict is set when, and only when, an evaluation finishes")
    if current is Status.CANCELLING and verdict is not Verdict.WITHDRAWN:
        raise IllegalTransition("a cancelled evaluation ends withdrawn")
    return target
