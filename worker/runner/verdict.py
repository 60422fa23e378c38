"""Outcome of a replica → the public error code."""

from core.domain.faults import FaultCode
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
