"""Scripts that a notebook was exported to: what their magics carry is Python again, line by line."""

import ast
import textwrap

from core.domain.intake.magics import CARRIED, PYTHON_CELL_MAGICS
from core.domain.intake.names import get_dotted
from core.domain.intake.python_text import parse_quietly
from core.domain.intake.report import Note, show

LINE_MAGICS = frozenset({"time", "prun"})
WRITING = frozenset({"writefile", "file"})


def expand_magics(text: str) -> tuple[str, tuple[Note, ...]]:
    """`get_ipython().run_cell_magic("time", "", "x = 1")` becomes `x = 1`; with a note of each."""
    if "get_ipython()" not in text:
        return text, ()
    try:
        tree = parse_quietly(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return text, ()
    lines = text.split("\n")
    notes: list[Note] = []
    found = [statement for statement in ast.walk(tree) if isinstance(statement, ast.Expr | ast.Assign)]
    for statement in sorted(found, key=lambda each: each.lineno, reverse=True):
        code = _read_carried(statement)
        before = lines[statement.lineno - 1][: statement.col_offset]
        if code is not None and not before.strip():
            carried = textwrap.indent(code.rstrip("\n"), before)
            notes.append(Note(f"line {statement.lineno}", show(lines[statement.lineno - 1]), CARRIED))
            lines[statement.lineno - 1 : statement.end_lineno] = carried.split("\n")
    return "\n".join(lines), tuple(reversed(notes))


def find_written(text: str) -> dict[str, str]:
    """The first line and the content of each `%%writefile` cell that an exported script holds."""
    if "run_cell_magic" not in text:
        return {}
    try:
        tree = parse_quietly(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    calls = [_read_call(statement.value) for statement in tree.body if isinstance(statement, ast.Expr)]
    return {f"%%writefile {call[2]}": call[3] for call in calls if call is not None and call[1] in WRITING}


def _read_carried(statement: ast.Expr | ast.Assign) -> str | None:
    call = _read_call(statement.value)
    if call is None:
        return None
    kind, magic, line, cell = call
    if kind == "run_cell_magic":
        return cell if magic in PYTHON_CELL_MAGICS and isinstance(statement, ast.Expr) and _parses(cell) else None
    if magic not in LINE_MAGICS or not line or line.startswith("-"):
        return None
    targets = [ast.unparse(target) for target in statement.targets] if isinstance(statement, ast.Assign) else []
    code = " = ".join([*targets, line])
    return code if _parses(code) else None


def _read_call(value: ast.expr) -> tuple[str, str, str, str] | None:
    """Kind, magic, its line and its cell."""
    if not isinstance(value, ast.Call) or not isinstance(value.func, ast.Attribute):
        return None
    shell = value.func.value
    if not isinstance(shell, ast.Call) or get_dotted(shell.func) != "get_ipython":
        return None
    given = [part.value for part in value.args if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    if value.func.attr not in ("run_cell_magic", "run_line_magic", "magic") or len(given) != len(value.args):
        return None
    if value.func.attr == "magic" and given:
        given = [*given[0].split(maxsplit=1)]
    magic, line, cell, *_ = [*given, "", "", ""]
    return value.func.attr, magic, line, cell


def _parses(code: str) -> bool:
    try:
        parse_quietly(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
