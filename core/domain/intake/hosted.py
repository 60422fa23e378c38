"""Files that notebooks of 2023 read: which of them a submission asks for, and whether a problem has them."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from core.domain.errors import ParticipantFault
from core.domain.faults import FaultCode
from core.domain.intake.batches import MAPPING_PROBLEM
from core.domain.intake.effects import FILE, Effects
from core.domain.intake.names import find_aliases, get_dotted, iter_eager
from core.domain.intake.report import ENTRY_FUNCTION, PREPARE_FUNCTION, SubmissionFiles, show

PLACES = ("/kaggle/input", "../input")
CURE = f"only practice problems in the shape of 2023 such as {MAPPING_PROBLEM} have it; take the data from the loaders"
UNDECIDED = (ast.IfExp, ast.BoolOp, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True, slots=True)
class InputRead:
    source: str
    is_certain: bool  # it happens whenever the function is called


def wants_input(files: Mapping[str, bytes]) -> bool:
    """Whether a text names the folder at all; it is made for those alone."""
    return any(place.encode() in content for content in files.values() for place in PLACES)


def find_input_read(entry: ast.Module, others: Iterable[ast.Module]) -> InputRead | None:
    """The first read of the folder; in doubt, one that may not be reached."""
    certain = next(_iter_certain(entry), None)
    if certain is not None:
        return InputRead(_write(certain), is_certain=True)
    for tree in (entry, *others):
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and _is_inside(node):
                return InputRead(_write(node), is_certain=False)
    return None


def check_input(read: SubmissionFiles, *, is_there: bool | None) -> tuple[str, ...]:
    """What to say of a submission on a problem, if one is known; raises ParticipantFault for what must fail there."""
    if not read.input_source or is_there:
        return ()
    message = f"`{read.input_source}` reads a folder that is not everywhere: {CURE}"
    if is_there is None:
        return (message,)
    message = f"`{read.input_source}` reads a folder that is not there: {CURE}"
    if read.must_have_input:
        raise ParticipantFault(FaultCode.FILE_MISSING, message, read=replace(read, files={}))
    return (f"{message} (only if that line is reached)",)


def _iter_certain(entry: ast.Module) -> Iterator[ast.Call]:
    """Calls that read it in the straight part of `unlearning` or `prepare`."""
    functions = [node for node in entry.body if isinstance(node, ast.FunctionDef)]
    effects = Effects(find_aliases([node for node in ast.walk(entry) if isinstance(node, ast.stmt)]), {}, "")
    for function in functions:
        if function.name in (ENTRY_FUNCTION, PREPARE_FUNCTION):
            for expression in _iter_straight(function.body):
                yield from (call for call in _iter_calls(expression) if _reads(call, effects))


def _iter_straight(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """What is computed whenever the body runs; what an exception is caught around is not."""
    for statement in body:
        if isinstance(statement, ast.With):
            contexts = [item.context_expr for item in statement.items]
            if any(_suppresses(context) for context in contexts):
                return
            yield from contexts
            yield from _iter_straight(statement.body)
        elif isinstance(statement, ast.For):
            yield statement.iter
        elif isinstance(statement, ast.Expr | ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Return):
            yield statement
        if any(isinstance(part, ast.Return | ast.Raise) for part in ast.walk(statement)):
            return  # whether it goes on from here is not known


def _iter_calls(expression: ast.AST) -> Iterator[ast.Call]:
    if not any(isinstance(node, UNDECIDED) for node in ast.walk(expression)):
        yield from (node for node in iter_eager(expression) if isinstance(node, ast.Call))


def _reads(call: ast.Call, effects: Effects) -> bool:
    first = call.args[0] if call.args else None
    if isinstance(first, ast.JoinedStr) and first.values:
        first = first.values[0]
    is_named = isinstance(first, ast.Constant) and _is_inside(first)
    is_search = (get_dotted(call.func) or "").split(".")[-1] in ("glob", "iglob", "walk")  # finds nothing, fails not
    return is_named and not is_search and effects.find([ast.Call(call.func, [], [])]) == FILE


def _is_inside(node: ast.Constant) -> bool:
    value = node.value
    return isinstance(value, str) and any(value == place or value.startswith(f"{place}/") for place in PLACES)


def _suppresses(context: ast.expr) -> bool:
    return isinstance(context, ast.Call) and (get_dotted(context.func) or "").split(".")[-1] == "suppress"


def _write(node: ast.AST) -> str:
    try:
        return show(ast.unparse(node))
    except (ValueError, RecursionError):
        return PLACES[0]
