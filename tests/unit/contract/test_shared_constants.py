from core.domain.intake import libraries, report
from sandbox import contract
from sandbox.warmup import LIBRARIES


def test_reader_and_sandbox_agree_on_the_contract() -> None:
    assert report.OPTIONAL_PARAMETERS == contract.OPTIONAL_PARAMETERS
    assert (report.ENTRY_FILE, report.ENTRY_FUNCTION) == (contract.ENTRY_FILE, contract.ENTRY_FUNCTION)
    assert report.PREPARE_FUNCTION == contract.PREPARE_FUNCTION


def test_every_library_that_is_warmed_up_counts_as_provided() -> None:
    assert {name.split(".")[0] for name in LIBRARIES} <= libraries.PROVIDED
