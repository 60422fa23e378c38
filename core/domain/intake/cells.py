"""Notebook JSON or a script → code cells that parse as Python, with every shell and magic line accounted for."""

import ast
import json
import re
import textwrap
from dataclasses import dataclass
from typing import Any

from core.domain.errors import ParticipantFault
from core.domain.faults import FaultCode
from core.domain.intake.exported import expand_magics, find_written
from core.domain.intake.magics import CARRIED, PYTHON_CELL_MAGICS, carries_python, strip_magics
from core.domain.intake.python_text import check_source_size, parse_python
from core.domain.intake.report import ENTRY_FUNCTION, Note, show

WRITE_FILE = re.compile(r"^%%(?:writefile|file)\s+(-a\s+|--append\s+)?(\S+)\s*$")
WRITTEN_NAME = re.compile(r"([A-Za-z_]\w*/){0,6}[A-Za-z_]\w*\.py")
HOSTED_FOLDERS = ("/kaggle/working/", "/kaggle/tmp/", "/content/")
LANGUAGE = "python"  # kernels call it python3, ipython, xpython, Python 3


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


def read_script(text: str, name: str) -> Notebook:
    """A script as one cell; what is neither Python nor a shell line is the author's syntax error."""
    check_source_size(len(text), name)
    source = text.replace("\r\n", "\n").replace("\r", "\n")
    notebook = Notebook([], [], {})
    for first, rest in find_written(source).items():
        written = WRITE_FILE.match(first)
        if written:
            _add_written_file(notebook, "", written, rest)
    source, expanded = expand_magics(source)
    notebook.left_out.extend(expanded)
    stripped, left_out = strip_magics(source, "")
    notebook.cells.append(Cell("", stripped.split("\n"), parse_python(stripped, name), left_out, source.split("\n")))
    return notebook


def _add_cell(notebook: Notebook, label: str, source: str) -> None:
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    first, _, rest = source.lstrip().partition("\n")
    carrier: Note | None = None
    if first.startswith("%%"):
        written = WRITE_FILE.match(first)
        if written:
            _add_written_file(notebook, label, written, rest)
            return
        magic = first[2:].split()[0] if first[2:].split() else ""
        if not carries_python(magic, rest):
            notebook.left_out.append(Note(label, show(source), f"a cell for {show(magic) or 'another program'}"))
            return
        carrier = None if magic in PYTHON_CELL_MAGICS else Note(f"{label}, line 1", show(first), CARRIED)
        source = "\n" * source[: len(source) - len(source.lstrip())].count("\n") + "pass\n" + rest
    source = textwrap.dedent(source)
    text, left_out = strip_magics(source, label)
    try:
        tree = parse_python(text, label)
    except ParticipantFault as fault:
        if re.search(rf"\bdef\s+{ENTRY_FUNCTION}\b", text):
            raise
        notebook.left_out.append(Note(label, show(source), f"not Python: {fault.message}"))
        return
    left_out |= {1: carrier} if carrier else {}
    notebook.cells.append(Cell(label, text.split("\n"), tree, left_out, source.split("\n")))


def _add_written_file(notebook: Notebook, label: str, written: re.Match[str], rest: str) -> None:
    name = written.group(2).strip("\"'").removeprefix("./")
    name = next((name.removeprefix(folder) for folder in HOSTED_FOLDERS if name.startswith(folder)), name)
    if not WRITTEN_NAME.fullmatch(name):
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
        if isinstance(language, str) and language.strip() and LANGUAGE not in language.lower():
            message = f"{show(name)} is a notebook for {show(language)}, not Python"
            raise ParticipantFault(FaultCode.NOTEBOOK_INVALID, message)
