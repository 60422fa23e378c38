"""Read what a participant uploads: one file, an archive or a notebook → the files that will run. Runs none of it."""

import ast
import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from itertools import chain
from pathlib import PurePosixPath

from core.domain.errors import ParticipantFault
from core.domain.faults import FaultCode
from core.domain.intake.archive import read_archive
from core.domain.intake.binding import describe_binding, write_binding
from core.domain.intake.broken import find_lost_reads
from core.domain.intake.called import find_guarded_names
from core.domain.intake.calls import read_own_call
from core.domain.intake.cells import Cell, read_notebook, read_script
from core.domain.intake.certain import EXITS, walk
from core.domain.intake.conversion import convert_cells
from core.domain.intake.data import check_programs, count_data
from core.domain.intake.density import measure_density
from core.domain.intake.entry import check_entry, find_bindings, is_main_guard, iter_statements
from core.domain.intake.names import get_dotted, iter_eager
from core.domain.intake.network import find_network
from core.domain.intake.python_text import check_source_size, decode_text, parse_python
from core.domain.intake.report import ENTRY_FILE, ENTRY_FUNCTION, Note, Origin, SubmissionFiles, show
from core.domain.intake.settling import settle
from core.domain.intake.units import open_main_guards

DEFAULT_LIMIT_BYTES = 5 << 20
CELL_MARKER = re.compile(r"^# ?(%%|In ?\[|COMMAND -{5}|Databricks notebook source|MAGIC )", re.MULTILINE)
PROGRAMS = {"os.system", "os.popen", *(f"subprocess.{name}" for name in ("run", "call", "check_call", "check_output"))}
DRIVING_CALLS = frozenset({ENTRY_FUNCTION, "get_ipython", "input", *PROGRAMS, *EXITS})
HOSTED_MODULES = frozenset({"google.colab", "kaggle_secrets", "dbutils", "kaggle_web_client"})


def read_submission(filename: str, content: bytes, *, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> SubmissionFiles:
    """Give the files that enter the sandbox, entry file `submission.py`, and what was left out of them.

    Raises ParticipantFault with a public code and one line that names the place. Pure: no file, no clock, no import.
    """
    name = PurePosixPath(filename.replace("\\", "/")).name
    try:
        read = settle(_read(name, content, limit_bytes), name)
        check_programs(read.files)
        return replace(read, data_bytes=count_data(read.files), brought=measure_density(read.files))
    except ValueError as error:  # of what Python refuses to write, such as a number of thousands of digits
        raise ParticipantFault(FaultCode.TOO_LARGE, f"{show(name)} cannot be read: {show(str(error))}") from None
    except RecursionError:
        message = f"{show(name)} nests its code or its calls too deeply to be read"
        raise ParticipantFault(FaultCode.SYNTAX_ERROR, message) from None


def _read(name: str, content: bytes, limit_bytes: int) -> SubmissionFiles:
    _check_size(content, name, limit_bytes)
    suffix = PurePosixPath(name).suffix.lower()
    if suffix == ".py":
        return _read_python_file(content, name)
    if suffix == ".ipynb":
        return _read_notebook_file(decode_text(content, name), name)
    if suffix == ".zip":
        return _read_archive_file(content, limit_bytes)
    kind = f"a {suffix} file" if suffix else "a file without a suffix"
    raise ParticipantFault(FaultCode.ARCHIVE_INVALID, f"{show(name)} is {show(kind)}, not .py, .ipynb or .zip")


def _check_size(content: bytes, name: str, limit_bytes: int) -> None:
    if len(content) > limit_bytes:
        cure = "; clear the outputs of the notebook" if name.lower().endswith(".ipynb") else ""
        raise ParticipantFault(
            FaultCode.TOO_LARGE, f"{show(name)} has {len(content)} bytes, more than {limit_bytes}{cure}"
        )
    if not content.strip():
        raise ParticipantFault(FaultCode.ENTRYPOINT_MISSING, f"{show(name)} is empty")


def _read_python_file(content: bytes, name: str) -> SubmissionFiles:
    text = decode_text(content, name)
    if text.lstrip().startswith("{") and '"cells"' in text and '"nbformat"' in text:
        read = _read_notebook_file(text, name)
        return replace(read, warnings=(*read.warnings, f"{show(name)} is a notebook; its suffix should be .ipynb"))
    return _read_entry_text(text, name)


def _read_entry_text(text: str, name: str, beside: Collection[str] = ()) -> SubmissionFiles:
    """All of a plain file runs; one written like a notebook goes through the notebook's reader."""
    script = read_script(text, name)
    cell = script.cells[0]
    is_driver = does_driver_work(cell.tree, beside)
    refusal: tuple[str, ...] = ()
    if cell.left_out or script.left_out or script.written_files or is_driver or _looks_like_a_notebook(text, cell.tree):
        try:
            converted = convert_cells(script, name=name, origin=Origin.SCRIPT)
        except ParticipantFault as fault:
            if cell.left_out or script.left_out or fault.code is not FaultCode.NOTEBOOK_INVALID or is_driver:
                raise
            refusal = (f"it looks like a notebook, and all of it runs ({fault.message})",)
        else:
            if converted.left_out or converted.changed:
                return converted
    tree = parse_python(text, name)
    own = read_own_call(open_main_guards(tree.body))
    is_bound = bool(own.text) and own.is_reordered
    doubts = check_entry(tree, name=show(name), is_bound=is_bound)
    changed = describe_binding(own, (), f"line {own.line}") if is_bound else ()
    whole = text.rstrip("\n") + write_binding(own, (), (ENTRY_FUNCTION,)) if is_bound else text
    warnings = (*refusal, *(() if is_bound else doubts), *(own.doubts if own.text else ()))
    return SubmissionFiles({ENTRY_FILE: whole.encode()}, Origin.FILE, changed=tuple(changed), warnings=warnings)


def _read_notebook_file(text: str, name: str) -> SubmissionFiles:
    notebook = read_notebook(text, name)
    written = tuple(_note_written(path, source) for path, source in notebook.written_files.items())
    if ENTRY_FILE in notebook.written_files:
        files = {path: source.encode() for path, source in notebook.written_files.items()}
        unused = [_note_unused(cell) for cell in notebook.cells]
        read = _check_files(files, Origin.NOTEBOOK)
        return replace(read, kept=(*written, *read.kept), left_out=(*read.left_out, *notebook.left_out, *unused))
    read = convert_cells(notebook, name=name, origin=Origin.NOTEBOOK)
    kept = tuple(note for path, note in zip(notebook.written_files, written, strict=True) if path in read.files)
    lost = tuple(
        Note(note.where, note.source, "the file is no Python")
        for path, note in zip(notebook.written_files, written, strict=True)
        if path not in read.files
    )
    return replace(read, kept=(*kept, *read.kept), left_out=(*lost, *read.left_out))


def _note_written(path: str, source: str) -> Note:
    return Note(show(path), show(source), f"a file beside {ENTRY_FILE}")


def _note_unused(cell: Cell) -> Note:
    return Note(cell.label, show("\n".join(cell.author_lines)), f"the notebook writes {ENTRY_FILE} itself")


def _read_archive_file(content: bytes, limit_bytes: int) -> SubmissionFiles:
    archive = read_archive(content, limit_bytes=limit_bytes)
    read = _check_files(archive.files, Origin.ARCHIVE)
    return replace(read, left_out=(*archive.left_out, *read.left_out))


def _check_files(files: Mapping[str, bytes], origin: Origin) -> SubmissionFiles:
    """Every file is text, every .py parses, and the entry file is judged like a single upload."""
    code = sum(len(content) for path, content in files.items() if path.endswith(".py"))
    check_source_size(code, f"the {origin}")
    for path, content in files.items():
        if path.endswith(".py") and path != ENTRY_FILE:
            parse_python(decode_text(content, path), path)
    text = decode_text(files[ENTRY_FILE], ENTRY_FILE)
    if not text.strip():
        raise ParticipantFault(FaultCode.ENTRYPOINT_MISSING, f"{ENTRY_FILE} is empty")
    entry = _read_entry_text(text, ENTRY_FILE, files)
    return replace(entry, files={**files, **entry.files}, origin=origin)


def _looks_like_a_notebook(text: str, tree: ast.Module) -> bool:
    """Cell markers, a raise at module level, or names that only running the file as a program binds."""
    if CELL_MARKER.search(text) or _hides_entry_in_main(tree) or find_guarded_names(tree):
        return True
    return any(isinstance(node, ast.Raise | ast.Assert) for node in _list_import_time(tree))


def does_driver_work(tree: ast.Module, beside: Collection[str] = ()) -> bool:
    """What can only fail on import here: the run itself, a path of a hosted notebook, a shell, a file not sent."""
    if any(_is_driver_work(node) for node in _list_import_time(tree)):
        return True
    steps = walk(tree)
    return any(True for _ in chain(find_lost_reads(tree, steps, beside), find_network(tree, steps)))


def _hides_entry_in_main(tree: ast.Module) -> bool:
    guarded = [statement for guard in tree.body if is_main_guard(guard) for statement in ast.walk(guard)]
    inside = any(isinstance(node, ast.FunctionDef) and node.name == ENTRY_FUNCTION for node in guarded)
    return inside and not find_bindings(tree.body, ENTRY_FUNCTION)


def _list_import_time(tree: ast.Module) -> list[ast.AST]:
    return [
        node
        for statement in iter_statements(tree.body)
        if not hasattr(statement, "body")  # what a block holds comes on its own
        for node in iter_eager(statement)
    ]


def _is_driver_work(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value.startswith(("/kaggle/", "../input/", "/content/"))
    if isinstance(node, ast.ImportFrom | ast.Import):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
        return any(name in HOSTED_MODULES for name in names)
    if isinstance(node, ast.Call):
        return get_dotted(node.func) in DRIVING_CALLS
    return False
