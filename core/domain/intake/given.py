"""What a problem gives, held against what a submission reads: said, or refused, before it counts."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from core.domain.exposure import Exposure
from core.domain.intake.batches import BatchForm, doubt_batch_form
from core.domain.intake.data import DEFAULT_DATA_BYTES, check_data
from core.domain.intake.hosted import check_input
from core.domain.intake.report import SubmissionFiles


@dataclass(frozen=True, slots=True)
class Given:
    """As far as the problem is known: the defaults are those of any."""

    data_bytes: int = DEFAULT_DATA_BYTES  # that may come beside code
    batch_form: str = ""  # empty: not known
    has_input: bool | None = None  # what notebooks of 2023 read is there; None: not known


ANY_PROBLEM = Given()


def read_given(problem: Mapping[str, Any]) -> Given:
    """Of a problem as a card shows it; what an older server does not tell is not known."""
    rules = problem.get("evaluation", {})
    form, exposure = rules.get("batch_format", ""), problem.get("exposure")
    has_input = has_hosted_input(exposure, form) if form and exposure else None
    return Given(rules.get("data_bytes", DEFAULT_DATA_BYTES), form, has_input)


def has_hosted_input(exposure: str, batch_form: str) -> bool:
    """What is hidden is never written out as a folder."""
    return exposure == Exposure.PRACTICE and batch_form == BatchForm.MAPPING


def check_given(read: SubmissionFiles, given: Given) -> SubmissionFiles:
    """The same with what may go wrong on the problem; raises ParticipantFault for what must."""
    check_data(read.data_bytes, given.data_bytes)
    doubt = doubt_batch_form(read.batch_form, given.batch_form, read.batch_source)
    doubts = (*([doubt] if doubt else []), *check_input(read, is_there=given.has_input))
    return replace(read, warnings=(*read.warnings, *doubts)) if doubts else read
