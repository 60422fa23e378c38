"""Which function of a file was probably meant to be `unlearning`, and the lines that make it so."""

import ast
import difflib
from collections.abc import Iterator
from dataclasses import dataclass

from core.domain.intake.report import ARGUMENT_HINTS, ENTRY_FUNCTION, show

USUAL_NAMES = frozenset({"unlearn", "do_unlearning", "do_unlearn", "run_unlearning", "run", "main", "forget", "method"})
ENOUGH = 2
ALIKE = 0.85
SIGNATURE = f"{ENTRY_FUNCTION}(net, retain_loader, forget_loader, val_loader)"
WORDS = {"net": ("net", "model"), "retain_loader": ("retain",), "forget_loader": ("forget",), "val_loader": ("val",)}


@dataclass(frozen=True, slots=True)
class Candidate:
    function: ast.FunctionDef
    owner: ast.ClassDef | None
    made: str  # how the file itself makes the object, if it does

    @property
    def call(self) -> str:
        arguments = self.function.args
        names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)][1 if self.owner else 0 :]
        required = names[: len(names) - len(arguments.defaults)] or names
        given = [_choose_argument(place, name) for place, name in enumerate(required)]
        return f"{self.made or show(self.owner.name) + '()' if self.owner else ''}{'.' if self.owner else ''}" + (
            f"{self.function.name}({', '.join(given)})"
        )


def find_candidate(tree: ast.Module) -> Candidate | None:
    """The likeliest function or method: by its name, its parameters, and who calls it."""
    called_inside = {name for function in _iter_functions(tree) for name in _iter_called(function)}
    called_outside = {
        name for statement in tree.body if not _is_definition(statement) for name in _iter_called(statement)
    }
    scored = [
        (
            _weigh(function, called_inside, called_outside),
            -function.lineno,
            Candidate(function, owner, _find_maker(tree, owner)),
        )
        for function, owner in _iter_owned(tree)
    ]
    best = max(scored, key=lambda each: each[:2], default=None)
    return best[2] if best and best[0] >= ENOUGH else None


def explain_missing(tree: ast.Module, name: str, found: Candidate | None) -> str:
    message = f"{name} defines no function {ENTRY_FUNCTION} at module level"
    if found is None:
        inside = any(isinstance(node, ast.FunctionDef) and node.name == ENTRY_FUNCTION for node in ast.walk(tree))
        return f"{message}: it is inside another block that does not run on import" if inside else message
    function = found.function
    if found.owner is not None:
        return (
            f"{message}: {show(function.name)} (line {function.lineno}) is a method of the class"
            f" {show(found.owner.name)}; add a function {SIGNATURE} that returns {show(found.call)}"
        )
    return (
        f"{message}; is {show(function.name)} (line {function.lineno}) the one? Name it {ENTRY_FUNCTION}, or add a"
        f" function {SIGNATURE} that returns {show(found.call)}"
    )


def write_fix(found: Candidate | None) -> str:
    """What can be pasted at the end of the file."""
    return f"def {SIGNATURE}:\n    return {found.call}\n" if found is not None else ""


def _weigh(function: ast.FunctionDef, called_inside: set[str], called_outside: set[str]) -> int:
    names = " ".join(argument.arg.lower() for argument in function.args.args)
    weight = 2 if "unlearn" in function.name.lower() else 1 if function.name.lower() in USUAL_NAMES else 0
    weight += 3 if function.name == ENTRY_FUNCTION or _is_misspelt(function.name) else 0
    weight += 2 if sum(word in names for word in ARGUMENT_HINTS) >= 2 and len(function.args.args) >= 3 else 0
    weight += 1 if function.name in called_outside else 0
    return weight - (3 if function.name in called_inside and function.name not in called_outside else 0)


def _is_misspelt(name: str) -> bool:
    """`unlearing`, or a letter of another alphabet."""
    return difflib.SequenceMatcher(None, name.lower(), ENTRY_FUNCTION).ratio() >= ALIKE


def _iter_owned(tree: ast.Module) -> Iterator[tuple[ast.FunctionDef, ast.ClassDef | None]]:
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef):
            yield statement, None
        elif isinstance(statement, ast.ClassDef):
            yield from ((part, statement) for part in statement.body if isinstance(part, ast.FunctionDef))


def _iter_functions(tree: ast.Module) -> Iterator[ast.AST]:
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _is_definition(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)


def _iter_called(node: ast.AST) -> Iterator[str]:
    own = getattr(node, "name", "")
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Name | ast.Attribute):
            name = part.func.id if isinstance(part.func, ast.Name) else part.func.attr
            if name != own:
                yield name


def _find_maker(tree: ast.Module, owner: ast.ClassDef | None) -> str:
    """`Method(lr=0.1)` as the file writes it."""
    if owner is None:
        return ""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == owner.name:
            return ast.unparse(node)
    return ""


def _choose_argument(place: int, name: str) -> str:
    found = [ours for ours, words in WORDS.items() if any(word in name.lower() for word in words)]
    return found[0] if found else [*WORDS, name][min(place, len(WORDS))]
