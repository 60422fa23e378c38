"""Which function a call of a name reaches, as far as the text tells: through names, decorators, methods, `partial`."""

import ast
from collections.abc import Callable
from dataclasses import dataclass, replace

from core.domain.intake.names import DEFINITION, get_dotted

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Find = Callable[[str], list[ast.stmt]]  # what a name may stand for
PARTIAL = frozenset({"partial", "functools.partial"})
STATIC = "staticmethod"
HOPS = 8


@dataclass(frozen=True, slots=True)
class Reached:
    """function: None where nothing can be called, and `problem` says why."""

    function: Function | None
    line: int
    taken: int = 0  # parameters that are filled before ours: of a method, of `partial`
    named: frozenset[str] = frozenset()  # filled by keyword
    problem: str = ""


def find_reached(value: ast.AST, find: Find, hops: int = HOPS) -> Reached | None:
    """None: only running it will tell."""
    if not hops:
        return None
    if isinstance(value, ast.Lambda):
        return Reached(value, value.lineno)
    if isinstance(value, ast.FunctionDef | ast.AsyncFunctionDef):
        return _pass_decorators(value, find)
    if isinstance(value, ast.Name):
        return _follow_name(value, find, hops)
    if isinstance(value, ast.Attribute):
        return _find_method(value, find)
    if isinstance(value, ast.Call):
        return _follow_call(value, find, hops)
    return None


def _follow_name(name: ast.Name, find: Find, hops: int) -> Reached | None:
    bound = _find_only(name.id, find)
    if isinstance(bound, ast.FunctionDef | ast.AsyncFunctionDef):
        return find_reached(bound, find, hops - 1)
    value = _get_value(bound)
    return find_reached(value, find, hops - 1) if value is not None else None


def _pass_decorators(function: ast.FunctionDef | ast.AsyncFunctionDef, find: Find) -> Reached | None:
    """A decorator of the file may put another function in its place; those of libraries pass on what they get."""
    found = Reached(function, function.lineno)
    for decorator in reversed(function.decorator_list):
        maker: ast.FunctionDef | ast.Lambda | None = _find_maker(decorator, find)
        if maker is None:
            continue
        if isinstance(decorator, ast.Call):  # of a factory, the decorator is what it returns
            maker = _find_returned(maker) if isinstance(maker, ast.FunctionDef) else None
        if not isinstance(maker, ast.FunctionDef):
            return None
        inner = _find_returned(maker)
        if inner is not None and inner.args.vararg is None:
            found = Reached(inner, inner.lineno)
        elif not (_returns_its_own(maker) if inner is None else _passes_on(inner)):
            return None
    return found


def _find_maker(decorator: ast.expr, find: Find) -> ast.FunctionDef | None:
    name = decorator.func if isinstance(decorator, ast.Call) else decorator
    bound = _find_only(name.id, find) if isinstance(name, ast.Name) else None
    return bound if isinstance(bound, ast.FunctionDef) else None


def _find_method(value: ast.Attribute, find: Find) -> Reached | None:
    """`Method().run`, `method.run` of an object that is made once, `Method.run`."""
    owner, is_object = _find_class(value.value, find)
    method = _get_method(owner, value.attr) if owner is not None else None
    if owner is None or method is None:
        return None
    kinds = {get_dotted(decorator) for decorator in method.decorator_list}
    if STATIC in kinds:
        return Reached(method, method.lineno)
    if kinds - {"classmethod"}:
        return None
    if not is_object and "classmethod" not in kinds:
        text = f"is a method of the class {owner.name} without an object: write {owner.name}().{value.attr}"
        return Reached(None, value.lineno, problem=text)
    return Reached(method, method.lineno, taken=1)


def _follow_call(call: ast.Call, find: Find, hops: int) -> Reached | None:
    if get_dotted(call.func) in PARTIAL:
        return _follow_partial(call, find, hops)
    if not isinstance(call.func, ast.Name):
        return None
    bound = _find_only(call.func.id, find)
    if isinstance(bound, ast.ClassDef):
        return _find_object(call, bound)
    if isinstance(bound, ast.FunctionDef) and not bound.decorator_list:
        inner = _find_returned(bound)
        return Reached(inner, inner.lineno) if inner is not None and not getattr(inner, "decorator_list", []) else None
    return None


def _follow_partial(call: ast.Call, find: Find, hops: int) -> Reached | None:
    if not call.args or any(isinstance(part, ast.Starred) for part in call.args):
        return None
    if any(keyword.arg is None for keyword in call.keywords):
        return None
    found = find_reached(call.args[0], find, hops - 1)
    if found is None or found.function is None:
        return found
    named = found.named | {keyword.arg for keyword in call.keywords if keyword.arg}
    return replace(found, taken=found.taken + len(call.args) - 1, named=named)


def _find_object(call: ast.Call, owner: ast.ClassDef) -> Reached | None:
    """`Method()`, which is called by its `__call__`."""
    method = _get_method(owner, "__call__")
    if method is not None:
        return None if method.decorator_list else Reached(method, method.lineno, taken=1)
    if owner.bases or owner.keywords or owner.decorator_list:
        return None
    return Reached(None, call.lineno, problem=f"is an object of the class {owner.name}, which has no __call__")


def _find_class(value: ast.expr, find: Find) -> tuple[ast.ClassDef | None, bool]:
    """The class, and whether it is an object of it."""
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
        return _find_one_class(value.func.id, find), True
    if not isinstance(value, ast.Name):
        return None, False
    made = _get_value(_find_only(value.id, find))
    if isinstance(made, ast.Call) and isinstance(made.func, ast.Name):
        return _find_one_class(made.func.id, find), True
    return _find_one_class(value.id, find), False


def _find_one_class(name: str, find: Find) -> ast.ClassDef | None:
    bound = _find_only(name, find)
    return bound if isinstance(bound, ast.ClassDef) else None


def _find_only(name: str, find: Find) -> ast.stmt | None:
    found = find(name)
    return found[0] if len(found) == 1 else None


def _get_method(owner: ast.ClassDef, name: str) -> ast.FunctionDef | None:
    """Its last definition; None too where anything else binds the name."""
    found = [part for part in owner.body if name in (getattr(part, "name", ""), *_list_targets(part))]
    return found[-1] if found and isinstance(found[-1], ast.FunctionDef) else None


def _list_targets(statement: ast.stmt) -> list[str]:
    return [getattr(target, "id", "") for target in getattr(statement, "targets", [])]


def _get_value(bound: ast.stmt | None) -> ast.expr | None:
    """Of a plain `name = value`."""
    if isinstance(bound, ast.AnnAssign):
        return bound.value
    if isinstance(bound, ast.Assign) and all(isinstance(target, ast.Name) for target in bound.targets):
        return bound.value
    return None


def _find_returned(maker: ast.FunctionDef) -> ast.FunctionDef | ast.Lambda | None:
    """The one function that a function makes and returns."""
    returns = [node for node in _iter_own(maker) if isinstance(node, ast.Return)]
    value = returns[0].value if len(returns) == 1 else None
    if isinstance(value, ast.Lambda):
        return value
    made = [part for part in maker.body if isinstance(part, ast.FunctionDef) and part.name == getattr(value, "id", "")]
    return made[0] if len(made) == 1 else None


def _returns_its_own(maker: ast.FunctionDef) -> bool:
    """What it was given comes back."""
    parameters = [*maker.args.posonlyargs, *maker.args.args]
    returns = [node for node in _iter_own(maker) if isinstance(node, ast.Return)]
    return bool(returns and parameters) and all(getattr(node.value, "id", "") == parameters[0].arg for node in returns)


def _passes_on(inner: ast.FunctionDef | ast.Lambda) -> bool:
    """`function(*args, **kwargs)` is in it."""
    name = inner.args.vararg.arg if inner.args.vararg else ""
    starred = (node for node in ast.walk(inner) if isinstance(node, ast.Starred) and isinstance(node.ctx, ast.Load))
    return any(getattr(node.value, "id", "") == name for node in starred)


def _iter_own(function: ast.FunctionDef) -> list[ast.AST]:
    """What is in a function, without what is in functions inside it."""
    waiting: list[ast.AST] = list(function.body)
    found = []
    while waiting:
        node = waiting.pop()
        found.append(node)
        if not isinstance(node, (*DEFINITION, ast.Lambda)):
            waiting.extend(ast.iter_child_nodes(node))
    return found
