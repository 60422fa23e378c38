"""What is made of a file before it counts: kept, changed, left out, or why it cannot run. Nothing is stored or run."""

import hashlib

from api.submissions.intake import Intake
from api.submissions.schemas import NoteView, Reading
from core.domain.errors import ParticipantFault, TooLarge
from core.domain.intake.given import ANY_PROBLEM, Given, check_given
from core.domain.intake.report import Note, SubmissionFiles


def make_reading(filename: str, content: bytes, intake: Intake, given: Given = ANY_PROBLEM) -> Reading:
    """given: by the problem it is meant for, where that is known."""
    if len(content) > intake.limit_bytes:
        raise TooLarge(f"the file is larger than {intake.limit_bytes:,} bytes; nothing was stored", field="file")
    digest = hashlib.sha256(content).hexdigest()
    try:
        return _tell(digest, check_given(intake.read(filename, content), given))
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
