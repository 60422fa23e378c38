"""What is made of a file before it counts: kept, changed, left out, or why it cannot run. Nothing is stored or run."""

import hashlib
from dataclasses import replace

from api.submissions.intake import Intake
from api.submissions.schemas import NoteView, Reading
from core.domain.errors import ParticipantFault, TooLarge
from core.domain.intake.batches import doubt_batch_form
from core.domain.intake.data import DEFAULT_DATA_BYTES, check_data
from core.domain.intake.report import Note, SubmissionFiles


def make_reading(
    filename: str,
    content: bytes,
    intake: Intake,
    *,
    data_bytes: int = DEFAULT_DATA_BYTES,
    batch_form: str = "",
) -> Reading:
    """data_bytes, batch_form: what the competition allows beside code and gives as a batch, where it is known."""
    if len(content) > intake.limit_bytes:
        raise TooLarge(f"the file is larger than {intake.limit_bytes:,} bytes; nothing was stored")
    digest = hashlib.sha256(content).hexdigest()
    try:
        read = intake.read(filename, content)
        check_data(read.data_bytes, data_bytes)
        doubt = doubt_batch_form(read.batch_form, batch_form, read.batch_source)
        return _tell(digest, replace(read, warnings=(*read.warnings, doubt)) if doubt else read)
    except ParticipantFault as fault:
        return _refuse(digest, fault)


def _tell(digest: str, read: SubmissionFiles) -> Reading:
    return Reading(
        ok=True,
        sha256=digest,
        origin=read.origin,
        code=None,
        reason="",
        hint="",
        fix="",
        files=sorted(read.files),
        kept=_list_notes(read.kept),
        changed=_list_notes(read.changed),
        left_out=_list_notes(read.left_out),
        warnings=list(read.warnings),
    )


def _refuse(digest: str, fault: ParticipantFault) -> Reading:
    """With what was read before it was refused."""
    read = fault.read
    return Reading(
        ok=False,
        sha256=digest,
        origin=None,
        code=fault.code,
        reason=fault.message,
        hint=fault.hint,
        fix=fault.fix,
        files=[],
        kept=_list_notes(read.kept if read else ()),
        changed=_list_notes(read.changed if read else ()),
        left_out=_list_notes(read.left_out if read else ()),
        warnings=list(read.warnings if read else ()),
    )


def _list_notes(notes: tuple[Note, ...]) -> list[NoteView]:
    return [NoteView(where=note.where, source=note.source, reason=note.reason) for note in notes]
