"""Notebook JSON or a script → code cells that parse as Python, with every shell and magic line accounted for."""

import ast
import json
import re
import textwrap
from dataclasses import dataclass
from typing import Any

from core.domain.errors import ParticipantFault
from core.domain.faults import FaultCode
from core.domain.intake.python_text import check_source_size, parse_python, parse_quietly
from core.domain.intake.report import ENTRY_FUNCTION, Note, show

PYTHON_CELL_MAGICS = frozenset({"time", "timeit", "capture", "prun", "python", "python3", "py"})
MAGIC_LINE = re.compile(r"^\s*(!|%|\?|[\w.\]\[()'\"]+\?{1,2}\s*;?\s*$)")
PLAIN_MAGIC_LINE = re.compile(r"^\s*(!|%%?[A-Za-z])")
PARSE_BUDGET_CHARACTERS = 2 << 20  # each shell line costs one more parse of its cell
MAGIC_ASSIGNMENT = re.compile(r"^(\s*)([\w.,\s\[\]]+?)\s*=\s*[!%](.*)$")
WRITE_FILE = re.compile(r"^%%(?:writefile|file)\s+(-a\s+|--append\s+)?(\S+)\s*$")
PYTHON_LANGUAGES = ("python", "ipython")


@dataclass(slots=True)
class Cell:
    """One piece of code as it will be judged; `label` is empty for a script."""

    label: str
    lines: list[str]
    tree: ast.Module
    left_out: dict[int, Note]  # by line
    author_lines: list[str]  # the same lines before anything was changed

    def locate(self, line: int) -> str:
        return f"{self.label}, line {line}" if self.label else f"line {line}"


@dataclass(frozen=True, slots=True)
class Notebook:
    cells: list[Cell]
    left_out: list[Note]
    written_files: dict[str, str]  # by %%writefile cells


def read_notebook(text: str, name: str) -> Notebook:
    """Read nbformat 2 to 4 without running anything; outputs and text cells are not looked at."""
    sources = _find_sources(text, name)
    check_source_size(sum(len(source) for _, source in sources), name)
    notebook = Notebook([], [], {})
    for label, source in sources:
        _add_cell(notebook, label, source)
    return notebook


def read_script(text: str, name: str) -> Cell:
    """A script as one cell; what is neither Python nor a shell line is the author's syntax error."""
    check_source_size(len(text), name)
    source = text.replace("\r\n", "\n").replace("\r", "\n")
    text, left_out = strip_magics(source, "")
    return Cell("", text.split("\n"), parse_python(text, name), left_out, source.split("\n"))


def strip_magics(text: str, label: str) -> tuple[str, dict[int, Note]]:
    """Replace shell and magic lines by `pass`, keeping line numbers; text that parses has none.

    The parser names the line it trips over, so a `%` that continues a sum or a `!` inside a text is never touched.
    """
    left_out: dict[int, Note] = {}
    lines = text.split("\n")
    for _ in range(max(8, min(len(lines), PARSE_BUDGET_CHARACTERS // (len(text) + 1)))):
        broken = _find_broken_line("\n".join(lines))
        place = _find_magic_at_or_before(lines, broken) if broken else None
        if place is None:
            return "\n".join(lines), left_out
        left_out[place + 1] = _blank_magic(lines, place, label)
    for place, line in enumerate(lines):  # more of them than can be had one by one
        if PLAIN_MAGIC_LINE.match(line):
            left_out[place + 1] = _blank_magic(lines, place, label)
    return "\n".join(lines), left_out


def _find_broken_line(text: str) -> int | None:
    try:
        parse_quietly(text)
    except SyntaxError as error:
        return min(error.lineno or 1, text.count("\n") + 1)
    except (RecursionError, MemoryError, ValueError):
        return None
    return None


def _find_magic_at_or_before(lines: list[str], broken: int) -> int | None:
    """The line itself, or the nearest one above it whose open bracket or quote broke it."""
    for place in range(broken - 1, -1, -1):
        if MAGIC_LINE.match(lines[place]) or MAGIC_ASSIGNMENT.match(lines[place]):
            return place
    return None


def _blank_magic(lines: list[str], place: int, label: str) -> Note:
    line = lines[place]
    where = f"{label}, line {place + 1}" if label else f"line {place + 1}"
    note = Note(where, show(line), "a shell or notebook command")
    last = place
    while lines[last].rstrip().endswith("\\") and last + 1 < len(lines):
        last += 1
        lines[last] = ""
    assignment = MAGIC_ASSIGNMENT.match(line)
    indent = _choose_indent(lines, place)
    if assignment:  # stays an assignment of something unknown, so that its users are found
        lines[place] = f"{indent}{assignment.group(2)} = get_ipython()"
    else:
        lines[place] = f"{indent}pass"
    return note


def _choose_indent(lines: list[str], place: int) -> str:
    """A shell line may be indented where Python must not be."""
    own = lines[place][: len(lines[place]) - len(lines[place].lstrip())]
    above = next((line for line in reversed(lines[:place]) if line.strip()), "")
    above_indent = above[: len(above) - len(above.lstrip())]
    return own if above.rstrip().endswith(":") or len(own) <= len(above_indent) else above_indent


def _add_cell(notebook: Notebook, label: str, source: str) -> None:
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    first, _, rest = source.lstrip("\n").partition("\n")
    if first.startswith("%%"):
        written = WRITE_FILE.match(first)
        if written:
            _add_written_file(notebook, label, written, rest)
            return
        magic = first[2:].split()[0] if first[2:].split() else ""
        if magic not in PYTHON_CELL_MAGICS:
            notebook.left_out.append(Note(label, show(source), f"a cell for {show(magic) or 'another program'}"))
            return
        source = "\n" * (len(source) - len(source.lstrip("\n"))) + "pass\n" + rest
    source = textwrap.dedent(source)
    text, left_out = strip_magics(source, label)
    try:
        tree = parse_python(text, label)
    except ParticipantFault as fault:
        if re.search(rf"\bdef\s+{ENTRY_FUNCTION}\b", text):
            raise
        notebook.left_out.append(Note(label, show(source), f"not Python: {fault.message}"))
        return
    notebook.cells.append(Cell(label, text.split("\n"), tree, left_out, source.split("\n")))


def _add_written_file(notebook: Notebook, label: str, written: re.Match[str], rest: str) -> None:
    name = written.group(2).strip("\"'").removeprefix("./").removeprefix("/kaggle/working/")
    if not re.fullmatch(r"[A-Za-z_]\w*\.py", name):
        notebook.left_out.append(Note(label, show(written.group(0)), "writes a file that is not Python"))
        return
    before = notebook.written_files.get(name, "") if written.group(1) else ""
    notebook.written_files[name] = before + rest.rstrip("\n") + "\n"


def _find_sources(text: str, name: str) -> list[tuple[str, str]]:
    """(label, source) of every code cell; labels count code cells as they stand."""
    document = _load_document(text, name)
    _check_language(document, name)
    cells = document.get("cells")
    if cells is None:
        sheets = document.get("worksheets") or []
        cells = [cell for sheet in sheets if isinstance(sheet, dict) for cell in sheet.get("cells") or []]
    if not isinstance(cells, list):
        raise ParticipantFault(FaultCode.NOTEBOOK_INVALID, f"{show(name)} has no list of cells")
    code = [cell for cell in cells if isinstance(cell, dict) and cell.get("cell_type") == "code"]
    if not code:
        raise ParticipantFault(FaultCode.NOTEBOOK_INVALID, f"{show(name)} has no code cell")
    return [(f"code cell {count}", _get_source(cell, name, count)) for count, cell in enumerate(code, start=1)]


def _get_source(cell: dict[str, Any], name: str, count: int) -> str:
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        raise ParticipantFault(FaultCode.NOTEBOOK_INVALID, f"{show(name)}: the source of code cell {count} is not text")
    return source


def _load_document(text: str, name: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        message = f"{show(name)} is not a notebook: {error.msg} at line {error.lineno}"
        raise ParticipantFault(FaultCode.NOTEBOOK_INVALID, message) from None
    except (RecursionError, ValueError):
        raise ParticipantFault(FaultCode.NOTEBOOK_INVALID, f"{show(name)} is not a readable notebook") from None
    if not isinstance(document, dict) or not ("cells" in document or "worksheets" in document):
        raise ParticipantFault(FaultCode.NOTEBOOK_INVALID, f"{show(name)} is JSON, but not a notebook")
    return document


def _check_language(document: dict[str, Any], name: str) -> None:
    metadata = document.get("metadata")
    if not isinstance(metadata, dict):
        return
    for block, key in (("kernelspec", "language"), ("language_info", "name")):
        entry = metadata.get(block)
        language = entry.get(key) if isinstance(entry, dict) else None
        if isinstance(language, str) and language.lower() not in PYTHON_LANGUAGES:
            message = f"{show(name)} is a notebook for {show(language)}, not Python"
            raise ParticipantFault(FaultCode.NOTEBOOK_INVALID, message)
