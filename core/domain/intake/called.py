"""What fails whenever `unlearning` is called, though the file is imported: lost names, ends, what comes back."""

import ast
import difflib
from collections.abc import Callable, Iterable, Iterator

from core.domain.errors import ParticipantFault
from core.domain.faults import FaultCode
from core.domain.intake.bound import MODULE_NAMES, is_open
from core.domain.intake.certain import Step, ends_here, iter_sure
from core.domain.intake.entry import find_bindings, is_generator, is_main_guard
from core.domain.intake.names import DEFINITION
from core.domain.intake.report import ENTRY_FUNCTION, show

SHOWN_DOUBTS = 3
IN_CLASSES = frozenset({"__class__", "__module__", "__qualname__"})
USUAL = {
    "torch": "import torch",
    "nn": "from torch import nn",
    "F": "import torch.nn.functional as F",
    "optim": "from torch import optim",
    "DataLoader": "from torch.utils.data import DataLoader",
    "np": "import numpy as np",
    "pd": "import pandas as pd",
    "plt": "import matplotlib.pyplot as plt",
    "tqdm": "from tqdm import tqdm",
    "deepcopy": "from copy import deepcopy",
    "partial": "from functools import partial",
    **{name: f"import {name}" for name in ("copy", "json", "math", "os", "random", "sys", "time", "torchvision")},
}
NO_WEIGHTS = (ast.Tuple, ast.List, ast.Set, ast.JoinedStr, ast.Compare, ast.Lambda)
Locate = Callable[[int], str]


def check_names(tree: ast.Module, steps: Iterable[Step], *, locate: Locate) -> tuple[str, ...]:
    """Raise the fault of a name that a file certainly asks for and binds nowhere; tell of those it may ask for."""
    if is_open(tree):
        return ()
    own = set(_iter_bound(tree))
    known = MODULE_NAMES | IN_CLASSES | own
    doubts: dict[str, str] = {}
    for step in steps:
        if step.place.is_guarded(("NameError",)):
            continue
        sure = {id(node) for node in iter_sure(step.node)} if step.place.is_certain else set()
        for node in _iter_asked(step.node):
            if node.id in known:
                continue
            message = f"{locate(node.lineno)}: {show(node.id)} is used and defined nowhere{_suggest(node.id, own)}"
            if id(node) in sure:
                code = FaultCode.CERTAIN_FAILURE if step.place.is_inside else FaultCode.IMPORT_MISSING
                raise ParticipantFault(code, message)
            doubts.setdefault(node.id, f"{message} (only if that line is reached)")
    return tuple(doubts.values())[:SHOWN_DOUBTS]


def find_guarded_names(tree: ast.Module) -> frozenset[str]:
    """Names that functions use and only `if __name__ == "__main__":` binds; it never runs here."""
    asked = {node.id for statement in _iter_open(tree) for node in _iter_asked(statement)}
    guarded = ast.Module(body=[each for each in tree.body if is_main_guard(each)], type_ignores=[])
    inside = {name for guard in guarded.body if isinstance(guard, ast.If) for name in _iter_bound_in(guard.body)}
    return frozenset((asked & inside) - set(_iter_bound(tree)))


def check_ends_inside(steps: Iterable[Step], *, locate: Locate) -> None:
    """Raise the fault of a function that raises, or leaves the process, whenever it is called."""
    for step in steps:
        if step.place.is_certain and step.place.is_inside and not step.place.catches and ends_here(step.node):
            message = f"{locate(getattr(step.node, 'lineno', 1))}: the code ends here whenever it runs"
            raise ParticipantFault(FaultCode.CERTAIN_FAILURE, message)


def check_returned(tree: ast.Module, steps: Iterable[Step], *, locate: Locate) -> None:
    """Raise the fault of `return net, losses` and the like: a network, its weights or None comes back."""
    own = {id(node) for node in _iter_returns(tree)}
    for step in steps:
        node = step.node
        if not step.place.is_certain or id(node) not in own or not isinstance(node, ast.Return):
            continue
        if isinstance(node.value, NO_WEIGHTS) or (
            getattr(node.value, "value", None) is not None and isinstance(node.value, ast.Constant)
        ):
            text = show(ast.unparse(node))
            message = (
                f"{locate(node.lineno)}: `{text}` gives back neither the network nor its weights: write `return net`"
            )
            raise ParticipantFault(FaultCode.CERTAIN_FAILURE, message)


def _iter_returns(tree: ast.Module) -> Iterator[ast.Return]:
    """Of a plain `unlearning`, those of functions inside it aside."""
    found = find_bindings(tree.body, ENTRY_FUNCTION)
    bound = found[0] if len(found) == 1 else None
    if not isinstance(bound, ast.FunctionDef) or bound.decorator_list or is_generator(bound):
        return
    waiting: list[ast.AST] = list(bound.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Return):
            yield node
        elif not isinstance(node, (*DEFINITION, ast.Lambda)):
            waiting.extend(ast.iter_child_nodes(node))


def _iter_open(tree: ast.Module) -> Iterator[ast.stmt]:
    yield from (statement for statement in tree.body if not is_main_guard(statement))


def _iter_bound(tree: ast.Module) -> Iterator[str]:
    yield from _iter_bound_in(_iter_open(tree))


def _iter_bound_in(statements: Iterable[ast.stmt]) -> Iterator[str]:
    """Every name that is bound anywhere in them, in functions too: a name of another function is not looked at."""
    for statement in statements:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                yield node.id
            elif isinstance(node, ast.Global | ast.Nonlocal):
                yield from node.names
            elif isinstance(node, ast.alias):
                yield (node.asname or node.name).split(".")[0]
            elif not isinstance(node, ast.keyword):
                yield from (
                    name for field in ("name", "arg", "rest") if isinstance(name := getattr(node, field, None), str)
                )


def _iter_asked(node: ast.AST) -> Iterator[ast.Name]:
    """What is looked up; annotations of local names are not."""
    skipped = {id(part.annotation) for part in ast.walk(node) if isinstance(part, ast.AnnAssign | ast.arg)}
    skipped |= {id(part.returns) for part in ast.walk(node) if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)}
    waiting = [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load):
            yield part
        waiting.extend(child for child in ast.iter_child_nodes(part) if id(child) not in skipped)


def _suggest(name: str, own: Iterable[str]) -> str:
    if name in USUAL:
        return f": write `{USUAL[name]}` at the top"
    close = difflib.get_close_matches(name, sorted(each for each in own if len(each) > 2), 1)
    return f"; is {show(close[0])} meant?" if close else ""
