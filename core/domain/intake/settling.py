"""What was read becomes what runs: text in UTF-8 that parses by the rules of an import, whose imports can succeed."""

import ast
from dataclasses import replace

from core.domain.errors import ParticipantFault
from core.domain.intake.bound import check_bound
from core.domain.intake.imports import check_imports
from core.domain.intake.python_text import decode_text, parse_as_it_runs, settle_coding
from core.domain.intake.report import ENTRY_FILE, Note, Origin, SubmissionFiles, show


def settle(read: SubmissionFiles, name: str) -> SubmissionFiles:
    """Give the files byte for byte as the sandbox compiles them; raises ParticipantFault for what fails on import."""
    entry_name = name if read.origin is Origin.FILE else ENTRY_FILE
    files, changed = dict(read.files), list(read.changed)
    trees: dict[str, ast.Module] = {}
    for path, content in read.files.items():
        if not path.endswith(".py"):
            continue
        text, declared = settle_coding(decode_text(content, path))
        if declared:
            where = f"{show(entry_name if path == ENTRY_FILE else path)}, its declared encoding"
            changed.append(Note(where, show(declared), "the text is kept as UTF-8, and says so now"))
        trees[path] = parse_as_it_runs(text, entry_name if path == ENTRY_FILE else path)
        files[path] = text.encode()
    try:
        doubts = check_imports(trees, name=entry_name)
        if read.origin in (Origin.FILE, Origin.ARCHIVE):  # what a notebook lacks was said in its own terms
            check_bound(trees[ENTRY_FILE], name=entry_name)
    except ParticipantFault as fault:
        raise ParticipantFault(fault.code, fault.message, fix=fault.fix, read=replace(read, files={})) from None
    return replace(read, files=files, changed=tuple(changed), warnings=(*read.warnings, *doubts))
