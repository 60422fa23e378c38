import pytest

from core.domain.faults import FaultCode
from core.domain.submission import Owner, Verdict, get_owner
from sandbox.contract import Outcome
from worker.runner.verdict import find_fault, find_verdict


@pytest.mark.parametrize("outcome", sorted(set(Outcome) - {Outcome.OK, Outcome.SANDBOX_FAILED}))
def test_every_fault_of_a_replica_is_its_authors(outcome: Outcome) -> None:
    fault, verdict = find_fault(outcome), find_verdict(outcome)
    assert fault == FaultCode[outcome.name]
    assert verdict is not None
    assert get_owner(verdict) is Owner.PARTICIPANT


def test_a_broken_sandbox_is_ours() -> None:
    assert find_fault(Outcome.SANDBOX_FAILED) is None
    assert find_verdict(Outcome.SANDBOX_FAILED) is Verdict.PLATFORM_ERROR


def test_a_good_replica_has_no_verdict_yet() -> None:
    assert find_fault(Outcome.OK) is None
    assert find_verdict(Outcome.OK) is None
