"""What was read becomes what runs: text in UTF-8 that parses by the rules of an import, whose imports can succeed."""

import ast
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from core.domain.errors import ParticipantFault
from core.domain.intake.batches import find_batch_form
from core.domain.intake.bound import check_bound
from core.domain.intake.broken import check_attributes, check_ends, check_reads
from core.domain.intake.called import check_ends_inside, check_names, check_returned
from core.domain.intake.device import answer_device
from core.domain.intake.entry_elsewhere import check_entry_elsewhere
from core.domain.intake.hosted import find_input_read
from core.domain.intake.imports import trace_imports
from core.domain.intake.network import check_network
from core.domain.intake.python_text import decode_text, parse_as_it_runs, settle_coding
from core.domain.intake.report import ENTRY_FILE, Note, Origin, SubmissionFiles, show

CELL_COMMENT = re.compile(r"# code cell \d+")


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
        shown = entry_name if path == ENTRY_FILE else path
        tree = parse_as_it_runs(text, shown)
        text, answered = answer_device(text, tree)
        for line, (before, after) in answered.items():
            changed.append(Note(f"{show(shown)}, line {line}", show(before), f"now: {show(after)}"))
        trees[path] = parse_as_it_runs(text, shown) if answered else tree
        files[path] = text.encode()
    try:
        locate = partial(_locate, files, name, read.origin)
        traced = trace_imports(trees, locate=locate)
        check_entry_elsewhere(trees, name)
        doubts = list(traced.doubts)
        for path, steps in traced.steps.items():
            tree, at = trees[path], partial(locate, path)
            if read.origin in (Origin.FILE, Origin.ARCHIVE):  # what a notebook lacks was said in its own terms
                check_bound(tree, locate=at)
                doubts += check_names(tree, steps, locate=at)
            check_attributes(tree, steps, traced.own, locate=at)
            check_ends(steps, locate=at)
            check_ends_inside(steps, locate=at)
            check_reads(tree, steps, files, locate=at)
            check_network(tree, steps, locate=at)
        check_returned(trees[ENTRY_FILE], traced.steps[ENTRY_FILE], locate=partial(locate, ENTRY_FILE))
    except ParticipantFault as fault:
        raise ParticipantFault(fault.code, fault.message, fix=fault.fix, read=replace(read, files={})) from None
    form, source = find_batch_form(trees.values()) or ("", "")
    asked = find_input_read(trees[ENTRY_FILE], (tree for path, tree in trees.items() if path != ENTRY_FILE))
    return replace(
        read,
        files=files,
        changed=tuple(changed),
        warnings=(*read.warnings, *doubts),
        batch_form=str(form),
        batch_source=show(source),
        input_source=asked.source if asked else "",
        must_have_input=asked is not None and asked.is_certain,
    )


def _locate(files: Mapping[str, bytes], name: str, origin: Origin, path: str, line: int) -> str:
    """A line where its author finds it: of a notebook, the cell that the made file names above it."""
    if path != ENTRY_FILE or origin is Origin.ARCHIVE:
        return f"{show(path)}, line {line}"
    if origin is Origin.FILE:
        return f"{show(name)}, line {line}"
    lines = files[ENTRY_FILE].decode().split("\n")
    cell = next((text.removeprefix("# ") for text in reversed(lines[:line]) if CELL_COMMENT.fullmatch(text)), "")
    return ", ".join(filter(None, [show(name), cell, f"`{show(lines[line - 1])}`"]))
