"""Is there a function `unlearning` that can be called with four arguments by position? Judged without running."""

import ast
from collections.abc import Iterator
from functools import partial

from core.domain.errors import ParticipantFault
from core.domain.faults import FaultCode
from core.domain.intake.candidates import explain_missing, find_candidate, write_fix
from core.domain.intake.folding import find_constants, open_decided
from core.domain.intake.reached import Function, find_reached
from core.domain.intake.report import ARGUMENT_HINTS, ENTRY_FUNCTION, OPTIONAL_PARAMETERS, list_names, show

POSITIONAL_COUNT = 4
ORDER = ("net", "retain_loader", "forget_loader", "val_loader")

# what can never be called
VALUES = (ast.Constant, ast.JoinedStr, ast.List, ast.Dict, ast.Set, ast.Tuple, ast.ListComp, ast.DictComp, ast.SetComp)
BINDING_CALLS = frozenset({"exec", "globals", "setattr"})


def check_entry(tree: ast.Module, *, name: str, is_bound: bool = False) -> tuple[str, ...]:
    """Raise the fault of the entry function, or return warnings about it. is_bound: its order is seen to elsewhere."""
    body = list(open_decided(tree.body, find_constants(tree.body)))
    bound = find_bindings(body, ENTRY_FUNCTION)
    if not bound:
        if has_star_import(body):
            return (f"{ENTRY_FUNCTION} is not in {name}; it must come from a star import",)
        if _may_bind(tree):
            return (f"{ENTRY_FUNCTION} is not written in {name}; the file must bind it while it is imported",)
        if any(_deletes(statement, ENTRY_FUNCTION) for statement in body):
            raise ParticipantFault(FaultCode.ENTRYPOINT_MISSING, f"{name} deletes {ENTRY_FUNCTION} again")
        raise refuse_missing(tree, name)
    faults = [judge_binding(body, each, name, is_bound=is_bound) for each in bound]
    if all(faults) and faults[-1] is not None:
        raise faults[-1]
    functions = [_resolve(body, statement) for statement in bound]
    return tuple(doubt for function in functions if isinstance(function, Function) for doubt in _find_doubts(function))


def refuse_missing(tree: ast.Module, name: str) -> ParticipantFault:
    found = find_candidate(tree)
    return ParticipantFault(FaultCode.ENTRYPOINT_MISSING, explain_missing(tree, name, found), fix=write_fix(found))


def judge_binding(
    body: list[ast.stmt], bound: ast.stmt, name: str, *, is_bound: bool = False
) -> ParticipantFault | None:
    """The fault of what the function's name stands for; None too where only running it will tell."""
    target = _resolve(body, bound)
    if isinstance(target, ast.ClassDef):
        problem = _find_class_problem(target)
        message = f"{name}, line {target.lineno}: {ENTRY_FUNCTION} is a class that {problem}"
        return ParticipantFault(FaultCode.SIGNATURE_MISMATCH, message) if problem else None
    if isinstance(target, VALUES) or isinstance(bound, ast.Import):
        what = "module" if isinstance(bound, ast.Import) else "value"
        message = f"{name}, line {bound.lineno}: {ENTRY_FUNCTION} is a {what}, not a function"
        return ParticipantFault(FaultCode.ENTRYPOINT_MISSING, message)
    reached = find_reached(_get_value(target), partial(find_bindings, body))
    if reached is None:
        return None  # an import, the result of a call: only running it will tell
    if reached.function is None:
        message = f"{name}, line {reached.line}: {ENTRY_FUNCTION} {reached.problem}"
        return ParticipantFault(FaultCode.SIGNATURE_MISMATCH, message)
    problem = find_signature_problem(reached.function, taken=reached.taken, named=reached.named)
    if problem is None:
        return None if is_bound or reached.taken else _judge_order(reached.function, name)
    return ParticipantFault(FaultCode.SIGNATURE_MISMATCH, f"{name}, line {reached.line}: {ENTRY_FUNCTION} {problem}")


def _judge_order(function: Function, name: str) -> ParticipantFault | None:
    """A network that is passed as a loader fails at its first use; loaders among themselves are a doubt."""
    names = [argument.arg.lower() for argument in [*function.args.posonlyargs, *function.args.args]][:POSITIONAL_COUNT]
    is_loader = [any(word in each for word in ("loader", "_dl", *ARGUMENT_HINTS)) for each in names]
    nets = [place for place, each in enumerate(names) if each.startswith(("net", "model")) and not is_loader[place]]
    if not names or not is_loader[0] or len(nets) != 1:
        return None
    message = (
        f"{name}, line {function.lineno}: {ENTRY_FUNCTION} gets the network first, and its first parameter is"
        f" {show(names[0])}; {show(names[nets[0]])} stands at place {nets[0] + 1}. The order is {', '.join(ORDER)}"
    )
    return ParticipantFault(FaultCode.SIGNATURE_MISMATCH, message)


def find_signature_problem(function: Function, *, taken: int = 0, named: frozenset[str] = frozenset()) -> str | None:
    """Say why a call with net and three loaders by position cannot work, or None.

    taken: parameters that are filled before; named: those that are filled by keyword.
    """
    if isinstance(function, ast.AsyncFunctionDef):
        return "is an `async def`; it is called like a plain function"
    if isinstance(function, ast.FunctionDef) and is_generator(function):
        return "is a generator (it has a `yield`), so a call would run nothing"
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args][taken:]
    twice = [argument.arg for argument in positional[:POSITIONAL_COUNT] if argument.arg in named]
    if twice:
        return f"gets {show(twice[0])} by name and by position: leave it to the call"
    if len(positional) < POSITIONAL_COUNT and arguments.vararg is None:
        return f"takes {len(positional)} positional parameters, not net and three loaders"
    required = positional[POSITIONAL_COUNT : len(positional) - len(arguments.defaults)]
    keyword_only = [
        argument for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if not default
    ]
    offered = {*OPTIONAL_PARAMETERS, *named}
    unknown = [argument.arg for argument in [*required, *keyword_only] if argument.arg not in offered]
    if unknown:
        return f"needs parameters that nobody passes: {list_names(unknown)}{_advise(unknown)}"
    if len(arguments.posonlyargs) > POSITIONAL_COUNT and required:
        return "has more than four positional-only parameters"
    return None


def _advise(unknown: list[str]) -> str:
    """A model or a loader cannot have a default that makes sense."""
    if any(word in name.lower() for name in unknown for word in ("loader", "model", "net", "teacher", "data")):
        return " (a model or a loader is made in `prepare` or inside unlearning, from the four that are passed)"
    return " (give them a default)"


def find_bindings(body: list[ast.stmt], name: str) -> list[ast.stmt]:
    """What the name may stand for at the end: the last statement that binds it, or all of them up to one that does."""
    whole: list[ast.stmt] = []
    for statement in reversed(body):
        if _deletes(statement, name):
            return whole
        found = [part for part in iter_statements([statement]) if name in get_targets(part)]
        is_block = hasattr(statement, "body") and found != [statement]
        whole = [*(found if is_block else found[-1:]), *whole]
        if found and not (is_block and _may_be_skipped(statement)):
            return whole
    return whole


def _deletes(statement: ast.stmt, name: str) -> bool:
    return isinstance(statement, ast.Delete) and name in {getattr(target, "id", "") for target in statement.targets}


def _may_be_skipped(statement: ast.stmt) -> bool:
    """Whether what the block binds may not be bound: of an `if` with an `else`, one branch runs."""
    return not isinstance(statement, ast.With | ast.Try) and not (isinstance(statement, ast.If) and statement.orelse)


def iter_statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """All statements that run at module level: blocks are entered, functions and classes are not."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if is_main_guard(statement):
            continue
        for field in ("body", "orelse", "finalbody"):
            yield from iter_statements(getattr(statement, field, []))
        for handler in getattr(statement, "handlers", []) + getattr(statement, "cases", []):
            yield from iter_statements(handler.body)


def is_main_guard(statement: ast.stmt) -> bool:
    """`if __name__ == "__main__":`, which never holds when a submission is imported."""
    if not isinstance(statement, ast.If) or not isinstance(statement.test, ast.Compare):
        return False
    sides = [statement.test.left, *statement.test.comparators]
    return (
        len(sides) == 2
        and isinstance(statement.test.ops[0], ast.Eq)
        and any(isinstance(side, ast.Name) and side.id == "__name__" for side in sides)
        and any(isinstance(side, ast.Constant) and side.value == "__main__" for side in sides)
    )


def is_generator(function: ast.FunctionDef) -> bool:
    nodes: list[ast.AST] = list(function.body)
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(node, Function | ast.ClassDef):
            nodes.extend(ast.iter_child_nodes(node))
    return False


def get_targets(statement: ast.stmt) -> set[str]:
    """Names that one statement itself binds, blocks not entered."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).split(".")[0] for alias in statement.names}
    if isinstance(statement, ast.Assign):
        return {node.id for target in statement.targets for node in ast.walk(target) if isinstance(node, ast.Name)}
    if isinstance(statement, ast.AnnAssign) and statement.value and isinstance(statement.target, ast.Name):
        return {statement.target.id}
    if isinstance(statement, ast.For):
        return {node.id for node in ast.walk(statement.target) if isinstance(node, ast.Name)}
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.NamedExpr):
        return {statement.value.target.id}
    return set()


def _resolve(body: list[ast.stmt], bound: ast.AST, *, hops: int = 3) -> ast.AST:
    """Follow `unlearning = my_method` to the function itself."""
    while hops and isinstance(bound, ast.Assign | ast.AnnAssign) and isinstance(bound.value, ast.Name):
        targets = find_bindings(body, bound.value.id)
        if not targets:
            return bound
        bound, hops = targets[-1], hops - 1
    if isinstance(bound, ast.Assign | ast.AnnAssign) and isinstance(bound.value, (ast.Lambda, *VALUES)):
        is_plain = isinstance(bound, ast.AnnAssign) or isinstance(bound.targets[0], ast.Name)
        return bound.value if is_plain else bound
    return bound


def _get_value(target: ast.AST) -> ast.AST:
    if isinstance(target, ast.AnnAssign) and target.value is not None:
        return target.value
    is_plain = isinstance(target, ast.Assign) and all(isinstance(each, ast.Name) for each in target.targets)
    return target.value if isinstance(target, ast.Assign) and is_plain else target


def _find_class_problem(owner: ast.ClassDef) -> str | None:
    """Of `__init__`, which gets the four arguments when a class is called."""
    makers = [part for part in owner.body if isinstance(part, ast.FunctionDef) and part.name in ("__init__", "__new__")]
    if len(makers) != 1 or owner.keywords or not makers[0].args.args:
        return None
    arguments = makers[0].args
    without = ast.arguments(
        posonlyargs=[],
        args=arguments.args[1:],
        vararg=arguments.vararg,
        kwonlyargs=arguments.kwonlyargs,
        kw_defaults=arguments.kw_defaults,
        kwarg=arguments.kwarg,
        defaults=arguments.defaults[-len(arguments.args[1:]) :] if arguments.args[1:] else [],
    )
    return find_signature_problem(ast.Lambda(args=without, body=ast.Constant(None)))


def _may_bind(tree: ast.Module) -> bool:
    """Whether code that runs on import may bind the name in a way that its text does not show."""
    if any(isinstance(node, ast.Global) and ENTRY_FUNCTION in node.names for node in ast.walk(tree)):
        return True
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    calls = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} & BINDING_CALLS
    return bool(calls) and any(ENTRY_FUNCTION in text for text in texts)


def has_star_import(body: list[ast.stmt]) -> bool:
    return any(
        isinstance(statement, ast.ImportFrom) and statement.names[0].name == "*" for statement in iter_statements(body)
    )


def _find_doubts(function: Function) -> tuple[str, ...]:
    """The order is fixed; a name that says otherwise is worth a word."""
    names = [argument.arg.lower() for argument in [*function.args.posonlyargs, *function.args.args]][:POSITIONAL_COUNT]
    doubts = []
    for place, (expected, given) in enumerate(zip(ARGUMENT_HINTS, names[1:], strict=False), start=2):
        others = [word for word in ARGUMENT_HINTS if word != expected and word in given]
        if others and expected not in given:
            doubts.append(f"parameter {place} is the {expected} loader, but it is named {show(given)}")
    return tuple(doubts)
