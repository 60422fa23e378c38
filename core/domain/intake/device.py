"""Let code that is written for one GPU run wherever the platform runs it; every change is reported."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from core.domain.intake.names import get_dotted

DEVICE_NAME = "LACUNA_DEVICE"
DEVICE_LINES = (
    "import torch as _lacuna_torch\n"
    f'{DEVICE_NAME} = "cuda" if _lacuna_torch.cuda.is_available() else "cpu"  # set by the platform\n'
)
ONE_LINE = f'import torch as _lacuna_torch; {DEVICE_NAME} = "cuda" if _lacuna_torch.cuda.is_available() else "cpu"'
CUDA = re.compile(r"^cuda(:\d+)?$")
# A text "cuda" here is looked at or shown, not asked for.
LOOKED_AT = (ast.Compare, ast.JoinedStr, ast.Subscript, ast.MatchValue)
SPEAKING_CALLS = frozenset({"print", "startswith", "format", "info", "warning", "count", "find", "split"})
SWITCHED_OFF_CALLS = frozenset({"autocast", "GradScaler"})  # they do nothing where there is no GPU
# They fail where there is no GPU, and are called for their effect alone.
GPU_CALLS = frozenset(
    {
        *(f"torch.cuda.{name}" for name in ("synchronize", "set_device", "init", "reset_peak_memory_stats")),
        *(f"torch.cuda.{name}" for name in ("reset_max_memory_allocated", "reset_accumulated_memory_stats")),
    }
)


@dataclass(frozen=True, slots=True)
class Edit:
    line: int
    start: int  # byte columns
    end: int
    text: str


def answer_device(text: str, tree: ast.Module) -> tuple[str, dict[int, tuple[str, str]]]:
    """A whole file, and what stood in each changed line and stands there now."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")  # lines as Python counts them
    changed, numbers = rewrite_device(plain, tree)
    if not numbers:
        return text, {}
    before, after = plain.split("\n"), changed.split("\n")
    lines = {line: (before[line - 1], after[line - 1]) for line in sorted(numbers)}
    if DEVICE_NAME in changed:
        place = next((each for each in tree.body if not _must_be_first(each)), tree.body[0])
        first = min([place.lineno, *(each.lineno for each in getattr(place, "decorator_list", []))])
        joint = "\n" if hasattr(place, "body") or place.col_offset else "; "  # lines keep their numbers if they can
        after[first - 1] = f"{ONE_LINE}{joint}{after[first - 1]}"
    return "\n".join(after), lines


def rewrite_device(text: str, tree: ast.Module) -> tuple[str, frozenset[int]]:
    """The text with "cuda" and .cuda() answered by the platform's device, and the lines that changed."""
    lines = [line.encode() for line in text.split("\n")]
    edits = sorted(_find_edits(tree, lines), key=lambda edit: (edit.line, edit.start), reverse=True)
    for edit in edits:
        line = lines[edit.line - 1]
        lines[edit.line - 1] = line[: edit.start] + edit.text.encode() + line[edit.end :]
    return b"\n".join(lines).decode(), frozenset(edit.line for edit in edits)


def _must_be_first(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.ImportFrom):
        return statement.module == "__future__"
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _find_edits(tree: ast.Module, lines: list[bytes]) -> Iterator[Edit]:
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if _only_looks(node):
            continue
        if isinstance(node, ast.Call):
            yield from _edit_call(node, lines)
        elif isinstance(node, ast.Constant) and _is_cuda(node) and node.end_col_offset is not None:
            yield Edit(node.lineno, node.col_offset, node.end_col_offset, DEVICE_NAME)
        waiting.extend(ast.iter_child_nodes(node))


def _only_looks(node: ast.AST) -> bool:
    """Comparisons, f-strings, printing, and choices that ask is_available() themselves need no help."""
    if isinstance(node, LOOKED_AT):
        return True
    if isinstance(node, ast.IfExp):
        return _asks_available(node.test)
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        return name in SPEAKING_CALLS | SWITCHED_OFF_CALLS
    return False


def _asks_available(test: ast.AST) -> bool:
    return any(isinstance(node, ast.Attribute) and node.attr == "is_available" for node in ast.walk(test))


def _is_cuda(node: ast.Constant) -> bool:
    return isinstance(node.value, str) and CUDA.match(node.value) is not None and node.lineno == node.end_lineno


def _edit_call(call: ast.Call, lines: list[bytes]) -> Iterator[Edit]:
    function = call.func
    if not isinstance(function, ast.Attribute) or function.lineno != call.end_lineno:
        return
    if function.attr == "cuda":
        yield from _edit_cuda_method(call, function, lines)
    elif get_dotted(function) in GPU_CALLS and call.lineno == call.end_lineno:
        before = lines[call.lineno - 1][call.col_offset : call.end_col_offset].decode()
        text = f"(torch.cuda.is_available() and {before})"
        yield Edit(call.lineno, call.col_offset, call.end_col_offset or 0, text)


def _edit_cuda_method(call: ast.Call, function: ast.Attribute, lines: list[bytes]) -> Iterator[Edit]:
    """`x.cuda(0, non_blocking=True)` → `x.to(LACUNA_DEVICE, non_blocking=True)`."""
    value_end, line = function.value.end_col_offset or 0, call.end_lineno or 0
    between = lines[line - 1][value_end : function.end_col_offset].replace(b" ", b"").replace(b")", b"")
    if function.value.end_lineno != line or between != b".cuda":
        return
    options = "".join(f", {ast.unparse(keyword)}" for keyword in call.keywords if keyword.arg != "device")
    closing = b")" * lines[line - 1][value_end : function.end_col_offset].count(b")")
    yield Edit(line, value_end, call.end_col_offset or 0, f"{closing.decode()}.to({DEVICE_NAME}{options})")
