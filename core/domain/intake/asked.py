"""The import statements of a file, and how surely each of them runs when the file does."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace

from core.domain.intake.entry import is_main_guard
from core.domain.intake.names import get_dotted
from core.domain.intake.report import ENTRY_FUNCTION, PREPARE_FUNCTION

CATCHING = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class Asked:
    """`import module`, or `from module import names`; level counts the dots."""

    module: str
    names: tuple[str, ...]
    level: int
    line: int
    text: str
    is_certain: bool  # it runs whenever the file is imported and called
    is_guarded: bool  # its failure is caught
    may_move_path: bool = False  # the file changes sys.path


@dataclass(frozen=True, slots=True)
class _Place:
    is_certain: bool = True
    is_guarded: bool = False
    is_inside: bool = False  # of a function


def find_imports(tree: ast.Module, *, is_entry: bool) -> list[Asked]:
    moves = any(isinstance(node, ast.Attribute) and get_dotted(node) == "sys.path" for node in ast.walk(tree))
    found = list(_walk(tree.body, _Place(), {ENTRY_FUNCTION, PREPARE_FUNCTION} if is_entry else set()))
    return [replace(asked, may_move_path=True) for asked in found] if moves else found


def _walk(body: list[ast.stmt], place: _Place, called: set[str]) -> Iterator[Asked]:
    for statement in body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            yield from _read(statement, place)
        elif isinstance(statement, FUNCTION):
            is_called = statement.name in called and place == _Place()
            yield from _walk(statement.body, replace(place, is_certain=is_called, is_inside=True), set())
        else:
            yield from _walk_block(statement, place, called)
        if place.is_inside and isinstance(statement, ast.Return | ast.Raise):
            return


def _walk_block(statement: ast.stmt, place: _Place, called: set[str]) -> Iterator[Asked]:
    unsure = replace(place, is_certain=False)
    if isinstance(statement, ast.Try | ast.TryStar):
        yield from _walk_try(statement, place, called)
    elif isinstance(statement, ast.If):
        is_never = is_main_guard(statement) or _is_false(statement.test)
        yield from () if is_never else _walk(statement.body, unsure, called)
        yield from _walk(statement.orelse, place if is_never else unsure, called)
    elif isinstance(statement, ast.With | ast.AsyncWith):
        is_guarded = place.is_guarded or any(_suppresses(item.context_expr) for item in statement.items)
        yield from _walk(statement.body, replace(place, is_guarded=is_guarded), called)
    elif isinstance(statement, ast.ClassDef):
        yield from _walk(statement.body, place, set())
    else:
        for part in (statement, *getattr(statement, "cases", [])):
            yield from _walk([*getattr(part, "body", []), *getattr(part, "orelse", [])], unsure, called)


def _walk_try(statement: ast.Try | ast.TryStar, place: _Place, called: set[str]) -> Iterator[Asked]:
    unsure = replace(place, is_certain=False)
    is_caught = any(map(_catches, statement.handlers))
    yield from _walk(statement.body, replace(place, is_guarded=True) if is_caught else place, called)
    for handler in statement.handlers:
        yield from _walk(handler.body, unsure, called)
    yield from _walk(statement.orelse, unsure, called)
    yield from _walk(statement.finalbody, place, called)


def _read(statement: ast.Import | ast.ImportFrom, place: _Place) -> Iterator[Asked]:
    line, text = statement.lineno, ast.unparse(statement)
    if isinstance(statement, ast.ImportFrom):
        names = tuple(alias.name for alias in statement.names)
        yield Asked(statement.module or "", names, statement.level, line, text, place.is_certain, place.is_guarded)
        return
    for alias in statement.names:
        yield Asked(alias.name, (), 0, line, text, place.is_certain, place.is_guarded)


def _catches(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any((get_dotted(kind) or "").split(".")[-1] in CATCHING for kind in kinds)


def _suppresses(context: ast.expr) -> bool:
    return isinstance(context, ast.Call) and (get_dotted(context.func) or "").split(".")[-1] == "suppress"


def _is_false(test: ast.expr) -> bool:
    if isinstance(test, ast.Constant):
        return not test.value
    return (get_dotted(test) or "").split(".")[-1] == "TYPE_CHECKING"
