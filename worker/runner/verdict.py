"""Outcome of a replica → the public error code → the verdict of an evaluation."""

from core.domain.faults import FaultCode
from core.domain.submission import VERDICT_OF_FAULT, Verdict
from sandbox.contract import Outcome

FAULT_OF_OUTCOME: dict[Outcome, FaultCode] = {
    Outcome.ENTRYPOINT_MISSING: FaultCode.ENTRYPOINT_MISSING,
    Outcome.SYNTAX_ERROR: FaultCode.SYNTAX_ERROR,
    Outcome.IMPORT_FAILED: FaultCode.IMPORT_FAILED,
    Outcome.SIGNATURE_MISMATCH: FaultCode.SIGNATURE_MISMATCH,
    Outcome.EXCEPTION: FaultCode.EXCEPTION,
    Outcome.TIME_LIMIT: FaultCode.TIME_LIMIT,
    Outcome.MEMORY_LIMIT: FaultCode.MEMORY_LIMIT,
    Outcome.PROCESS_LIMIT: FaultCode.PROCESS_LIMIT,
    Outcome.OUTPUT_LIMIT: FaultCode.OUTPUT_LIMIT,
    Outcome.OUTPUT_MISSING: FaultCode.OUTPUT_MISSING,
    Outcome.OUTPUT_SCHEMA: FaultCode.OUTPUT_SCHEMA,
}


def find_fault(outcome: Outcome) -> FaultCode | None:
    """The participant's error code, or None if there is no fault or it is the platform's."""
    return FAULT_OF_OUTCOME.get(outcome)


def find_verdict(outcome: Outcome) -> Verdict | None:
    """What a replica's outcome makes of its evaluation if it decides it; None while nothing is wrong."""
    if outcome is Outcome.OK:
        return None
    fault = find_fault(outcome)
    return VERDICT_OF_FAULT[fault] if fault is not None else Verdict.PLATFORM_ERROR
