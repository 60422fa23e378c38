"""Names that a file certainly binds, and names that it certainly lacks when it is imported."""

import ast
from collections.abc import Callable, Iterator

from core.domain.errors import ParticipantFault
from core.domain.faults import FaultCode
from core.domain.intake.effects import BUILTIN_NAMES
from core.domain.intake.entry import is_main_guard
from core.domain.intake.names import Names, find_names
from core.domain.intake.report import show

MODULE_NAMES = BUILTIN_NAMES | {"__package__", "__loader__", "__annotations__", "__cached__", "__path__", "__dict__"}
# Whoever calls these can bind any name there is.
BINDING_CALLS = frozenset({"exec", "eval", "globals", "locals", "vars", "setattr", "__import__", "builtins"})


def find_module_names(tree: ast.Module) -> frozenset[str] | None:
    """What can be imported from a file; None where its text does not say."""
    if is_open(tree) or any(getattr(statement, "name", "") == "__getattr__" for statement in tree.body):
        return None
    found: set[str] = set()
    for statement in tree.body:
        names = find_names(statement)
        found |= names.binds | names.binds_when_called
    return frozenset(found)


def check_bound(tree: ast.Module, *, locate: Callable[[int], str]) -> None:
    """Raise the fault of a name that is used while the file is imported and is nowhere before."""
    if is_open(tree):
        return
    is_lazy = any(
        isinstance(node, ast.ImportFrom)
        and node.module == "__future__"
        and "annotations" in {alias.name for alias in node.names}
        for node in tree.body
    )
    bound = set(MODULE_NAMES)
    for statement in tree.body:
        names = find_names(statement, with_annotations=not is_lazy)
        for missing in sorted(_find_missing(statement, names, bound)):
            where = locate(_find_line(statement, missing))
            raise ParticipantFault(FaultCode.IMPORT_MISSING, f"{where}: {show(missing)} is used and not defined yet")
        bound |= names.binds | names.binds_when_called


def is_open(tree: ast.Module) -> bool:
    """A star import, or code that binds names by their text."""
    return any(_binds_anything(node) for node in _iter_nodes(tree))


def _find_missing(statement: ast.stmt, names: Names, bound: set[str]) -> frozenset[str]:
    """Blocks may not be entered, and what they bind themselves comes in an order that is not looked at."""
    if isinstance(statement, ast.If | ast.Try | ast.TryStar | ast.While | ast.For | ast.With | ast.Match):
        return frozenset()
    own = names.binds if isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) else frozenset()
    if any(
        isinstance(node, ast.NamedExpr | ast.comprehension | ast.IfExp | ast.BoolOp) for node in ast.walk(statement)
    ):
        return frozenset()
    return names.eager - bound - own


def _find_line(statement: ast.stmt, name: str) -> int:
    lines = [node.lineno for node in ast.walk(statement) if isinstance(node, ast.Name) and node.id == name]
    return min(lines, default=statement.lineno)


def _binds_anything(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.names[0].name == "*"
    return isinstance(node, ast.Name) and node.id in BINDING_CALLS


def _iter_nodes(tree: ast.Module) -> Iterator[ast.AST]:
    for statement in tree.body:
        if not is_main_guard(statement):
            yield from ast.walk(statement)
