"""`lacuna validate`: the checks of an upload, without running anything."""

from pathlib import Path
from typing import Any

import typer

from cli.show.console import print_json, print_line, print_note
from cli.show.files import read_upload
from cli.show.options import FileArgument, JsonOption
from client.failures import Exit
from core.domain.errors import ParticipantFault
from core.domain.intake.batches import FORMS, BatchForm
from core.domain.intake.data import DEFAULT_DATA_BYTES
from core.domain.intake.given import ANY_PROBLEM, Given, check_given
from core.domain.intake.reading import read_submission
from core.domain.intake.report import Note, Origin, SubmissionFiles
from core.settings import get_settings

_ORIGIN_TEXT = {
    Origin.FILE: "a Python file; all of it runs",
    Origin.ARCHIVE: "an archive",
    Origin.SCRIPT: "a script written like a notebook; only the part below runs",
    Origin.NOTEBOOK: "a notebook; only the part below runs",
}


def validate(file: FileArgument, as_json: JsonOption = False) -> None:
    """Check a submission without running it; of a notebook, show what is kept and what is left out."""
    content = read_upload(file)
    try:
        read = check_given(read_submission(file.name, content, limit_bytes=get_settings().upload_bytes), ANY_PROBLEM)
    except ParticipantFault as fault:
        if as_json:
            print_json(_refuse(fault))
            raise typer.Exit(Exit.REJECTED) from None
        print_refusal(fault)
        raise
    if as_json:
        print_json(_to_json(read))
    else:
        print_reading(file.name, read)


def read_or_reject(file: Path, given: Given) -> SubmissionFiles:
    """Read a submission for a command that goes on to run it. given: by its problem."""
    read = check_given(read_file(file), given)
    for warning in read.warnings:
        print_note(f"warning: {warning}")
    return read


def read_file(file: Path) -> SubmissionFiles:
    return read_submission(file.name, read_upload(file), limit_bytes=get_settings().upload_bytes)


def print_reading(name: str, read: SubmissionFiles) -> None:
    print_line(f"{name}: {_ORIGIN_TEXT[read.origin]}")
    if len(read.files) > 1:
        print_line(f"files: {', '.join(sorted(read.files))}")
    _print_account(read)
    for warning in read.warnings:
        print_line(f"warning: {warning}")
    if read.batch_form:
        print_line(f"batches: it reads {FORMS[BatchForm(read.batch_form)]} (`{read.batch_source}`)")
    print_line(f"data: {read.data_bytes:,} bytes beside code; a problem allows {DEFAULT_DATA_BYTES:,} or fewer")
    print_line("ok: unlearning() is there and can be called")


def print_refusal(fault: ParticipantFault) -> None:
    """What was read before it was refused, and lines that would mend it; the fault itself is printed elsewhere."""
    if fault.read is not None:
        _print_account(fault.read)
    if fault.fix:
        print_line(f"lines to paste:\n{fault.fix}")


def _print_account(read: SubmissionFiles) -> None:
    for title, notes in (("kept", read.kept), ("changed", read.changed), ("left out", read.left_out)):
        _print_notes(title, notes)


def _print_notes(title: str, notes: tuple[Note, ...]) -> None:
    if not notes:
        return
    print_line(f"{title} ({len(notes)}):")
    for note in notes:
        print_line(f"  {note}")


def _refuse(fault: ParticipantFault) -> dict[str, Any]:
    said = {"ok": False, "code": fault.code, "message": fault.message, "hint": fault.hint, "fix": fault.fix}
    return said | (_tell_account(fault.read) if fault.read is not None else {})


def _to_json(read: SubmissionFiles) -> dict[str, Any]:
    return {
        "ok": True,
        "origin": read.origin,
        "files": sorted(read.files),
        **_tell_account(read),
        "data_bytes": read.data_bytes,
    }


def _tell_account(read: SubmissionFiles) -> dict[str, Any]:
    def tell(notes: tuple[Note, ...]) -> list[dict[str, str]]:
        return [{"where": note.where, "source": note.source, "reason": note.reason} for note in notes]

    notes = {"kept": tell(read.kept), "changed": tell(read.changed), "left_out": tell(read.left_out)}
    return {**notes, "warnings": list(read.warnings)}
