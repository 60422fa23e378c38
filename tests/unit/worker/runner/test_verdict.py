import pytest

from core.domain.faults import FaultCode
from core.domain.submission import VERDICT_OF_FAULT, FaultOwner, get_fault_owner
from sandbox.contract import Outcome
from worker.runner.verdict import find_fault

NOBODYS = (Outcome.OK, Outcome.SANDBOX_FAILED, Outcome.KILLED)  # who killed it is found out before this


@pytest.mark.parametrize("outcome", sorted(set(Outcome) - set(NOBODYS)))
def test_every_fault_of_a_replica_is_its_authors(outcome: Outcome) -> None:
    fault = find_fault(outcome)
    assert fault == FaultCode[outcome.name]
    assert get_fault_owner(VERDICT_OF_FAULT[fault]) is FaultOwner.PARTICIPANT


@pytest.mark.parametrize("outcome", NOBODYS)
def test_a_good_replica_and_a_broken_sandbox_are_nobodys_fault(outcome: Outcome) -> None:
    assert find_fault(outcome) is None
