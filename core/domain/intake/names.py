"""Which names a statement binds, needs at once, and needs when its functions are called."""

import ast
import copy
import symtable
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

COMPREHENSIONS = frozenset({"listcomp", "setcomp", "dictcomp", "genexpr"})
DEFINITION = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass(frozen=True, slots=True)
class Names:
    binds: frozenset[str]
    binds_when_called: frozenset[str]  # by `global` in a function
    eager: frozenset[str]
    lazy: frozenset[str]

    @property
    def needs(self) -> frozenset[str]:
        return self.eager | self.lazy


def find_names(statement: ast.stmt, *, with_annotations: bool = False) -> Names:
    """Let Python's own symbol tables decide; annotations count only where the file evaluates them."""
    bare = _DropConstants().visit(copy.deepcopy(statement))
    if not with_annotations:
        bare = _DropAnnotations().visit(bare)
    source = ast.unparse(ast.fix_missing_locations(bare))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = symtable.symtable(source, "cell", "exec")
    binds, eager = set(), set()
    for symbol in table.get_symbols():
        if symbol.is_assigned() or symbol.is_imported():
            binds.add(symbol.get_name())
        if symbol.is_referenced():
            eager.add(symbol.get_name())
    found = _Found(set(), eager, set())
    for child in table.get_children():
        _collect(child, found, is_lazy=False)
    return Names(frozenset(binds), frozenset(found.binds), frozenset(found.eager), frozenset(found.lazy))


@dataclass(frozen=True, slots=True)
class _Found:
    binds: set[str]
    eager: set[str]
    lazy: set[str]


def _collect(table: symtable.SymbolTable, found: _Found, *, is_lazy: bool) -> None:
    if table.get_type() == "function" and table.get_name() not in COMPREHENSIONS:
        is_lazy = True
    for symbol in table.get_symbols():
        if symbol.is_global() and symbol.is_referenced():
            (found.lazy if is_lazy else found.eager).add(symbol.get_name())
        if symbol.is_declared_global() and symbol.is_assigned():
            found.binds.add(symbol.get_name())
    for child in table.get_children():
        _collect(child, found, is_lazy=is_lazy)


class _DropConstants(ast.NodeTransformer):
    """They bind nothing, and a number of thousands of digits cannot be written."""

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.copy_location(ast.Constant(0), node) if isinstance(node.value, int | bytes) else node


class _DropAnnotations(ast.NodeTransformer):
    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is None:
            return ast.Pass()
        return self.generic_visit(ast.Assign(targets=[node.target], value=node.value))


def iter_eager(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes that run when the statement runs: not the bodies of functions and lambdas."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, FUNCTION):
            waiting.extend(node.args.defaults)
            waiting.extend(default for default in node.args.kw_defaults if default)
            waiting.extend(getattr(node, "decorator_list", []))
        else:
            waiting.extend(ast.iter_child_nodes(node))


def get_root(node: ast.AST) -> str | None:
    """`a` of `a.b[0].c()`."""
    while True:
        if isinstance(node, ast.Name):
            return node.id
        if isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        else:
            return None


def get_dotted(node: ast.AST) -> str | None:
    """`torch.utils.data` of such an expression; None if it is anything but names and dots."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([node.id, *reversed(parts)])


def find_aliases(statements: list[ast.stmt]) -> dict[str, str]:
    """What each imported name stands for: `pd` → `pandas`, `load` → `torch.load`."""
    aliases: dict[str, str] = {}
    for statement in statements:
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                top = alias.name.split(".")[0]
                aliases[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(statement, ast.ImportFrom):
            for alias in statement.names:
                aliases[alias.asname or alias.name] = f"{statement.module or ''}.{alias.name}"
    return aliases
