"""The imports of a file, and how surely each of them runs when the file does."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from core.domain.intake.certain import Place, Step, iter_sure
from core.domain.intake.names import get_dotted

CATCHING = frozenset({"ImportError", "ModuleNotFoundError"})
IMPORTING_CALLS = frozenset({"importlib.import_module", "import_module", "__import__"})


@dataclass(frozen=True, slots=True)
class Asked:
    """`import module`, or `from module import names`; level counts the dots."""

    module: str
    names: tuple[str, ...]
    level: int
    line: int
    text: str
    place: Place
    may_move_path: bool = False  # the file changes sys.path

    @property
    def is_guarded(self) -> bool:
        """Its failure is caught."""
        return self.place.is_guarded(CATCHING)


def find_imports(tree: ast.Module, steps: Iterable[Step]) -> list[Asked]:
    moves = any(isinstance(node, ast.Attribute) and get_dotted(node) == "sys.path" for node in ast.walk(tree))
    return [asked for step in steps for asked in _read(step, moves)]


def _read(step: Step, moves: bool) -> Iterator[Asked]:
    node, place = step.node, step.place
    if isinstance(node, ast.ImportFrom):
        names = tuple(alias.name for alias in node.names)
        yield Asked(node.module or "", names, node.level, node.lineno, ast.unparse(node), place, moves)
    elif isinstance(node, ast.Import):
        for alias in node.names:
            yield Asked(alias.name, (), 0, node.lineno, ast.unparse(node), place, moves)
    else:
        yield from (
            Asked(module, (), 0, call.lineno, module, place, moves)
            for call in iter_sure(node)
            if isinstance(call, ast.Call) and (module := _find_named(call))
        )


def _find_named(call: ast.Call) -> str:
    """`importlib.import_module("torch.nn")`, where the text stands there."""
    first = call.args[0] if call.args else None
    if get_dotted(call.func) not in IMPORTING_CALLS or not isinstance(first, ast.Constant):
        return ""
    name = first.value
    return name if isinstance(name, str) and all(part.isidentifier() for part in name.split(".")) else ""
