"""How a notebook calls its own `unlearning`: what it passes where, and what its loaders are like."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from core.domain.intake.entry import POSITIONAL_COUNT, find_bindings
from core.domain.intake.names import get_dotted
from core.domain.intake.report import ARGUMENT_HINTS, ENTRY_FUNCTION, show

ROLES = ("net", *ARGUMENT_HINTS)
SHUFFLED = {"retain": True, "forget": True, "val": False}
OTHER_WORDS = {"val": ("val", "test", "holdout")}


@dataclass(frozen=True, slots=True)
class OwnCall:
    """order: which of our arguments each of the first four parameters gets; names: globals that are passed, by ours."""

    order: tuple[int, ...]
    names: dict[str, int]
    doubts: tuple[str, ...]
    text: str = ""
    line: int = 0

    @property
    def is_reordered(self) -> bool:
        return self.order != tuple(range(POSITIONAL_COUNT))


AS_OURS = OwnCall(tuple(range(POSITIONAL_COUNT)), {}, ())


def read_own_call(statements: list[ast.stmt]) -> OwnCall:
    """The last call at hand, compared with ours; without one, the names of the parameters speak."""
    function = next((each for each in find_bindings(statements, ENTRY_FUNCTION)[-1:]), None)
    if not isinstance(function, ast.FunctionDef):
        return AS_OURS
    parameters = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    calls = [call for call in _iter_calls(statements) if get_dotted(call.func) == ENTRY_FUNCTION]
    doubts = _find_loader_doubts(statements)
    if len(parameters) < POSITIONAL_COUNT:
        return AS_OURS
    if not calls:
        return OwnCall(_find_order([None] * POSITIONAL_COUNT, parameters), {}, doubts)
    call = calls[-1]
    passed = _match(call, parameters)
    given = [passed.get(name) for name in parameters[:POSITIONAL_COUNT]]
    order = _find_order(given, parameters)
    names = {part.id: place for place, part in zip(order, given, strict=True) if isinstance(part, ast.Name)}
    names |= _find_other_names(statements, names)
    extra = {name: value for name, value in passed.items() if name not in parameters[:POSITIONAL_COUNT]}
    return OwnCall(order, names, (*doubts, *_find_extra_doubts(extra, function)), ast.unparse(call), call.lineno)


def _find_other_names(statements: list[ast.stmt], names: dict[str, int]) -> dict[str, int]:
    """`val_dl = validation_loader`: another name for what is passed."""
    found: dict[str, int] = {}
    for statement in statements:
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Name):
            place = (names | found).get(statement.value.id)
            targets = [target.id for target in statement.targets if isinstance(target, ast.Name)]
            found |= dict.fromkeys(targets, place) if place is not None else {}
    return found


def _match(call: ast.Call, parameters: list[str]) -> dict[str, ast.expr]:
    """What the call passes, by parameter; nothing where it unpacks."""
    if any(isinstance(part, ast.Starred) for part in call.args):
        return {}
    by_place = dict(zip(parameters, call.args, strict=False))
    return by_place | {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}


def _find_order(given: list[ast.expr | None], parameters: list[str]) -> tuple[int, ...]:
    """Which of net, retain, forget and validation each parameter gets, where names leave no doubt."""
    words = [
        (ast.unparse(part) if part is not None else name).lower() for part, name in zip(given, parameters, strict=False)
    ]
    roles = [_find_role(word) for word in words]
    known = [role for role in roles if role is not None]
    if len(set(known)) < len(known) or not {"retain", "forget"} <= set(known):
        return AS_OURS.order
    left = [role for role in ROLES if role not in known]
    settled = [role if role is not None else left.pop(0) for role in roles]
    return tuple(ROLES.index(role) for role in settled)


def _find_role(word: str) -> str | None:
    found = [role for role in ARGUMENT_HINTS if any(part in word for part in OTHER_WORDS.get(role, (role,)))]
    if len(found) == 1:
        return found[0]
    return "net" if not found and ("net" in word or "model" in word) else None


def _find_extra_doubts(extra: dict[str, ast.expr], function: ast.FunctionDef) -> Iterator[str]:
    for name, value in extra.items():
        default = _find_default(name, function.args)
        if default is None or ast.unparse(default) != ast.unparse(value):
            kept = f"its default, {show(ast.unparse(default))}, holds" if default is not None else "nobody passes it"
            yield f"the notebook's own call passes {show(f'{name}={ast.unparse(value)}')}; here {kept}"


def _find_default(name: str, arguments: ast.arguments) -> ast.expr | None:
    positional = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
    last = dict(zip(reversed(positional), reversed(arguments.defaults), strict=False))
    named = {argument.arg: value for argument, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)}
    return last.get(name) or named.get(name)


def _find_loader_doubts(statements: Iterable[ast.stmt]) -> tuple[str, ...]:
    """Batch sizes and shuffling that are written down, beside what the platform's loaders do."""
    sizes: dict[str, str] = {}
    doubts: list[str] = []
    listed = list(statements)
    inside = _find_reached(listed)
    for statement in listed:
        for node in () if getattr(statement, "name", "") in inside else ast.walk(statement):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                _look_at_loader(node.targets[0].id, node.value, sizes, doubts)
    if sizes:
        told = ", ".join(f"{name} {size}" for name, size in sizes.items())
        doubts.append(f"the notebook makes batches of its own size ({told}); here the problem says how large they are")
    return tuple(dict.fromkeys(doubts))


def _find_reached(statements: Iterable[ast.stmt]) -> set[str]:
    """The function and those that it calls: the loaders that they make are made here as well."""
    functions = {each.name: each for each in statements if isinstance(each, ast.FunctionDef)}
    found, waiting = set[str](), [ENTRY_FUNCTION]
    while waiting:
        name = waiting.pop()
        if name in functions and name not in found:
            found.add(name)
            nodes = ast.walk(functions[name])
            waiting += [node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)]
    return found


def _look_at_loader(name: str, value: ast.expr, sizes: dict[str, str], doubts: list[str]) -> None:
    role = _find_role(name.lower())
    if role is None or not isinstance(value, ast.Call) or (get_dotted(value.func) or "").split(".")[-1] != "DataLoader":
        return
    options = {keyword.arg: keyword.value for keyword in value.keywords}
    size, shuffle = options.get("batch_size", value.args[1] if len(value.args) > 1 else None), options.get("shuffle")
    if isinstance(size, ast.Constant):
        sizes[show(name)] = str(size.value)
    is_shuffled = bool(shuffle.value) if isinstance(shuffle, ast.Constant) else None if shuffle else False
    if role in SHUFFLED and is_shuffled is not None and is_shuffled != SHUFFLED[role]:
        doubts.append(
            f"the notebook's {show(name)} is {'' if is_shuffled else 'not '}shuffled; here the {role} loader is"
            f" {'shuffled' if SHUFFLED[role] else 'in order'}"
        )


def _iter_calls(statements: Iterable[ast.stmt]) -> Iterator[ast.Call]:
    for statement in statements:
        if getattr(statement, "name", "") != ENTRY_FUNCTION:
            found = [node for node in ast.walk(statement) if isinstance(node, ast.Call)]
            yield from sorted(found, key=lambda node: (node.lineno, node.col_offset))
