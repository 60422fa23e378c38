"""Switches of a notebook: a constant that is bound once decides which branches ever run."""

import ast
import copy
from collections.abc import Iterable, Iterator, Mapping

from core.domain.intake.names import iter_eager

Constants = Mapping[str, object]


def find_constants(statements: Iterable[ast.stmt]) -> dict[str, object]:
    """Names that the module binds exactly once, to a plain value, outside every block."""
    listed = list(statements)
    counts: dict[str, int] = {}
    for statement in listed:
        for name in _iter_bound(statement):
            counts[name] = counts.get(name, 0) + 1
    return {
        target.id: statement.value.value
        for statement in listed
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant)
        for target in statement.targets
        if isinstance(target, ast.Name) and counts[target.id] == 1
    }


def _iter_bound(statement: ast.stmt) -> Iterable[str]:
    for node in iter_eager(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
            yield node.id
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).split(".")[0]
    for node in ast.walk(statement):
        if isinstance(node, ast.Global):
            yield from node.names


def open_decided(body: Iterable[ast.stmt], constants: Constants) -> Iterator[ast.stmt]:
    """The statements, those of a decided `if` in its place."""
    for statement in body:
        truth = decide(statement.test, constants) if isinstance(statement, ast.If) else None
        if isinstance(statement, ast.If) and truth is not None:
            yield from open_decided(statement.body if truth else statement.orelse, constants)
        else:
            yield statement


def fold(statement: ast.stmt, constants: Constants) -> ast.stmt:
    """A copy without the branches that never run; the statement itself when nothing is known."""
    if not constants:
        return statement
    folded = _Fold(constants).visit(copy.deepcopy(statement))
    return ast.fix_missing_locations(folded) if isinstance(folded, ast.stmt) else ast.Pass()


def decide(test: ast.expr, constants: Constants) -> bool | None:
    """The truth of a test, where constants say it."""
    if isinstance(test, ast.Constant):
        return bool(test.value)
    if isinstance(test, ast.Name):
        return bool(constants[test.id]) if test.id in constants else None
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = decide(test.operand, constants)
        return None if inner is None else not inner
    if isinstance(test, ast.BoolOp):
        return _decide_chain(test, constants)
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        return _decide_comparison(test, constants)
    return None


def _decide_chain(test: ast.BoolOp, constants: Constants) -> bool | None:
    found = [decide(value, constants) for value in test.values]
    decisive = isinstance(test.op, ast.Or)
    if decisive in found:
        return decisive
    return None if None in found else not decisive


def _decide_comparison(test: ast.Compare, constants: Constants) -> bool | None:
    sides = [_get_value(side, constants) for side in (test.left, test.comparators[0])]
    if None in sides:
        return None
    (left,), (right,) = (side for side in sides if side is not None)
    operator = test.ops[0]
    if isinstance(operator, ast.Eq | ast.Is):
        return left == right
    if isinstance(operator, ast.NotEq | ast.IsNot):
        return left != right
    if not isinstance(left, int | float) or not isinstance(right, int | float):
        return None
    found = {ast.Lt: left < right, ast.LtE: left <= right, ast.Gt: left > right, ast.GtE: left >= right}
    return found.get(type(operator))


def _get_value(side: ast.expr, constants: Constants) -> tuple[object] | None:
    if isinstance(side, ast.Constant):
        return (side.value,)
    return (constants[side.id],) if isinstance(side, ast.Name) and side.id in constants else None


class _Fold(ast.NodeTransformer):
    def __init__(self, constants: Constants) -> None:
        self._constants = constants

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        truth = decide(node.test, self._constants)
        self.generic_visit(node)
        if truth is None:
            return node
        return (node.body if truth else node.orelse) or ast.Pass()

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        truth = decide(node.test, self._constants)
        self.generic_visit(node)
        return node if truth is None else node.body if truth else node.orelse

    def visit_While(self, node: ast.While) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        return (node.orelse or ast.Pass()) if decide(node.test, self._constants) is False else node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._enter(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._enter(node)

    def _enter(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        """A name that a function binds itself is another one there."""
        own = {part.arg for part in ast.walk(node) if isinstance(part, ast.arg)}
        own |= {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
        known = {name: value for name, value in self._constants.items() if name not in own}
        inner = _Fold(known)
        node.body = [
            part
            for statement in node.body
            for found in [inner.visit(statement)]
            for part in (found if isinstance(found, list) else [found])
        ] or [ast.Pass()]
        return node
