from pathlib import Path

from core import terms
from core.domain.faults import FaultCode
from core.domain.intake import libraries, report
from evaluator import spec
from sandbox import contract
from sandbox.warmup import LIBRARIES


def test_reader_and_sandbox_agree_on_the_contract() -> None:
    assert report.OPTIONAL_PARAMETERS == contract.OPTIONAL_PARAMETERS
    assert (report.ENTRY_FILE, report.ENTRY_FUNCTION) == (contract.ENTRY_FILE, contract.ENTRY_FUNCTION)
    assert report.PREPARE_FUNCTION == contract.PREPARE_FUNCTION


def test_what_is_registered_names_the_metric_that_scores_it() -> None:
    assert terms.METRIC_VERSION == spec.METRIC_VERSION


def test_every_library_that_is_warmed_up_counts_as_provided() -> None:
    assert {name.split(".")[0] for name in LIBRARIES} <= libraries.PROVIDED


def test_the_page_for_participants_lists_every_code_and_library() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "submission.md").read_text()
    assert [code for code in FaultCode if f"| `{code}` |" not in page] == []
    assert [name for name in libraries.PROVIDED if name not in page] == []
