"""The statements of a notebook, cut into the smallest pieces that can be kept or left out on their own."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise

from core.domain.intake.cells import Cell
from core.domain.intake.effects import BUILTIN_NAMES, FILE, INTERACTIVE, NETWORK, Effects, find_definitions
from core.domain.intake.entry import is_main_guard
from core.domain.intake.folding import Constants, decide, find_constants, fold
from core.domain.intake.libraries import is_light
from core.domain.intake.names import DEFINITION, Names, find_aliases, find_names, get_dotted, get_root, iter_eager

LOOPS = (ast.For, ast.While, ast.AsyncFor)


class Kind(StrEnum):
    IMPORT = "import"
    DEFINITION = "definition"
    CONSTANT = "constant"
    OTHER = "other"


@dataclass(slots=True)
class Unit:
    """One statement, under the `if`s that lead to it."""

    cell: Cell
    node: ast.stmt
    guards: tuple[ast.If, ...]
    names: Names
    kind: Kind
    mutates: frozenset[str] = frozenset()
    obstacle: str | None = None  # why it must not run on import
    is_silent: bool = False  # nothing worth telling the author about
    guard_names: frozenset[str] = field(default_factory=frozenset)

    @property
    def binds(self) -> frozenset[str]:
        return self.names.binds

    @property
    def gives(self) -> frozenset[str]:
        return self.names.binds | self.names.binds_when_called

    @property
    def touches(self) -> frozenset[str]:
        return self.gives | self.mutates

    @property
    def eager(self) -> frozenset[str]:
        return self.names.eager | self.guard_names

    @property
    def is_star_import(self) -> bool:
        return isinstance(self.node, ast.ImportFrom) and self.node.names[0].name == "*"


def cut_into_units(cells: list[Cell], *, entry: str) -> list[Unit]:
    """Every module-level statement of every cell, in order, with what it needs and what speaks against it."""
    for cell in cells:
        cell.tree.body = [part for statement in cell.tree.body for part in _split_imports(statement)]
    placed = [(cell, statement, guards) for cell in cells for statement, guards in _iter_leaves(cell.tree.body)]
    statements = [statement for _, statement, _ in placed]
    inner = [node for statement in statements for node in ast.walk(statement) if isinstance(node, ast.stmt)]
    effects = Effects(find_aliases(inner), find_definitions(statements), entry)
    variables = _find_variables(statements, set(effects.aliases))
    constants = find_constants([part for cell in cells for part in cell.tree.body])
    units = [_make_unit(*place, effects, variables, constants) for place in placed]
    for unit in units:
        if _never_runs(unit.node, unit.guards, constants):
            _lay_to_rest(unit)
    return units


def _split_imports(statement: ast.stmt) -> list[ast.stmt]:
    """`import a, b` as two statements: one of them may have to go."""
    if not isinstance(statement, ast.Import) or len(statement.names) < 2:
        return [statement]
    return [ast.copy_location(ast.Import([alias]), statement) for alias in statement.names]


def _never_runs(statement: ast.stmt, guards: tuple[ast.If, ...], constants: Constants) -> bool:
    """Whether an `if` on the way is decided against it."""
    for guard, inner in pairwise((*guards, statement)):
        truth = decide(guard.test, constants) if isinstance(guard, ast.If) else None
        body = guard.body if isinstance(guard, ast.If) else []
        if truth is not None and truth is not any(inner is node for part in body for node in ast.walk(part)):
            return True
    return False


def _lay_to_rest(unit: Unit) -> None:
    """What never runs needs nothing; it may stay unless it looks dangerous."""
    nothing: frozenset[str] = frozenset()
    if unit.obstacle:
        unit.names, unit.mutates = Names(nothing, nothing, nothing, nothing), nothing
        unit.obstacle = "never runs: a constant decides the `if`"
    else:
        unit.names = Names(unit.names.binds, unit.names.binds_when_called, nothing, nothing)


def open_main_guards(body: list[ast.stmt]) -> list[ast.stmt]:
    """The statements as a notebook runs them: what is under `if __name__ == "__main__"` stands on its own."""
    found: list[ast.stmt] = []
    for statement in body:
        if isinstance(statement, ast.If) and is_main_guard(statement):
            found.extend(open_main_guards(statement.body))
        else:
            found.append(statement)
    return found


def count_leaves(cell: Cell) -> int:
    return sum(1 for _ in _iter_leaves(cell.tree.body))


def _iter_leaves(
    body: list[ast.stmt], guards: tuple[ast.If, ...] = ()
) -> Iterator[tuple[ast.stmt, tuple[ast.If, ...]]]:
    for statement in body:
        if is_main_guard(statement) and isinstance(statement, ast.If):
            yield from _iter_leaves(statement.body, guards)
        elif isinstance(statement, ast.If):
            inner = (*guards, statement)
            yield from _iter_leaves(statement.body, inner)
            yield from _iter_leaves(statement.orelse, inner)
        else:
            yield statement, guards


def _find_variables(statements: list[ast.stmt], imported: set[str]) -> set[str]:
    bound = {
        node.id
        for statement in statements
        if not _binds_constant(statement)
        for node in iter_eager(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    defined = {statement.name for statement in statements if isinstance(statement, DEFINITION)}
    return (bound - imported) | defined


def _binds_constant(statement: ast.stmt) -> bool:
    """A number or a text cannot be changed in place."""
    if not isinstance(statement, ast.Assign | ast.AnnAssign):
        return False
    value = statement.value
    parts = [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]
    return all(isinstance(part, ast.Constant | ast.JoinedStr) for part in parts)


def _make_unit(
    cell: Cell,
    statement: ast.stmt,
    guards: tuple[ast.If, ...],
    effects: Effects,
    variables: set[str],
    constants: Constants,
) -> Unit:
    tests = [guard.test for guard in guards]
    guard_names = frozenset(
        node.id for test in tests for node in ast.walk(test) if isinstance(node, ast.Name) and node.id != "__name__"
    )
    unit = Unit(
        cell, statement, guards, find_names(fold(statement, constants)), _find_kind(statement), guard_names=guard_names
    )
    unit.mutates = frozenset(_find_mutated(statement, variables, set(effects.aliases)))
    unit.obstacle = _find_obstacle(statement, tests, effects, unit.mutates)
    unit.is_silent = _is_silent(statement)
    return unit


def _find_kind(statement: ast.stmt) -> Kind:
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return Kind.IMPORT
    if isinstance(statement, DEFINITION):
        return Kind.DEFINITION
    value = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
    if value is not None and _is_plain(value) and not _has_parts(statement):
        return Kind.CONSTANT
    return Kind.OTHER


def _is_plain(value: ast.AST) -> bool:
    """Literals and arithmetic on them: costs nothing, can fail nowhere."""
    plain = (ast.Constant, ast.Tuple, ast.List, ast.Dict, ast.Set, ast.UnaryOp, ast.expr_context, ast.unaryop)
    return all(isinstance(node, plain) for node in ast.walk(value))


def _has_parts(statement: ast.stmt) -> bool:
    return any(isinstance(node, ast.Attribute | ast.Subscript) for node in ast.walk(statement))


def _is_silent(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Pass):
        return True
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _find_obstacle(statement: ast.stmt, tests: list[ast.expr], effects: Effects, mutates: frozenset[str]) -> str | None:
    if isinstance(statement, ast.Try) and _has_fallback(statement, effects):
        return None
    reason = effects.find([*tests, statement])
    if reason:
        return reason
    if isinstance(statement, ast.Delete):
        return "removes a name"
    if isinstance(statement, ast.Expr) and not mutates:
        return "runs something for its effect only" if isinstance(statement.value, ast.Call) else "shows a value only"
    return None


def _has_fallback(statement: ast.Try, effects: Effects) -> bool:
    """`try: W = json.load(...)  except: W = None` may stay: here the read fails and the handler answers."""
    if effects.find(statement.body) not in (FILE, NETWORK) or not statement.handlers:
        return False
    given = {name for part in statement.body for name in find_names(part).binds}
    return all(
        given <= {name for part in handler.body for name in find_names(part).binds} and not effects.find(handler.body)
        for handler in statement.handlers
    )


def _find_mutated(statement: ast.stmt, variables: set[str], imported: set[str]) -> set[str]:
    """Variables changed in place; of an import, only what is assigned to it (`Tensor.part = f`)."""
    found: set[str] = set()
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        roots = {get_root(decorator) for decorator in statement.decorator_list}
        return {root for root in roots if root in variables}  # a registry of the author's own
    for node in iter_eager(statement):
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
            root = get_root(node)
            if root in variables or root in imported:
                found.add(root)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            found |= _find_call_targets(node.value, variables)
    return found


def _find_call_targets(call: ast.Call, variables: set[str]) -> set[str]:
    """The receiver of a method; the arguments of a plain or imported function (`random.shuffle(order)`)."""
    if get_dotted(call.func) in ("print", "display", "len"):
        return set()
    receiver = get_root(call.func) if isinstance(call.func, ast.Attribute) else None
    if receiver in variables:
        return {receiver}
    roots = {get_root(part) for part in (call.args + [keyword.value for keyword in call.keywords])}
    return {root for root in roots if root in variables}


def is_default(unit: Unit) -> bool:
    """Kept whether needed or not: functions, classes, plain constants, imports that cost nothing."""
    if unit.obstacle or unit.guards:
        return unit.kind is Kind.DEFINITION and not unit.obstacle
    if isinstance(unit.node, ast.Import):
        return all(is_light(alias.name) for alias in unit.node.names)
    if isinstance(unit.node, ast.ImportFrom):
        return is_light(unit.node.module or "") and unit.node.level == 0
    return unit.kind in (Kind.DEFINITION, Kind.CONSTANT)


def is_effect(unit: Unit) -> bool:
    """Left out without loss: prints, plots, seeds and the driver loop change nothing that a function reads."""
    return unit.obstacle == INTERACTIVE or not unit.touches - BUILTIN_NAMES
