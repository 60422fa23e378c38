"""Cells of a notebook → one file that defines `unlearning`, with an account of every line that did not come along."""

import ast
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from core.domain.errors import ParticipantFault
from core.domain.faults import FaultCode
from core.domain.intake.binding import describe_binding, write_binding
from core.domain.intake.bound import find_module_names
from core.domain.intake.calls import OwnCall, read_own_call
from core.domain.intake.cells import Cell, Notebook
from core.domain.intake.device import DEVICE_LINES, DEVICE_NAME, rewrite_device
from core.domain.intake.entry import check_entry
from core.domain.intake.python_text import parse_python
from core.domain.intake.report import (
    ARGUMENT_HINTS,
    ENTRY_FILE,
    ENTRY_FUNCTION,
    PREPARE_FUNCTION,
    Note,
    Origin,
    SubmissionFiles,
    show,
)
from core.domain.intake.selection import Missing, Selection, select_units
from core.domain.intake.units import Kind, Unit, count_leaves, cut_into_units, open_main_guards

SHOWN_MISSING = 4
STATEMENT_LIMIT = 2000  # ten times the longest published notebook; bounds the time of what follows


def convert_cells(notebook: Notebook, *, name: str, origin: Origin) -> SubmissionFiles:
    """Keep what `unlearning` needs; raise NOTEBOOK_INVALID with the names that cannot be had."""
    cells = notebook.cells
    _check_count(cells, name)
    joined = _join(cells)
    doubts = check_entry(joined, name=show(name), is_bound=True)
    own = read_own_call(joined.body)
    changes = [_answer_device(cell) for cell in cells]
    units = cut_into_units(cells, entry=ENTRY_FUNCTION)
    _open_stars(units, notebook.written_files)
    settled = {given for unit in units if unit.kind in (Kind.IMPORT, Kind.DEFINITION) for given in unit.binds}
    given = own.names.keys() - settled
    selection = select_units(units, roots=(ENTRY_FUNCTION, PREPARE_FUNCTION), given=given)
    read = _describe(cells, selection, origin, changes, notebook.left_out)
    _check_kept(selection, name, read)
    if selection.missing:
        message, fix = _explain_missing(selection.missing, name), _write_prepare(selection.missing)
        raise ParticipantFault(FaultCode.NOTEBOOK_INVALID, message, fix=fix, read=read)
    bound = given & {need for unit in selection.kept for need in unit.names.needs}
    text = _write_source(selection, name) + write_binding(own, bound, _list_bound(selection))
    check_entry(parse_python(text, ENTRY_FILE), name=show(name), is_bound=True)
    return replace(
        read,
        files={ENTRY_FILE: text.encode(), **_choose_written(notebook)},
        changed=(*read.changed, *describe_binding(own, bound, _locate_call(cells, own))),
        warnings=(*(() if own.is_reordered else doubts), *selection.warnings, *own.doubts),
    )


def _open_stars(units: list[Unit], written: Mapping[str, str]) -> None:
    """`from helpers import *` of a file that a cell writes binds what is in it."""
    for unit in units:
        path = f"{unit.node.module}.py" if isinstance(unit.node, ast.ImportFrom) and unit.is_star_import else ""
        if path in written:
            found = find_module_names(parse_python(written[path], path)) or frozenset()
            public = {name for name in found if not name.startswith("_")}
            unit.names = replace(unit.names, binds=unit.names.binds | public)


def _check_kept(selection: Selection, name: str, read: SubmissionFiles) -> None:
    """The function itself can be left out: a default or a decorator of it is computed on import."""
    if any(ENTRY_FUNCTION in unit.gives for unit in selection.kept):
        return
    for unit, reason in selection.left_out:
        if ENTRY_FUNCTION in unit.binds:
            where = unit.cell.locate(unit.node.lineno)
            message = f"{show(name)}: {ENTRY_FUNCTION} ({where}) cannot be kept, for defining it {reason}"
            raise ParticipantFault(FaultCode.NOTEBOOK_INVALID, message, read=read)


def _describe(
    cells: list[Cell],
    selection: Selection,
    origin: Origin,
    changes: list[list[tuple[tuple[str, int], Note]]],
    left_out: Iterable[Note],
) -> SubmissionFiles:
    """The account of what was read, without the files."""
    kept_lines = {(unit.cell.label, line) for unit in selection.kept for line in _get_lines(unit)}
    return SubmissionFiles(
        files={},
        origin=origin,
        kept=tuple(_describe_unit(unit, unit.kind.value) for unit in selection.kept),
        left_out=(*left_out, *_list_left_out(cells, selection)),
        changed=tuple(note for changed in changes for line, note in changed if line in kept_lines),
    )


def _list_bound(selection: Selection) -> list[str]:
    """The functions that the platform calls, of those that are there."""
    kept = {name for unit in selection.kept for name in unit.binds}
    return [name for name in (ENTRY_FUNCTION, PREPARE_FUNCTION) if name in kept]


def _choose_written(notebook: Notebook) -> dict[str, bytes]:
    """The files that cells write, as far as they are Python; what is imported of the others will be missed."""
    found: dict[str, bytes] = {}
    for path, source in notebook.written_files.items():
        try:
            parse_python(source, path)
        except ParticipantFault:
            continue
        found[path] = source.encode()
    return found


def _locate_call(cells: list[Cell], own: OwnCall) -> str:
    first = own.text.split("(")[0]
    for cell in reversed(cells):
        if any(first and f"{first}(" in line and not line.lstrip().startswith("def ") for line in cell.author_lines):
            return cell.label or f"line {own.line}"
    return ENTRY_FUNCTION


def _join(cells: list[Cell]) -> ast.Module:
    """All statements, those under `if __name__ == "__main__"` too: in a notebook they run."""
    return ast.Module(body=[part for cell in cells for part in open_main_guards(cell.tree.body)], type_ignores=[])


def _check_count(cells: list[Cell], name: str) -> None:
    count = sum(count_leaves(cell) for cell in cells)
    if count > STATEMENT_LIMIT:
        message = f"{show(name)} has {count} statements at module level, more than {STATEMENT_LIMIT}"
        raise ParticipantFault(FaultCode.TOO_LARGE, message)


def _answer_device(cell: Cell) -> list[tuple[tuple[str, int], Note]]:
    """Rewrite the cell in place, line for line; returns what changed."""
    text, lines = rewrite_device("\n".join(cell.lines), cell.tree)
    if lines:
        cell.tree = parse_python(text, cell.label)
        cell.lines = text.split("\n")
    return [
        ((cell.label, line), _note_change(cell.locate(line), cell.author_lines[line - 1], cell.lines[line - 1]))
        for line in sorted(lines)
    ]


def _note_change(where: str, before: str, after: str) -> Note:
    return Note(where, show(before), f"now: {show(after)}")


def _write_source(selection: Selection, name: str) -> str:
    body = "\n".join(_write_bodies(selection.kept))
    header = f"# Made by Lacuna from {show(name)}: what {ENTRY_FUNCTION} needs of it. Everything else is left out.\n"
    device = DEVICE_LINES if DEVICE_NAME in body else ""
    return f"{header}from __future__ import annotations\n\n{device}{body}\n"


def _write_bodies(kept: list[Unit]) -> list[str]:
    """Source in order; neighbours under the same `if` are put back under one."""
    parts: list[str] = []
    wanted = {id(unit.node) for unit in kept}
    shared = _find_shared_lines({id(unit.cell): unit.cell for unit in kept}.values())
    label, written = "", set[int]()
    for unit in kept:
        if unit.cell.label != label:
            label = unit.cell.label
            parts.append(f"\n# {label}")
        if isinstance(unit.node, ast.ImportFrom) and unit.node.module == "__future__":
            continue
        if not unit.guards:
            text = _get_text(unit, shared)
            parts.append(f"\n\n{text}\n" if unit.kind is Kind.DEFINITION else text)
        elif id(unit.guards[0]) not in written:
            written.add(id(unit.guards[0]))
            rebuilt = _rebuild_if(unit.guards[0], wanted)
            parts.append(ast.unparse(ast.fix_missing_locations(rebuilt)))
    return parts


def _rebuild_if(guard: ast.If, wanted: set[int]) -> ast.If:
    return ast.If(
        test=guard.test, body=_filter(guard.body, wanted) or [ast.Pass()], orelse=_filter(guard.orelse, wanted)
    )


def _filter(body: list[ast.stmt], wanted: set[int]) -> list[ast.stmt]:
    found: list[ast.stmt] = []
    for statement in body:
        if id(statement) in wanted:
            found.append(statement)
        elif isinstance(statement, ast.If):
            rebuilt = _rebuild_if(statement, wanted)
            if rebuilt.orelse or not isinstance(rebuilt.body[0], ast.Pass):
                found.append(rebuilt)
    return found


def _get_lines(unit: Unit) -> range:
    node = unit.node
    first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])
    return range(first, (node.end_lineno or node.lineno) + 1)


def _get_text(unit: Unit, shared: set[tuple[int, int]]) -> str:
    """The author's own lines where the statement has them to itself, else what the tree says."""
    span = _get_lines(unit)
    edges = {(id(unit.cell), span.start), (id(unit.cell), span.stop - 1)}
    if unit.node.col_offset == 0 and not shared.intersection(edges):
        return "\n".join(unit.cell.lines[span.start - 1 : span.stop - 1])
    return ast.unparse(unit.node)


def _find_shared_lines(cells: Iterable[Cell]) -> set[tuple[int, int]]:
    """Lines that belong to more than one statement (`a = 1; b = 2`), by cell."""
    seen = Counter(
        (id(cell), line)
        for cell in cells
        for statement in cell.tree.body
        for line in {statement.lineno, statement.end_lineno or statement.lineno}
    )
    return {place for place, count in seen.items() if count > 1}


def _list_left_out(cells: list[Cell], selection: Selection) -> list[Note]:
    """In the order of the notebook; a shell line is named once."""
    found: dict[int, dict[int, Note]] = {id(cell): {} for cell in cells}
    for unit, reason in selection.left_out:
        found[id(unit.cell)][unit.node.lineno] = _describe_unit(unit, reason)
    for cell in cells:
        found[id(cell)] |= cell.left_out
    return [notes[line] for notes in found.values() for line in sorted(notes)]


def _describe_unit(unit: Unit, reason: str) -> Note:
    text = "\n".join(unit.cell.author_lines[unit.node.lineno - 1 : unit.node.end_lineno])
    return Note(unit.cell.locate(unit.node.lineno), show(text), reason)


def _write_prepare(missing: list[Missing]) -> str:
    """A cell to paste: what is missing is made from what is passed."""
    lines = [f"    global {', '.join(each.name for each in missing)}"]
    for each in missing:
        loader = next((f"{word}_loader" for word in ARGUMENT_HINTS if word in each.name.lower()), "")
        value = loader if "loader" in each.name.lower() and loader else "..."
        lines.append(
            f"    {each.name} = {value}" + (f"  # in the notebook: {each.source.strip()}" if each.source else "")
        )
    return "\n".join([f"def {PREPARE_FUNCTION}(net, retain_loader, forget_loader, val_loader):", *lines, ""])


def _explain_missing(missing: list[Missing], name: str) -> str:
    shown = "; ".join(map(str, missing[:SHOWN_MISSING]))
    more = f"; and {len(missing) - SHOWN_MISSING} more" if len(missing) > SHOWN_MISSING else ""
    return f"{show(name)}: {ENTRY_FUNCTION} needs names that the kept part lacks: {shown}{more}"
