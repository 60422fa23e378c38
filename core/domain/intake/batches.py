"""Which form of a batch a submission reads: `(x, y)`, or a mapping with the keys of 2023; judged from its text."""

import ast
from collections.abc import Iterable, Iterator
from enum import StrEnum

from core.domain.intake.names import get_dotted, get_root

SURE_KEYS = frozenset({"image", "age_group"})
MAPPING_PROBLEM = "digits-2023"  # small, with batches as in 2023
LOADER_WORDS = ("loader", "retain", "forget", "val", "_dl", "batches")
WRAPPERS = frozenset({"tqdm", "enumerate", "iter", "cycle", "islice"})


class BatchForm(StrEnum):
    """As the problem file calls them (core/problem_parts.py:BatchFormat)."""

    PAIR = "pair"
    MAPPING = "mapping"


FORMS = {BatchForm.PAIR: "(x, y)", BatchForm.MAPPING: 'mappings such as sample["image"]'}


def find_batch_form(trees: Iterable[ast.Module]) -> tuple[BatchForm, str] | None:
    """The one form that is read, with an example; None where both are, or neither."""
    found: dict[BatchForm, str] = {}
    for tree in trees:
        for node in ast.walk(tree):
            if _asks(node):
                return None
            for form in _judge(node):
                found.setdefault(form, _write(node))
    return next(iter(found.items())) if len(found) == 1 else None


def doubt_batch_form(read: str, given: str, source: str) -> str | None:
    """What to say of a submission that reads another form than a problem gives; an empty form is not known."""
    if not read or not given or read == given:
        return None
    hint = f"; the problem {MAPPING_PROBLEM} gives mappings" if read == BatchForm.MAPPING else ""
    return (
        f"it reads batches as {FORMS[BatchForm(read)]} (`{source}`), and here they are {FORMS[BatchForm(given)]}{hint}"
    )


def _write(node: ast.AST) -> str:
    try:
        if isinstance(node, ast.For):
            return f"for {ast.unparse(node.target)} in {ast.unparse(node.iter)}"
        return ast.unparse(node)
    except (ValueError, RecursionError):  # a number of thousands of digits in it
        return "…"


def _asks(node: ast.AST) -> bool:
    """`isinstance(batch, dict)`: it is ready for both."""
    if not isinstance(node, ast.Call) or get_dotted(node.func) != "isinstance" or len(node.args) != 2:
        return False
    return any(word in ast.unparse(node.args[1]) for word in ("dict", "Mapping", "tuple", "list"))


def _judge(node: ast.AST) -> Iterator[BatchForm]:
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and node.slice.value in SURE_KEYS:
        yield BatchForm.MAPPING
    elif isinstance(node, ast.For) and _is_loader(node.iter):
        target = node.target
        if _is_enumerated(node.iter) and isinstance(target, ast.Tuple) and len(target.elts) == 2:
            target = target.elts[1]
        if isinstance(target, ast.Tuple) and len(target.elts) == 2 and not _is_zip(node.iter):
            yield BatchForm.PAIR


def _is_loader(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        name = (get_dotted(value.func) or "").split(".")[-1]
        return name in WRAPPERS and bool(value.args) and _is_loader(value.args[0])
    name = (get_root(value) or "").lower()
    return isinstance(value, ast.Name) and any(word in name for word in LOADER_WORDS)


def _is_enumerated(value: ast.expr) -> bool:
    if not isinstance(value, ast.Call):
        return False
    name = (get_dotted(value.func) or "").split(".")[-1]
    return name == "enumerate" or (name in WRAPPERS and bool(value.args) and _is_enumerated(value.args[0]))


def _is_zip(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and (get_dotted(value.func) or "").split(".")[-1] == "zip"
